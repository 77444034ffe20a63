using PageFold.Interop;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Serve;

/// <summary>
/// Where the snapshot command writes: what the user's name means to the user's own process, opened with the user's rights.
/// </summary>
/// <param name="Output">What receives the bytes.</param>
/// <param name="IsStandardOutput">True if the bytes go where standard output goes, so that nothing else may.</param>
/// <param name="HeldMark">Identity of the mark of a server that keeps a disk in that file; null if none does.</param>
internal sealed record SnapshotPlace(SnapshotOutput Output, bool IsStandardOutput, string? HeldMark) : IDisposable
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    /// <summary>Opens a file that is made beside its name, or something that bytes flow into.</summary>
    /// <exception cref="UserErrorException">It cannot be written there.</exception>
    public static SnapshotPlace Open(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new UserErrorException("the name of the file is empty; name one.");
        try
        {
            if (!OperatingSystem.IsLinux())
                return OpenFile(path);
            if ((path == "-" ? StandardOutput : OwnDescriptor.Find(path)) is { } descriptor)
                return OpenDescriptor(path, descriptor);
            return Descriptor.Status(path, follow: true)?.Kind switch
            {
                FileKind.Pipe or FileKind.CharacterDevice => ToStream(path, () => OpenStream(path), isStandardOutput: false),
                FileKind.BlockDevice => throw new UserErrorException(
                    $"{path} is a block device, which cannot be replaced as a whole; write through a program that is made for that, as in "
                        + $"'pagefold snapshot --raw - ... | dd of={path} bs=1M'."),
                FileKind.Socket => throw new UserErrorException(
                    $"{path} is a socket, which cannot be opened as a file; choose a file, or - for standard output."),
                FileKind.Folder => throw new UserErrorException($"{path} is a folder; choose the name of a file."),
                _ => OpenFile(path),
            };
        }
        catch (PathTooLongException e)
        {
            throw IOFailure.NameTooLong(path, KeptFiles.PartialSuffix, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string remedy = IOFailure.IsNoSpace(e) ? "make room there, or choose another file" : "choose another file";
            throw new UserErrorException($"{path} cannot be written ({e.Message.TrimEnd('.')}); {remedy}.", e);
        }
    }

    public void Dispose() => Output.Dispose();

    private static SnapshotPlace OpenFile(string path)
    {
        string target = ResolvedFile.Of(path);
        if (!Directory.Exists(Path.GetDirectoryName(target)))
        {
            throw new UserErrorException(target == Path.GetFullPath(path)
                ? $"{path} lies in a folder that does not exist; make the folder, or choose another file."
                : $"{path} is a link to {target}, whose folder does not exist; make the folder, or choose another file.");
        }
        KeptFiles.RefuseReserved(path, path);
        string? held = KeptFiles.IsHeld(path) ? KeptFiles.IdentityOf(KeptFiles.MarkOf(path)) : null;
        return new SnapshotPlace(SnapshotOutput.ToFile(path), IsStandardOutput: false, held);
    }

    [SupportedOSPlatform("linux")]
    private static SnapshotPlace OpenDescriptor(string path, int descriptor)
    {
        if (!Descriptor.IsInherited(descriptor) || Descriptor.Status(descriptor) is not { } status)
            throw new UserErrorException($"{path} is not open in this command; redirect it to a file, or choose a file.");
        if (!Descriptor.IsWritable(descriptor, out _))
            throw new UserErrorException($"{path} is open for reading only; choose a file, or - for standard output.");
        if (descriptor == StandardOutput && !Console.IsOutputRedirected)
            throw new UserErrorException(
                "standard output is a terminal, and a snapshot is not for the eye; redirect it to a file or pipe, or choose a file.");
        if (IsSame(status, Descriptor.Status(StandardError)))
            throw new UserErrorException(
                $"{path} is where standard error goes, and what is told there would be mixed with the snapshot; redirect one of them.");
        return ToStream(path, () => new SafeFileHandle(descriptor, ownsHandle: false), IsSame(status, Descriptor.Status(StandardOutput)));
    }

    [SupportedOSPlatform("linux")]
#pragma warning disable CA2000 // The place disposes it.
    private static SnapshotPlace ToStream(string path, Func<SafeFileHandle> open, bool isStandardOutput) =>
        new(new SpooledOutput(path, open), isStandardOutput, HeldMark: null);
#pragma warning restore CA2000

    // Two terminals, or two names of /dev/null, are no place where bytes are mixed for good.
    private static bool IsSame(FileStatus one, FileStatus? other) =>
        one.Kind != FileKind.CharacterDevice && one.Id is not null && one.Id == other?.Id;

    /// <summary>Opens a pipe or a device. A pipe waits for its reader.</summary>
    private static SafeFileHandle OpenStream(string path) =>
        File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
}
