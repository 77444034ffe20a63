using System.Diagnostics.CodeAnalysis;
using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold;

/// <summary>What a <see cref="ZsPool"/> is made with.</summary>
public sealed record ZsPoolOptions
{
    /// <summary>The pool's name in metrics (<see cref="PageFoldMetrics"/>). Null (the default) numbers it.</summary>
    public string? Name { get; init; }

    /// <summary>Bytes in a frame, and the largest object: a power of two from 4096 to 65536. Default 4096.</summary>
    /// <remarks>
    /// An object takes its bytes and 8 more, rounded up to at least 32, and 12 for its handle. Sizes are rounded up to multiples of 16
    /// bytes up to 1 KiB and of a 32nd of the next lower power of two above, at most of a 256th of a frame: with frames of 4096 bytes that
    /// is 16 everywhere, with frames of 65536 bytes 256 from 8 KiB on. Each class of sizes that is in use keeps half a frame open on
    /// average, and the smallest tables have a frame each: many mixed small sizes belong into small frames.
    /// </remarks>
    public int FrameSize { get; init; } = FrameArenaOptions.DefaultFrameSize;

    /// <summary>
    /// The most memory to hold, in bytes: frames, tables and buffers. Null (the default) takes half of the container's limit, or half of
    /// the machine's memory outside a container. A limit above the container's, less 32 MiB and a 64th of it for the runtime and the
    /// kernel, is refused. Limits of several pools and stores in one process add up: their owner sees to it that the sum is no more
    /// than that.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Where the memory comes from.</summary>
    public FrameBackingKind Backing { get; init; }

    /// <summary>
    /// How straddling objects are made contiguous. Default <see cref="MappingKind.Copy"/>, which is the faster one; the other is for study.
    /// </summary>
    [Experimental(MappingKinds.ForStudy)]
    public MappingKind Mapping { get; init; }

    /// <summary>
    /// The most frames that a zspage may chain, 1 to 64. Longer chains waste less and cost no memory until used. Default 64.
    /// </summary>
    public int MaxChain { get; init; } = Allocation.SizeClasses.DefaultMaxChain;

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

    /// <summary>Lets only every second frame be used, so that no two free frames are neighbours. For tests.</summary>
    internal bool NoNeighbours { get; init; }

    /// <summary>When set, decides which allocations are made to fail. For tests.</summary>
    internal AllocationFaults? Faults { get; init; }

    /// <summary>The coarsest size steps in a frame, a power of two. For measuring.</summary>
    internal int Steps { get; init; } = Allocation.SizeClasses.DefaultSteps;

    /// <summary>Where the pool's number comes from. For tests, which have fewer of them.</summary>
    internal PoolNumbers Numbers { get; init; } = PoolNumbers.Shared;

    internal SizeClasses SizeClasses => Allocation.SizeClasses.For(FrameSize, MaxChain, Steps);

    internal FrameArena MakeArena()
    {
        HeapThrow.IfChainInvalid(MaxChain, nameof(MaxChain));
        if (Mapping != MappingKind.Copy)
            PoolThrow.IfWindowsImpossible(Mapping, Backing, FrameSize);
        return new FrameArena(new FrameArenaOptions
        {
            FrameSize = FrameSize,
            MemoryLimit = MemoryLimit,
            Backing = Mapping == MappingKind.Window ? FrameBackingKind.SharedMemory : Backing,
            HugePages = HugePages,
            NoNeighbours = NoNeighbours,
            Faults = Faults,
        });
    }
}
