using PageFold.Interop;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Serve;

/// <summary>
/// The files that disks are kept in, each locked against other servers while this one runs: of two disks in one file, the one that ends
/// last would replace the other.
/// </summary>
/// <remarks>
/// The lock is on a small file beside the kept one, because the kept one is replaced. Creating it shows at the start that the folder can be
/// written to.
/// A process that is killed leaves it behind, unheld.
/// </remarks>
internal sealed class KeptFiles : IDisposable
{
    // As long as what a file is called until it is whole: where the one name is possible, the other is.
    public const string Suffix = ".pagefold-keeping";
    public const string PartialSuffix = ".pagefold-partial";
    private const int MaxAttempts = 100;
    private const int SharingViolationOnWindows = unchecked((int)0x80070020);
    private const int EWOULDBLOCK = 11;
    private const int EWOULDBLOCKOnBsd = 35;

    private readonly List<FileStream> _held = [];

    /// <summary>Holds the files of all exports that are kept.</summary>
    /// <exception cref="UserErrorException">One of them cannot be held; then none is.</exception>
    public KeptFiles(IEnumerable<ExportOptions> exports)
    {
        try
        {
            foreach (ExportOptions export in exports)
            {
                if (export.Keep is { } path)
                    _held.Add(Hold(path));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Refuses names of files that come and go beside others.</summary>
    /// <exception cref="UserErrorException">The name is one of those.</exception>
    public static void RefuseReserved(string what, string path)
    {
        foreach (string suffix in (ReadOnlySpan<string>)[Suffix, PartialSuffix])
        {
            if (path.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
                throw new UserErrorException(
                    $"{what} ends with {suffix}, as files do that stand beside others for a while and are replaced or deleted; choose "
                    + $"another name.");
        }
    }

    /// <summary>The file that stands for a kept one while a server runs.</summary>
    public static string MarkOf(string path) => ResolvedFile.Of(path) + Suffix;

    /// <summary>True if a server keeps its disk in that file now, or if the file belongs to another user, which cannot be known.</summary>
    public static bool IsHeld(string path)
    {
        string? mark = null;
        try
        {
            mark = MarkOf(path);
            new FileStream(mark, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            return false;
        }
        catch (IOException e)
        {
            return IsSharingViolation(e);
        }
        catch (UnauthorizedAccessException)
        {
            return mark is not null && Path.Exists(mark);
        }
    }

    /// <summary>What tells a mark from all others, for processes that have other names for it; null if it is not there.</summary>
    public static string? IdentityOf(string mark)
    {
        if (!OperatingSystem.IsLinux())
            return mark;
        return Descriptor.Status(mark, follow: false) is { Id: { } id } ? $"{id.Device}:{id.Inode}" : null;
    }

    /// <summary>Lets go of them.</summary>
    public void Dispose()
    {
        foreach (FileStream file in _held)
            LetGo(file);
        _held.Clear();
    }

    private static bool IsSharingViolation(IOException e) => e.HResult is SharingViolationOnWindows or EWOULDBLOCK or EWOULDBLOCKOnBsd;

    private static FileStream Hold(string path)
    {
        string? mark = null;
        try
        {
            mark = MarkOf(path);
            if (new FileInfo(mark).LinkTarget is not null)
                throw new IOException("it is a link");
            for (int attempt = 0; attempt < MaxAttempts; attempt++)
            {
                FileStream? held = TryHold(mark);
                if (held is not null)
                    return held;
            }
        }
        catch (IOException e) when (IsSharingViolation(e))
        {
            throw new UserErrorException(
                $"--keep {path}: another disk that is being served is kept there, and one would replace what the other leaves; end that "
                + $"server first, or choose another file.", e);
        }
        catch (PathTooLongException e)
        {
            throw IOFailure.NameTooLong($"--keep {path}", Suffix, e);
        }
        catch (Exception e) when ((e is IOException or UnauthorizedAccessException) && mark is not null && Path.Exists(mark))
        {
            throw new UserErrorException(
                $"--keep {path}: {mark} cannot be opened ({e.Message.TrimEnd('.')}), which is there while a server keeps its disk in "
                + $"that file; if none does, remove it, or choose another file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string remedy = IOFailure.IsNoSpace(e) ? "make room there, or choose a file on another file system"
                : "choose a file in a folder that can be written to";
            throw new UserErrorException(
                $"--keep {path}: nothing can be saved there at the end ({e.Message.TrimEnd('.')}); {remedy}.", e);
        }
        throw new UserErrorException($"--keep {path}: other servers that are kept there come and go; choose another file, or wait.");
    }

    /// <summary>Opens and locks the file; null if it was deleted meanwhile by the one who held it.</summary>
    private static FileStream? TryHold(string path)
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = OperatingSystem.IsWindows() ? FileShare.Read | FileShare.Delete : FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        FileStream file = new(path, options);
        if (HasItsName(file))
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>False if another process removed or replaced the file between its opening and its locking.</summary>
    private static bool HasItsName(FileStream file) => !OperatingSystem.IsLinux() ||
        new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}")
            .LinkTarget?.EndsWith(" (deleted)", StringComparison.Ordinal) != true;

    private static void LetGo(FileStream file)
    {
        try
        {
            // While it is locked: afterwards the name may be another's. What has content was there before, for something else. Where it
            // cannot be known whether a file has its name still, it stays, so that no other takes the name.
            if (OperatingSystem.IsLinux() && HasItsName(file) && file.CanSeek && file.Length == 0)
                File.Delete(file.Name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file stays, and no process holds it.
        }
        file.Dispose();
    }
}
