namespace PageFold;

/// <summary>
/// What a pool holds, all figures as they were at one moment: they add up while other threads work. Compaction's totals alone are taken a
/// moment later.
/// </summary>
public sealed record ZsPoolStatistics
{
    /// <summary>Objects allocated and not freed.</summary>
    public required long Objects { get; init; }

    /// <summary>Bytes of those objects, each as large as its size class.</summary>
    public required long ObjectBytes { get; init; }

    /// <summary>Bytes of frames that zspages own.</summary>
    public required long PoolBytes { get; init; }

    /// <summary>Every other byte held: tables, buffers, free frames not given back yet.</summary>
    public required long TableBytes { get; init; }

    /// <summary>All bytes held.</summary>
    public long TotalBytes => PoolBytes + TableBytes;

    /// <summary>The most bytes held at once.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>The most bytes that may be held.</summary>
    public required long MemoryLimit { get; init; }

    /// <summary>Frames that compaction has freed so far.</summary>
    public required long FramesCompacted { get; init; }

    /// <summary>Bytes that compaction has moved for that.</summary>
    public required long BytesMoved { get; init; }

    /// <summary>The size classes, smallest first.</summary>
    public required IReadOnlyList<SizeClassStatistics> Classes { get; init => field = ShownList<SizeClassStatistics>.Of(value); }
}

/// <summary>What one size class holds.</summary>
public sealed record SizeClassStatistics
{
    /// <summary>Bytes that an object of the class takes.</summary>
    public required int ObjectSize { get; init; }

    /// <summary>Frames in a zspage's chain.</summary>
    public required int FramesPerZspage { get; init; }

    /// <summary>Objects in a full zspage.</summary>
    public required int ObjectsPerZspage { get; init; }

    /// <summary>Zspages with at least one object.</summary>
    public required int Zspages { get; init; }

    /// <summary>Objects in use.</summary>
    public required long Objects { get; init; }

    /// <summary>Frames owned.</summary>
    public required long Frames { get; init; }

    /// <summary>Frames that would go if the objects lay without gaps.</summary>
    public required long ReclaimableFrames { get; init; }

    /// <summary>Zspages by fullness: ten bands of a tenth each, then the full ones.</summary>
    public required IReadOnlyList<int> Fullness { get; init => field = ShownList<int>.Of(value); }
}
