using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageFold.Cli.Interop;

/// <summary>An allocator of a native library, called through function pointers with the runtime's ordinary transition.</summary>
/// <remarks>Libraries are loaded beside the process's own allocator and replace nothing.</remarks>
internal sealed unsafe class NativeAllocator
{
    private readonly delegate* unmanaged[Cdecl]<nuint, void*> _allocate;
    private readonly delegate* unmanaged[Cdecl]<nuint, nuint, void*> _allocateZeroed;
    private readonly delegate* unmanaged[Cdecl]<void*, void> _free;

    private readonly nint _library;

    private NativeAllocator(string name, nint library, nint allocate, nint allocateZeroed, nint free)
    {
        _library = library;
        Name = name;
        _allocate = (delegate* unmanaged[Cdecl]<nuint, void*>)allocate;
        _allocateZeroed = (delegate* unmanaged[Cdecl]<nuint, nuint, void*>)allocateZeroed;
        _free = (delegate* unmanaged[Cdecl]<void*, void>)free;
    }

    /// <summary>The known allocators: the C library's own first.</summary>
    public static IReadOnlyList<string> Names { get; } = [CLibrary, "jemalloc", "mimalloc"];

    public string Name { get; }

    private static string CLibrary => OperatingSystem.IsLinux() ? "glibc" : "libc";

    /// <summary>Loads one of <see cref="Names"/>; null if it is not available.</summary>
    /// <param name="name">The name of the allocator.</param>
    /// <param name="reason">The reason and the remedy; null if it is available.</param>
    public static NativeAllocator? Find(string name, out string? reason)
    {
        reason = null;
        bool present = false;
        foreach (string library in Libraries(name))
        {
            try
            {
                nint handle = NativeLibrary.Load(library, typeof(NativeAllocator).Assembly, DllImportSearchPath.SafeDirectories);
                present = true;
                if (TryBind(name, handle, out NativeAllocator? allocator))
                    return allocator;
                NativeLibrary.Free(handle);
            }
            catch (DllNotFoundException e) when (LacksStaticTls(e))
            {
                reason = "there is no room for its thread-local data in this process "
                    + "(set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384)";
                return null;
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                // Try the next name.
            }
        }
        reason = present ? "its library lacks the functions" : "its library is not installed" + Remedy(name);
        return null;
    }

    /// <summary>True if a library exists and would load in a process with more room for thread-local data.</summary>
    public static bool LacksStaticTls(string name)
    {
        foreach (string library in Libraries(name))
        {
            try
            {
                NativeLibrary.Free(NativeLibrary.Load(library, typeof(NativeAllocator).Assembly, DllImportSearchPath.SafeDirectories));
                return false;
            }
            catch (DllNotFoundException e) when (LacksStaticTls(e))
            {
                return true;
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                // Try the next name.
            }
        }
        return false;
    }

    /// <summary>Allocates so many bytes with undefined content; zero on failure.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Allocate(int size) => (nint)_allocate((nuint)size);

    /// <summary>Allocates so many zeros; zero on failure.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint AllocateZeroed(int size) => (nint)_allocateZeroed(1, (nuint)size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(nint address) => _free((void*)address);

    /// <summary>Makes the library give free memory back, if it can.</summary>
    /// <remarks>Otherwise memory that is kept from earlier would look like less memory needed later.</remarks>
    public void GiveBack()
    {
        // By name, because the lookup also finds functions of libraries on which a library depends.
        nint function;
        if (Name == "mimalloc" && NativeLibrary.TryGetExport(_library, "mi_collect", out function))
            ((delegate* unmanaged[Cdecl]<byte, void>)function)(1);
        else if (Name == "jemalloc" && NativeLibrary.TryGetExport(_library, "mallctl", out function))
            Purge((delegate* unmanaged[Cdecl]<byte*, void*, nuint*, void*, nuint, int>)function);
        else if (Name == CLibrary && NativeLibrary.TryGetExport(_library, "malloc_trim", out function))
            _ = ((delegate* unmanaged[Cdecl]<nuint, int>)function)(0);
    }

    /// <summary>Makes the C library map allocations above a size separately and give them back as soon as they are freed.</summary>
    /// <remarks>
    /// By default it raises that bound to the largest allocation that was ever freed, and smaller allocations then stay with the thread's
    /// arena.
    /// </remarks>
    public void GiveBackAtOnce(int above)
    {
        const int MmapThreshold = -3;
        if (Name == CLibrary && NativeLibrary.TryGetExport(_library, "mallopt", out nint function))
            _ = ((delegate* unmanaged[Cdecl]<int, int, int>)function)(MmapThreshold, above);
    }

    /// <summary>The bytes of an allocation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Span<byte> Bytes(nint address, int size) => new((void*)address, size);

    private static bool TryBind(string name, nint library, [NotNullWhen(true)] out NativeAllocator? allocator)
    {
        // Depending on its build, jemalloc has a prefix or the standard names. The C library has the standard names too, so try the prefix
        // first.
        string[] prefixes = name switch { "mimalloc" => ["mi_"], "jemalloc" => ["je_", string.Empty], _ => [string.Empty] };
        foreach (string prefix in prefixes)
        {
            if (NativeLibrary.TryGetExport(library, prefix + "malloc", out nint allocate)
                && NativeLibrary.TryGetExport(library, prefix + "calloc", out nint allocateZeroed)
                && NativeLibrary.TryGetExport(library, prefix + "free", out nint free))
            {
                allocator = new NativeAllocator(name, library, allocate, allocateZeroed, free);
                return true;
            }
        }
        allocator = null;
        return false;
    }

    private static void Purge(delegate* unmanaged[Cdecl]<byte*, void*, nuint*, void*, nuint, int> control)
    {
        // The calling thread's cache, then all arenas, which 4096 stands for.
        fixed (byte* flush = "thread.tcache.flush\0"u8, purge = "arena.4096.purge\0"u8)
        {
            _ = control(flush, null, null, null, 0);
            _ = control(purge, null, null, null, 0);
        }
    }

    private static string[] Libraries(string name) => name switch
    {
        "jemalloc" => OperatingSystem.IsWindows() ? ["jemalloc.dll"]
            : OperatingSystem.IsMacOS() ? ["libjemalloc.2.dylib"]
            : ["libjemalloc.so.2"],
        "mimalloc" => OperatingSystem.IsWindows() ? ["mimalloc.dll"]
            : OperatingSystem.IsMacOS() ? ["libmimalloc.dylib"]
            : ["libmimalloc.so.2", "libmimalloc.so.2.0", "libmimalloc.so.3", "libmimalloc.so"],
        _ => OperatingSystem.IsWindows() ? ["ucrtbase.dll"] : OperatingSystem.IsMacOS() ? ["libSystem.dylib"] : ["libc.so.6"],
    };

    private static string Remedy(string name) => !OperatingSystem.IsLinux() ? string.Empty : name switch
    {
        "jemalloc" => " (apt install libjemalloc2)",
        "mimalloc" => " (apt install libmimalloc2.0)",
        _ => string.Empty,
    };

    private static bool LacksStaticTls(DllNotFoundException e) => e.Message.Contains("static TLS", StringComparison.Ordinal);
}
