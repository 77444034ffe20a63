using PageFold.Cli.Interop;

namespace PageFold.Cli.Serve;

/// <summary>
/// Checks what the names given to <c>pagefold serve</c> are, before anything is opened. The server is the process that was given them, so
/// it opens them itself, as its user; but a stream can be no snapshot that is checked from its end, and a descriptor no file that is
/// replaced.
/// </summary>
internal static class ServedFile
{
    /// <summary>Refuses what is no file for <c>--restore</c>. A descriptor that is open on a file is one.</summary>
    public static void CheckSource(string path)
    {
        if (path == "-")
            throw new UserErrorException(
                "--restore - cannot be restored: a snapshot is checked from its end first, which standard input need not have. Write it "
                + "to a file, and name that.");
        if (!OperatingSystem.IsLinux())
            return;
        string what = $"--restore {path}";
        int? descriptor = OwnDescriptor.Find(path);
        if (descriptor is { } number && !Descriptor.IsInherited(number))
            throw new UserErrorException($"{what} is not open in this command; name a snapshot that is there and whole.");
        if ((descriptor is { } open ? Descriptor.Status(open) : Descriptor.Status(path, follow: true)) is not { } status)
        {
            if (new FileInfo(path).LinkTarget is { } target)
                throw new UserErrorException(
                    $"{what} cannot be restored: it is a link to {target}, which does not exist; name a snapshot that is there and whole.");
            return;
        }
        if (NameOf(status.Kind) is { } stream)
            throw new UserErrorException(
                $"{what} cannot be restored: it is {stream}, and a snapshot is checked from its end first. Write it to a file, and name "
                + "that.");
    }

    /// <summary>Refuses what cannot be replaced by <c>--keep</c>.</summary>
    public static void CheckKept(string path)
    {
        if (path == "-")
            throw new UserErrorException(
                "--keep - is a stream, and the disk is kept in a file that is replaced; name a file in a folder that can be written to.");
        if (!OperatingSystem.IsLinux())
            return;
        string? what = OwnDescriptor.Find(path) is not null ? "an open descriptor"
            : Descriptor.Status(path, follow: true) is { } status ? NameOf(status.Kind)
            : null;
        if (what is not null)
            throw new UserErrorException(
                $"--keep {path} is {what}, and the disk is kept in a file that is replaced; name a file in a folder that can be written "
                + "to.");
    }

    /// <summary>Refuses what is no file and no block device for <c>--writeback</c>.</summary>
    public static void CheckWriteback(string path)
    {
        if (path == "-")
            throw new UserErrorException("--writeback - is a stream, which cannot be read again; name a new file, or a block device.");
        if (!OperatingSystem.IsLinux())
            return;
        string? what = OwnDescriptor.Find(path) is not null ? "an open descriptor"
            : Descriptor.Status(path, follow: true) is { Kind: not FileKind.BlockDevice } status ? NameOf(status.Kind) : null;
        if (what is not null)
            throw new UserErrorException(
                $"--writeback {path} is {what}, which other programs write to as well; name a new file, or a block device.");
    }

    /// <summary>What a thing is called that is neither a file nor a folder; null for those.</summary>
    private static string? NameOf(FileKind kind) => kind switch
    {
        FileKind.Pipe => "a pipe",
        FileKind.Socket => "a socket",
        FileKind.CharacterDevice => "a terminal or another device without an end",
        FileKind.BlockDevice => "a block device",
        _ => null,
    };
}
