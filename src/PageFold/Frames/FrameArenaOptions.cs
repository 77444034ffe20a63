namespace PageFold.Frames;

/// <summary>What a <see cref="FrameArena"/> is made with.</summary>
internal sealed record FrameArenaOptions
{
    /// <summary>The default <see cref="FrameSize"/>, in bytes.</summary>
    public const int DefaultFrameSize = 4096;

    /// <summary>Bytes in a frame: a power of two from 4096 to 65536. Default 4096.</summary>
    public int FrameSize { get; init; } = DefaultFrameSize;

    /// <summary>
    /// The most memory to hold, in bytes. Null (the default) takes half of the container's limit, or half of the machine's memory outside a
    /// container. A limit above the container's, less 32 MiB and a 64th of it
    /// for the runtime and the kernel, is refused. Limits of several arenas, pools and stores in one process add up: their owner sees to
    /// it that the sum is no more than that.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Where the memory comes from.</summary>
    public FrameBackingKind Backing { get; init; }

    /// <summary>
    /// Has memory that is in use throughout merged into huge pages, by and by and in the background, where the system has them (Linux with pages of 4 KiB): random loads from a large store miss
    /// the TLB less. Costs no memory, but whoever touches a block of 2 MiB while it is merged waits: a fraction of a millisecond, or several on a virtual machine whose host has to find the memory.
    /// For stores that are filled and then mostly read. The pool or store that owns an arena has it done; an arena by itself merges nothing. Default false.
    /// </summary>
    public bool HugePages { get; init; }

    /// <summary>Lets only every second frame be used, so that no two free frames are neighbours. For tests.</summary>
    internal bool NoNeighbours { get; init; }

    /// <summary>When set, decides which allocations are made to fail. For tests.</summary>
    internal Frames.AllocationFaults? Faults { get; init; }
}
