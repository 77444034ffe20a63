namespace PageFold.Interop;

/// <summary>Follows the links in a path as the system does. The command compiles this file too.</summary>
internal static class ResolvedFile
{
    // As many as Linux follows.
    private const int MaxLinks = 40;

    /// <summary>The file that a path leads to: the full path, with all links in it followed. The file need not exist.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <exception cref="IOException">The links lead in a circle.</exception>
    /// <exception cref="ArgumentException">The path is null, empty, or cannot be one.</exception>
    /// <exception cref="UnauthorizedAccessException">A link may not be read.</exception>
    public static string Of(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int links = 0;
        return Resolve(Path.GetFullPath(path), path, ref links);
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
        if (++links > MaxLinks)
            throw new IOException($"{path} is a link that leads in a circle, or through more links than the system follows.");
        return Resolve(Path.GetFullPath(target, folder), path, ref links);
    }
}
