using System.Runtime.Versioning;
using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Mapping;

/// <summary>
/// The page tables of one window of this process, changed through the operating system: setting an entry maps a page of the arena's file over the window's, clearing it maps nothing there.
/// The kernel clears, batches and broadcasts by itself when a mapping is replaced, so the other operations have nothing left to do.
/// </summary>
[SupportedOSPlatform("linux")]
internal unsafe struct LinuxPageTables(MapWindows windows, int number, int descriptor, int frameShift, AllocationFaults? faults) : IPageTablePort
{
    private const int WindowFlags = LibC.MAP_SHARED | LibC.MAP_FIXED | LibC.MAP_POPULATE;
    private const int NothingFlags = LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE | LibC.MAP_FIXED;

    /// <summary>The window's number, once taken.</summary>
    public int Number { get; private set; } = number;

    private readonly bool IsMadeToFail => faults?.ShouldRefuse() == true;

    private readonly nuint Size => (nuint)1 << frameShift;

    /// <summary>True if the system refused something: then it is not known what the window points at, nor that its addresses are still ours.</summary>
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

    public void Set(int page, uint frame) =>
        Refused = Refused || IsMadeToFail || LibC.mmap(Address(page), Size, LibC.PROT_READ | LibC.PROT_WRITE, WindowFlags, descriptor, (long)frame << frameShift) == LibC.MapFailed;

    public void GetAndClear(int page) =>
        Refused = Refused || IsMadeToFail || LibC.mmap(Address(page), Size, LibC.PROT_NONE, NothingFlags, -1, 0) == LibC.MapFailed;

    /// <summary>Nothing: the clear has broadcast its flush before it returned.</summary>
    public readonly void FlushLocal(int page)
    {
    }

    /// <inheritdoc cref="FlushLocal"/>
    public readonly void FlushRange()
    {
    }

    /// <summary>Nothing: the kernel batches inside a call, and no batch outlives it.</summary>
    public readonly void EnterLazyMmu()
    {
    }

    /// <inheritdoc cref="EnterLazyMmu"/>
    public readonly void LeaveLazyMmu()
    {
    }

    /// <summary>Nothing: user space cannot forbid preemption.</summary>
    public readonly void PreemptDisable()
    {
    }

    /// <inheritdoc cref="PreemptDisable"/>
    public readonly void PreemptEnable()
    {
    }

    private readonly nint Address(int page) => (nint)(windows.At(Number) + (nuint)page * Size);
}
