using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>
/// What the kernel says of the memory under an arena's frames: <c>/proc/self/pagemap</c> and <c>/proc/kpageflags</c>, which need root.
/// </summary>
internal sealed partial class KernelPages : IDisposable
{
    private const int PageSize = 4096;
    private const ulong Present = 1UL << 63;
    private const ulong FrameNumber = (1UL << 55) - 1;
    private const ulong PartOfHugePage = 1UL << 22;

    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _map;
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _flags;

    private KernelPages()
    {
        _map = File.OpenHandle("/proc/self/pagemap");
        _flags = File.OpenHandle("/proc/kpageflags");
    }

    /// <summary>Opens both; null where this process may not.</summary>
    public static KernelPages? TryOpen()
    {
        if (!OperatingSystem.IsLinux() || Environment.SystemPageSize != PageSize || !Environment.IsPrivilegedProcess)
            return null;
        try
        {
            return new KernelPages();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Locks an arena's frames as they are touched; false if this process may not lock so much.</summary>
    public static unsafe bool TryLock(FrameArena arena) => mlock2((nint)arena.AddressOf(0), (nint)arena.MemoryLimit, flags: 1) == 0;

    /// <summary>Blocks of 2 MiB of an arena in which the kernel has a huge page, be it that only a part of it is used.</summary>
    public unsafe int CountHugeBlocks(FrameArena arena)
    {
        const int PagesPerBlock = 512;
        ulong[] entries = new ulong[arena.MemoryLimit / PageSize];
        ReadAt(_map, entries, (long)arena.AddressOf(0) / PageSize);
        HashSet<int> blocks = [];
        ulong[] flags = new ulong[1];
        for (int page = 0; page < entries.Length; page++)
        {
            if ((entries[page] & Present) == 0 || blocks.Contains(page / PagesPerBlock))
                continue;
            ReadAt(_flags, flags, (long)(entries[page] & FrameNumber));
            if ((flags[0] & PartOfHugePage) != 0)
                blocks.Add(page / PagesPerBlock);
        }
        return blocks.Count;
    }

    public void Dispose()
    {
        _map.Dispose();
        _flags.Dispose();
    }

    private static void ReadAt(Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<ulong> entries, long index) =>
        Assert.Equal(entries.Length * 8, RandomAccess.Read(file, MemoryMarshal.AsBytes(entries), index * 8));

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int mlock2(nint address, nint length, uint flags);
}
