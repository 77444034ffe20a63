using PageFold.Store.Snapshots;

namespace PageFold;

/// <summary>What a snapshot says about itself.</summary>
public sealed record SnapshotInfo
{
    /// <summary>Bytes in a page.</summary>
    public required int PageSize { get; init; }

    /// <summary>Bytes of the disk, as <see cref="SnapshotOptions.Length"/> said.</summary>
    public required long Length { get; init; }

    /// <summary>The label; empty for none.</summary>
    public required string Label { get; init; }

    /// <summary>The point in time, in UTC.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Pages in it.</summary>
    public required long Pages { get; init; }

    /// <summary>Their bytes in the form in which they were stored.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long FileBytes { get; init; }

    /// <summary>The codecs that the store knew.</summary>
    public required IReadOnlyList<SnapshotCodec> Codecs { get; init => field = ShownList<SnapshotCodec>.Of(value); }
}

/// <summary>A codec that a snapshot names.</summary>
public sealed record SnapshotCodec
{
    /// <summary>The codec's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its level; zero for a codec without levels.</summary>
    public int Level { get; init; }

    /// <summary>Bytes of its dictionary; zero for none.</summary>
    public int DictionaryBytes { get; init; }

    /// <summary>True if new writes used it.</summary>
    public bool IsForWrites { get; init; }
}

/// <summary>Snapshots as files.</summary>
public static class Snapshot
{
    /// <summary>
    /// Reads what a snapshot says about itself: its beginning and its end, which are verified; the pages between are not.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SnapshotException">The file is no snapshot, or damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="ArgumentException">The path is null, empty, or cannot be one.</exception>
    public static SnapshotInfo ReadInfo(string path)
    {
        using SnapshotReader reader = SnapshotReader.Open(path);
        return reader.Info;
    }
}
