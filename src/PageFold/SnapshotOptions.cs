using PageFold.Frames;
using PageFold.Store.Index;
using PageFold.Store.Snapshots;

namespace PageFold;

/// <summary>What a snapshot says about itself, beside the pages.</summary>
public sealed record SnapshotOptions
{
    /// <summary>The most bytes of UTF-8 in a label.</summary>
    public const int MaxLabelBytes = 4096;

    /// <summary>
    /// Bytes with which a snapshot or an image can be taken of a full store whose page numbers are below <paramref name="pages"/>: three
    /// small buffers and a bit a page. For <see cref="PageStoreOptions.SnapshotReserve"/>.
    /// </summary>
    /// <param name="pageSize">Bytes of a page.</param>
    /// <param name="pages">Page numbers, 0 to 2^32.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// An argument is out of range; the message names it, its value and the remedy.
    /// </exception>
    public static long ReserveBytes(int pageSize, long pages)
    {
        FrameThrow.IfPageSizeInvalid(pageSize, nameof(pageSize));
        IndexThrow.IfCountOutOfRange(0, pages);
        return SnapshotMemory.Buffers * (long)SnapshotMemory.SmallBytes(pageSize) + CapturedPages.BytesFor(pages);
    }

    /// <summary>Bytes of the disk that the pages are; the store keeps it and makes nothing of it. Default 0.</summary>
    public long Length { get; init; }

    /// <summary>A short text that <see cref="SnapshotInfo.Label"/> gives back. Default empty.</summary>
    public string Label { get; init; } = "";
}

/// <summary>How a snapshot is restored.</summary>
public sealed record SnapshotLoadOptions
{
    /// <summary>
    /// Adds the snapshot's codecs, their dictionaries included, to the store's, so that its pages are stored as they are. Pages of a codec
    /// for which no number is left, and by default (false) those of codecs that the store does not have, are compressed anew with the codec
    /// for writes.
    /// </summary>
    public bool RestoreCodecs { get; init; }
}

/// <summary>What was saved.</summary>
public sealed record SnapshotResult
{
    /// <summary>Pages stored at the point in time.</summary>
    public required long Pages { get; init; }

    /// <summary>Their bytes in the form in which they were stored.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Bytes of the file; of a sparse image its length, holes included.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Pages that were about to change and were therefore saved by those who changed them.</summary>
    public required long PagesSavedByWriters { get; init; }

    /// <summary>The point in time.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>How long saving took, from the point in time to the file's being in its place.</summary>
    public required TimeSpan Duration { get; init; }
}
