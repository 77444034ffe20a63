namespace PageFold.Cli.Serve;

/// <summary>
/// The files that disks are kept in, each held against a second server for as long as this one runs: of two disks kept in one file, the later to end would replace what the other left.
/// </summary>
/// <remarks>
/// What is held is a small file beside the kept one, because the kept one is replaced. That it can be made says at the beginning, not only at the end, that the folder can be written to.
/// A process that is killed leaves it behind, unheld.
/// </remarks>
internal sealed class KeptFiles : IDisposable
{
    private const string Suffix = ".pagefold-keep";
    private const int MostAttempts = 100;
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

    /// <summary>Lets go of them.</summary>
    public void Dispose()
    {
        foreach (FileStream file in _held)
            LetGo(file);
        _held.Clear();
    }

    private static FileStream Hold(string path)
    {
        // By whichever name the file is kept.
        string full = Path.GetFullPath(path);
        if (File.Exists(full) && File.ResolveLinkTarget(full, returnFinalTarget: true) is { } target)
            full = target.FullName;
        try
        {
            for (int attempt = 0; attempt < MostAttempts; attempt++)
            {
                FileStream? held = TryHold(full + Suffix);
                if (held is not null)
                    return held;
            }
        }
        catch (IOException e) when (e.HResult is SharingViolationOnWindows or EWOULDBLOCK or EWOULDBLOCKOnBsd)
        {
            throw new UserErrorException($"--keep {path}: another disk that is being served is kept there, and one would replace what the other leaves; end that server first, or choose another file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--keep {path}: nothing can be saved there at the end ({e.Message.TrimEnd('.')}); choose a file in a folder that can be written to.", e);
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

    /// <summary>False if what was opened has lost its name before it was locked: then the name is nobody's, or another's.</summary>
    private static bool HasItsName(FileStream file) => !OperatingSystem.IsLinux() ||
        new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget?.EndsWith(" (deleted)", StringComparison.Ordinal) != true;

    private static void LetGo(FileStream file)
    {
        try
        {
            // While it is locked: afterwards the name may be another's. What has content was there before, for something else.
            if (file.CanSeek && file.Length == 0)
                File.Delete(file.Name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stays, held by nobody.
        }
        file.Dispose();
    }
}
