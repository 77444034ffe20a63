namespace PageFold;

/// <summary>
/// What a store holds, with zram's meanings. Figures are as they were at one moment: they add up while other threads work.
/// </summary>
/// <remarks>
/// <para>
/// A few are taken a moment before or after: <see cref="SlotTableBytes"/>, <see cref="AccessTableBytes"/>, <see cref="TrainingBytes"/>,
/// <see cref="PrefaultedBytes"/>, <see cref="AvailableBytes"/>, and the totals of compaction.
/// </para>
/// <para>
/// <see cref="OriginalBytes"/> is <see cref="Pages"/> times the page size. <see cref="Pages"/> is the sum of <see cref="SameFilledPages"/>,
/// <see cref="IncompressiblePages"/>, <see cref="PagesByCodec"/> and the incompressible pages among <see cref="WrittenBackPages"/>.
/// <see cref="CompressedBytes"/> is at most <see cref="PoolBytes"/>; <see cref="TotalBytes"/> is at most <see cref="PeakBytes"/>, and that
/// at most <see cref="MemoryLimit"/>.
/// </para>
/// </remarks>
public sealed record PageStoreStatistics
{
    /// <summary>Pages stored.</summary>
    public required long Pages { get; init; }

    /// <summary>Bytes of those pages, uncompressed.</summary>
    public required long OriginalBytes { get; init; }

    /// <summary>What the codecs made of compressed pages, and the page size for each incompressible one, in memory.</summary>
    public required long CompressedBytes { get; init; }

    /// <summary>Pages that are one repeated word.</summary>
    public required long SameFilledPages { get; init; }

    /// <summary>Pages stored raw, in memory.</summary>
    public required long IncompressiblePages { get; init; }

    /// <summary>Bytes of frames that zspages own.</summary>
    public required long PoolBytes { get; init; }

    /// <summary>Every other byte held: slot tables, buffers, codec contexts, free frames not given back yet.</summary>
    public required long TableBytes { get; init; }

    /// <summary>All bytes held.</summary>
    public long TotalBytes => PoolBytes + TableBytes;

    /// <summary>Bytes of the table that says where each page is; part of <see cref="TableBytes"/>.</summary>
    public required long SlotTableBytes { get; init; }

    /// <summary>
    /// Bytes of the table that says when each page was accessed; part of <see cref="TableBytes"/>. Zero without <see
    /// cref="PageStoreOptions.TrackAccess"/>.
    /// </summary>
    public long AccessTableBytes { get; init; }

    /// <summary>
    /// Bytes that <see cref="PageStore.TrainFoldTables"/> or <see cref="PageStore.TrainDictionary"/> holds while it works; part of <see
    /// cref="TableBytes"/>.
    /// </summary>
    public long TrainingBytes { get; init; }

    /// <summary>The high-water mark: the most bytes held at once.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>The most bytes that may be held.</summary>
    public required long MemoryLimit { get; init; }

    /// <summary>
    /// Bytes of frames that the store keeps, whether something is in them or not, after <see cref="PageStore.Prefault"/>; <see
    /// cref="TotalBytes"/> counts those in use.
    /// </summary>
    public long PrefaultedBytes { get; init; }

    /// <summary>
    /// Bytes of the limit that pages which hold nothing yet may still take: free memory, and what a training gives up for a write
    /// (<see cref="TrainingBytes"/>), less <see cref="PageStoreOptions.OverwriteReserve"/>. Compaction may add to it.
    /// </summary>
    public long AvailableBytes { get; init; }

    /// <summary>Writes refused because the limit was reached.</summary>
    public required long RefusedWrites { get; init; }

    /// <summary>Pages in the writeback file.</summary>
    public long WrittenBackPages { get; init; }

    /// <summary>Stored bytes of those pages.</summary>
    public long WrittenBackBytes { get; init; }

    /// <summary>Bytes that the writeback file takes, what is dead in it included.</summary>
    public long WritebackFileBytes { get; init; }

    /// <summary>Pages written to the file so far, those that were moved in it included.</summary>
    public long WritebackWrites { get; init; }

    /// <summary>Pages read from the file so far.</summary>
    public long WritebackReads { get; init; }

    /// <summary>
    /// Pages compressed with each codec, in memory or written back, by the codecs' numbers, 0 to 3; zero where a number has no codec.
    /// </summary>
    public IReadOnlyList<long> PagesByCodec { get; init => field = ShownList<long>.Of(value); } = ShownList<long>.Of([]);

    /// <summary>The codecs that the store knows, in the order of their numbers, and the pages compressed with each.</summary>
    public IReadOnlyList<CodecUse> Codecs { get; init => field = ShownList<CodecUse>.Of(value); } = ShownList<CodecUse>.Of([]);

    /// <summary>Frames that compaction has freed so far.</summary>
    public required long FramesCompacted { get; init; }

    /// <summary>Bytes that compaction has moved for that.</summary>
    public required long BytesMoved { get; init; }

    /// <summary>The size classes, smallest first.</summary>
    public required IReadOnlyList<SizeClassStatistics> Classes { get; init => field = ShownList<SizeClassStatistics>.Of(value); }
}
