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
    public required IReadOnlyList<SnapshotCodec> Codecs { get; init; }
}

/// <summary>A codec that a snapshot names.</summary>
/// <param name="Name">The codec's name.</param>
/// <param name="Level">Its level; zero for a codec without levels.</param>
/// <param name="DictionaryBytes">Bytes of its dictionary; zero for none.</param>
/// <param name="IsForWrites">True if new writes used it.</param>
public sealed record SnapshotCodec(string Name, int Level, int DictionaryBytes, bool IsForWrites);

/// <summary>Snapshots as files.</summary>
public static class Snapshot
{
    // As many as Linux follows.
    private const int MostLinks = 40;

    /// <summary>
    /// The file that a snapshot of this name is read from and saved to: the full path, with all links in it followed as the system does.
    /// The file need not be there. Thread-safe.
    /// </summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <exception cref="IOException">The links lead in a circle.</exception>
    /// <exception cref="ArgumentException">The path is null, empty, or cannot be one.</exception>
    /// <exception cref="UnauthorizedAccessException">A link may not be read.</exception>
    public static string ResolveFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int links = 0;
        return Resolve(Path.GetFullPath(path), path, ref links);
    }

    /// <summary>Reads what a snapshot says about itself: its beginning and its end, which are checked; the pages between are not.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SnapshotException">The file is no snapshot, or damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="ArgumentException">The path is null, empty, or cannot be one.</exception>
    public static SnapshotInfo ReadInfo(string path)
    {
        using Store.Snapshots.SnapshotReader reader = Store.Snapshots.SnapshotReader.Open(path);
        return reader.Info;
    }

    // Folders first: what a relative link means depends on where its folder really is.
    private static string Resolve(string full, string path, ref int links)
    {
        if (Path.GetDirectoryName(full) is not { } folder)
            return full;
        folder = Resolve(folder, path, ref links);
        full = Path.Combine(folder, Path.GetFileName(full));
        if (new FileInfo(full).LinkTarget is not { } target)
            return full;
        if (++links > MostLinks)
            throw Throw.TooManyLinks(path);
        return Resolve(Path.GetFullPath(target, folder), path, ref links);
    }
}
