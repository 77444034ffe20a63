using PageFold.Allocation;
using PageFold.Frames;

namespace PageFold;

/// <summary>What a <see cref="PageStore"/> is made with.</summary>
public sealed record PageStoreOptions
{
    /// <summary>The store's name in metrics (<see cref="PageFoldMetrics"/>). Null (the default) numbers it.</summary>
    public string? Name { get; init; }

    /// <summary>Bytes in a page: a power of two from 4096 to 65536. Default 4096.</summary>
    public int PageSize { get; init; } = FrameArenaOptions.DefaultFrameSize;

    /// <summary>Bytes in a frame, at least <see cref="PageSize"/>. Null (the default) takes the page size.</summary>
    public int? FrameSize { get; init; }

    /// <summary>How pages are compressed. Default: the fast level of <see cref="PageCodec.Fold"/>.</summary>
    public PageCodec Codec { get; init; } = PageCodec.Fold();

    /// <summary>
    /// The most memory to hold, in bytes: frames, tables, buffers and codec contexts. Null (the default) takes half of the container's
    /// limit, or half of the machine's memory outside a container. A limit above the container's, less 32 MiB and a 64th of it
    /// for the runtime and the kernel, is refused. Limits of several pools and stores in one process add up: their owner sees to
    /// it that the sum is no more than that.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>
    /// Bytes of the limit that the store's owner holds beside it, for caches and buffers of its own: they count as held, from the start
    /// on; <see cref="PageStore.TrySetOwnerBytes"/> changes them.
    /// Zero (the default) to less than the limit.
    /// </summary>
    public long OwnerBytes { get; init; }

    /// <summary>
    /// A page that compresses to more bytes than this is incompressible and stored raw, which reads faster. Null (the default) takes 31/32
    /// of the page size.
    /// </summary>
    public int? IncompressibleAbove { get; init; }

    /// <summary>The most frames that a zspage may chain, 1 to 64. Default 64.</summary>
    public int MaxChain { get; init; } = SizeClasses.DefaultMaxChain;

    /// <summary>Where the memory comes from.</summary>
    public FrameBackingKind Backing { get; init; }

    /// <summary>
    /// Collapses blocks of 2 MiB that are in use throughout into huge pages, in the background, where the system has them (Linux with pages
    /// of 4 KiB). Default false.
    /// </summary>
    /// <remarks>
    /// Random loads from a large store then miss the TLB less. Costs no memory, but a thread that touches a block while it is collapsed
    /// waits: a fraction of a millisecond, or several on a virtual machine whose host has to find the memory. For stores that are filled
    /// and then mostly read. Blocks of tables are collapsed in any case.
    /// </remarks>
    public bool HugePages { get; init; }

    /// <summary>
    /// Notes when each page was last written or read, for 2 more bytes a page, so that pages can be chosen by age. Default false.
    /// </summary>
    public bool TrackAccess { get; init; }

    /// <summary>A file that pages can be moved to by <see cref="PageStore.WriteBack"/>. Null (the default) for none.</summary>
    public WritebackOptions? Writeback { get; init; }

    /// <summary>
    /// Bytes of the limit kept for pages that hold something already. When less is free, the store refuses a page that holds nothing yet,
    /// so that pages it has accepted can still be overwritten by content that compresses less. Zero (the default) refuses no page before
    /// the limit is reached; at most half of the limit. Loading a snapshot may use it.
    /// </summary>
    public long OverwriteReserve { get; init; }

    /// <summary>
    /// Bytes of the limit kept aside for a snapshot or an image, which then can be taken of a full store too, with small buffers, and be
    /// loaded again within the same limit; <see cref="SnapshotOptions.ReserveBytes"/> says how many are enough. Zero (the default) keeps
    /// none; at most half of the limit.
    /// </summary>
    public long SnapshotReserve { get; init; }

    /// <summary>
    /// The clock that ages and days are told by: by its timestamps, so that a change of date or time does not matter. Only a snapshot's
    /// time of creation is its date. Default the system's.
    /// </summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Lets only every second frame be used, so that no two free frames are neighbours. For tests.</summary>
    internal bool NoNeighbours { get; init; }

    /// <summary>When set, decides which allocations are made to fail. For tests.</summary>
    internal AllocationFaults? Faults { get; init; }

    /// <summary>Size steps in a frame, a power of two. For measuring.</summary>
    internal int Steps { get; init; } = SizeClasses.DefaultSteps;

    internal ZsPoolOptions PoolOptions => new()
    {
        FrameSize = FrameSize ?? PageSize,
        MemoryLimit = MemoryLimit,
        Backing = Backing,
        HugePages = HugePages,
        MaxChain = MaxChain,
        Steps = Steps,
        NoNeighbours = NoNeighbours,
        Faults = Faults,
    };
}
