using PageFold.Frames;

namespace PageFold;

/// <summary>The options of an <see cref="ObjectHeap"/>.</summary>
public sealed record ObjectHeapOptions
{
    /// <summary>Bytes in a frame, and the largest object: a power of two from 4096 to 65536. Default 4096.</summary>
    public int FrameSize { get; init; } = FrameArenaOptions.DefaultFrameSize;

    /// <summary>
    /// The most memory to hold at first, in bytes: frames, tables and what the owner charges. Null (the default) takes half of the
    /// container's limit, or half of the machine's memory outside a container.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>
    /// The most that <see cref="ObjectHeap.MemoryLimit"/> can be set to; null (the default) for <see cref="MemoryLimit"/>. Costs addresses,
    /// and a sixteenth of a percent of its bytes in records.
    /// </summary>
    public long? MaxMemoryLimit { get; init; }

    /// <summary>Where the memory comes from.</summary>
    public FrameBackingKind Backing { get; init; }

    /// <summary>Collapses blocks of 2 MiB that are in use throughout into huge pages (<see cref="ZsPoolOptions.HugePages"/>).</summary>
    /// <remarks>
    /// Not if their records, for which <see cref="MaxMemoryLimit"/> counts, would take more than a 64th of <see cref="MemoryLimit"/>.
    /// </remarks>
    public bool HugePages { get; init; }

    /// <summary>When set, decides which allocations are made to fail. For tests.</summary>
    internal AllocationFaults? Faults { get; init; }

    internal FrameArena MakeArena()
    {
        // The arena is made for the maximum. Without a limit of its own the heap begins with the default one all the same.
        long? limit = MemoryLimit ?? (MaxMemoryLimit is { } maximum ? Math.Min(MemoryLimits.Resolve(null), maximum) : null);
        bool hasRoomForHugeBlocks = MaxMemoryLimit is not { } most || HugeBlocks.BytesFor(most) <= limit / 64;
        FrameArena arena = new(new FrameArenaOptions
        {
            FrameSize = FrameSize,
            MemoryLimit = MaxMemoryLimit ?? MemoryLimit,
            Backing = Backing,
            HugePages = HugePages && hasRoomForHugeBlocks,
            Faults = Faults,
        });
        if (limit is { } lower)
            arena.Budget.Limit = lower;
        return arena;
    }
}
