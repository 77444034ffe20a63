using System.Runtime.Versioning;
using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Mapping;

/// <summary>The page tables of one window of this process, changed through the operating system.</summary>
/// <remarks>
/// Setting an entry maps a page of the arena's memory file over the window's page. Clearing it maps inaccessible memory there. When a
/// mapping is replaced, the kernel clears, batches and flushes by itself, so the other operations do nothing.
/// </remarks>
[SupportedOSPlatform("linux")]
internal unsafe struct LinuxPageTables(MapWindows windows, int number, int descriptor, int frameShift, AllocationFaults? faults)
    : IPageTablePort
{
    private const int WindowFlags = LibC.MAP_SHARED | LibC.MAP_FIXED | LibC.MAP_POPULATE;
    private const int NothingFlags = LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE | LibC.MAP_FIXED;

    /// <summary>The number of the window, once taken.</summary>
    public int Number { get; private set; } = number;

    private readonly bool IsMadeToFail => faults?.ShouldRefuse() == true;

    private readonly nuint Size => (nuint)1 << frameShift;

    /// <summary>
    /// True if a system call failed: then it is unknown what the window maps and whether its addresses still belong to it.
    /// </summary>
    public bool Refused { get; private set; }

    public bool TryTakeWindow()
    {
        Number = windows.Take();
        return Number >= 0;
    }

    public readonly void ReturnWindow()
    {
        if (Refused)
            windows.Lose(Number);
        else
            windows.Return(Number);
    }

    public void Set(int page, uint frame)
    {
        const int Access = LibC.PROT_READ | LibC.PROT_WRITE;
        Refused = Refused || IsMadeToFail
            || LibC.mmap(Address(page), Size, Access, WindowFlags, descriptor, (long)frame << frameShift) == LibC.MapFailed;
    }

    public void GetAndClear(int page) =>
        Refused = Refused || IsMadeToFail || LibC.mmap(Address(page), Size, LibC.PROT_NONE, NothingFlags, -1, 0) == LibC.MapFailed;

    /// <summary>Does nothing: the system call that clears returns after the flush on all processors.</summary>
    public readonly void FlushLocal(int page)
    {
    }

    /// <inheritdoc cref="FlushLocal"/>
    public readonly void FlushRange()
    {
    }

    /// <summary>Does nothing: the kernel batches within a call, and no batch outlives it.</summary>
    public readonly void EnterLazyMmu()
    {
    }

    /// <inheritdoc cref="EnterLazyMmu"/>
    public readonly void LeaveLazyMmu()
    {
    }

    /// <summary>Does nothing: user space cannot disable preemption.</summary>
    public readonly void PreemptDisable()
    {
    }

    /// <inheritdoc cref="PreemptDisable"/>
    public readonly void PreemptEnable()
    {
    }

    private readonly nint Address(int page) => (nint)(windows.At(Number) + (nuint)page * Size);
}
