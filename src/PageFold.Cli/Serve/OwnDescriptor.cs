using System.Globalization;

namespace PageFold.Cli.Serve;

/// <summary>
/// Tells names that mean an open descriptor of this process (/dev/stdout, /dev/fd/63, /proc/self/fd/1, and links to them) from names of
/// files. The links under /proc/PID are no text: what they say may mean another file to this process, or none.
/// </summary>
internal static class OwnDescriptor
{
    // As many as Linux follows.
    private const int MaxLinks = 40;

    /// <summary>The descriptor that a name means; null for a name of a file.</summary>
    /// <exception cref="UserErrorException">The name leads into another process, or in a circle.</exception>
    public static int? Find(string path)
    {
        if (!OperatingSystem.IsLinux() || path.Length == 0)
            return null;
        int links = 0;
        try
        {
            return Walk(Path.GetFullPath(path), path, ref links).Descriptor;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} cannot be followed ({e.Message.TrimEnd('.')}); choose another file.", e);
        }
    }

    // Folders first: what a relative link means depends on where its folder really is.
    private static (string Path, int? Descriptor) Walk(string full, string path, ref int links)
    {
        if (Path.GetDirectoryName(full) is not { } folder)
            return (full, null);
        (folder, int? within) = Walk(folder, path, ref links);
        full = Path.Combine(folder, Path.GetFileName(full));
        if (within is not null)
            return (full, null);
        string? target = new FileInfo(full).LinkTarget;
        bool mayBeDescriptor = int.TryParse(Path.GetFileName(full), NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor)
            && Path.GetFileName(folder) == "fd";
        if ((target is not null || mayBeDescriptor) && ProcessOf(folder) is { } process)
        {
            if (!process.IsOwn)
                throw new UserErrorException(
                    $"{path} leads through {full} into another process, where names mean other files; name the file itself.");
            if (mayBeDescriptor)
                return (full, descriptor);
        }
        if (target is null)
            return (full, null);
        if (++links > MaxLinks)
            throw new UserErrorException(
                $"{path} is a link that leads in a circle, or through more links than the system follows; choose another file.");
        return Walk(Path.GetFullPath(target, folder), path, ref links);
    }

    /// <summary>Which process a folder below /proc belongs to; null if it belongs to none.</summary>
    private static (string Number, bool IsOwn)? ProcessOf(string folder)
    {
        if (!Directory.Exists(folder) || new DriveInfo(folder).DriveFormat != "proc")
            return null;
        // The top of the file system is where its link to the own process is, wherever it is mounted.
        string top = folder;
        while (new FileInfo(Path.Combine(top, "self")).LinkTarget is null)
        {
            if (Path.GetDirectoryName(top) is not { } above)
                return null;
            top = above;
        }
        string number = Path.GetRelativePath(top, folder).Split('/')[0];
        return number.Length > 0 && char.IsAsciiDigit(number[0]) ? (number, number == new FileInfo(Path.Combine(top, "self")).LinkTarget)
            : null;
    }
}
