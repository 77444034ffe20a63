using System.Runtime.InteropServices;

namespace PageFold.Interop;

/// <summary>
/// The system's own LZ4 library where there is one, found by the name of its ABI. It is looked for in the places the system trusts and beside the program, once; nothing here fails
/// where it is missing.
/// </summary>
internal sealed unsafe class LibLz4
{
    /// <summary>Compresses with a state of the caller's; the result's length, zero if it does not fit.</summary>
    public readonly delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int> CompressWithState;

    /// <summary>Decompresses within bounds on both sides; the page's length, negative if the source is none.</summary>
    public readonly delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int> Decompress;

    private LibLz4(nint library)
    {
        CompressWithState = (delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int>)NativeLibrary.GetExport(library, "LZ4_compress_fast_extState");
        Decompress = (delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int>)NativeLibrary.GetExport(library, "LZ4_decompress_safe");
        StateBytes = ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "LZ4_sizeofState"))();
        Version = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(library, "LZ4_versionString"))()) ?? string.Empty;
    }

    /// <summary>The library; null where the system has none.</summary>
    public static LibLz4? Instance { get; } = Find();

    /// <summary>Bytes of a state.</summary>
    public int StateBytes { get; }

    public string Version { get; }

    private static string[] Names => OperatingSystem.IsWindows() ? ["liblz4.dll", "lz4.dll"] : OperatingSystem.IsMacOS() ? ["liblz4.1.dylib"] : ["liblz4.so.1"];

    private static LibLz4? Find()
    {
        foreach (string name in Names)
        {
            if (!NativeLibrary.TryLoad(name, typeof(LibLz4).Assembly, DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory, out nint library))
                continue;
            try
            {
                return new LibLz4(library);
            }
            catch (EntryPointNotFoundException)
            {
                // Something else of that name, or a version from before the functions.
                NativeLibrary.Free(library);
            }
        }
        return null;
    }
}
