namespace PageFold.Frames;

/// <summary>The options of a <see cref="FrameArena"/>.</summary>
internal sealed record FrameArenaOptions
{
    /// <summary>The default <see cref="FrameSize"/>, in bytes.</summary>
    public const int DefaultFrameSize = 4096;

    /// <summary>Bytes in a frame: a power of two from 4096 to 65536.</summary>
    /// <remarks>Default 4096.</remarks>
    public int FrameSize { get; init; } = DefaultFrameSize;

    /// <summary>
    /// The maximum memory to hold, in bytes; null (the default) is half of the container's or else of the machine's
    /// memory.
    /// </summary>
    /// <remarks>
    /// Inside a container, a limit above the container's limit less a reserve is refused. The reserve is 32 MiB and a 64th of the
    /// container's limit, for the runtime and the kernel. Limits of several arenas, pools and stores in one process add up; the application
    /// has to keep their sum below the same bound.
    /// </remarks>
    public long? MemoryLimit { get; init; }

    /// <summary>The source of the memory.</summary>
    public FrameBackingKind Backing { get; init; }

    /// <summary>
    /// Collapses memory that is completely in use into huge pages, in the background (Linux with pages of 4 KiB). Default
    /// false.
    /// </summary>
    /// <remarks>
    /// Random loads from a large store then miss the TLB less. Huge pages cost no memory. But a thread that touches a block of 2 MiB while
    /// it is collapsed waits a fraction of a millisecond, or several milliseconds on a virtual machine whose host has to find the memory.
    /// The option suits stores that are filled and then mostly read. The pool or store that owns the arena collapses blocks; an arena
    /// without owner collapses none.
    /// </remarks>
    public bool HugePages { get; init; }

    /// <summary>Uses only every second frame, so that no two free frames are adjacent.</summary>
    /// <remarks>For tests.</remarks>
    internal bool NoNeighbours { get; init; }

    /// <summary>When set, decides which allocations fail.</summary>
    /// <remarks>For tests.</remarks>
    internal AllocationFaults? Faults { get; init; }
}
