using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Saving;

/// <summary>
/// A file that comes into being beside its final name and takes it only when it is whole and on the device, so that there is the old file
/// or the new one, whatever happens.
/// </summary>
/// <remarks>
/// Each partial file has a name of its own and is locked while it is open. The lock is shared, since the file has its final name before it
/// is closed, and others read it then. What a process that ended has left behind, which can be locked exclusively, is deleted by the next
/// save to the same name. The folder is not synced: after a crash of the machine the old file may be there.
/// </remarks>
internal sealed class PartialFile : IDisposable
{
    private const string Suffix = ".pagefold-partial";
    private const int UniqueLength = 32;

    private const int MaxAttempts = 100;

    private readonly string _path;
    private readonly string _partial;
    private readonly FileStream? _held;
    private bool _isCommitted;

    private PartialFile(string path, string partial, FileStream stream, FileStream? held) =>
        (_path, _partial, Stream, _held) = (path, partial, stream, held);

    // Elsewhere than on Windows, only this is an exclusive lock.
    private static FileShare DeletersShare => OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;

    public FileStream Stream { get; }

    /// <summary>Makes the partial file of a final one, empty.</summary>
    /// <exception cref="IOException">It cannot be made, or the name belongs to something else than a saved cache.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The caller disposes it.")]
    public static PartialFile Create(string path, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            SaveThrow.NotAFile(path);
        // What a link leads to is replaced, and the link stays.
        string resolved = SavedFile.Resolve(path);
        string folder = Path.GetDirectoryName(resolved)!;
        if (!Directory.Exists(folder))
            SaveThrow.NoFolder(path, folder);
        if (File.Exists(resolved) && !SavedFile.IsSavedCache(resolved, cancellationToken))
            SaveThrow.NoSavedCache(path, new FileInfo(resolved).Length);
        DeleteLeftBehind(resolved);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                if (TryMake(resolved) is { } file)
                    return file;
            }
            // Another save may have taken it for left behind before it was locked.
            catch (IOException) when (attempt < MaxAttempts)
            {
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                SaveThrow.NoPartialFile(path, e);
            }
        }
    }

    /// <summary>Brings what was written to the device and gives the file its final name, unless it is cancelled until then.</summary>
    public void Commit(CancellationToken cancellationToken)
    {
        Stream.Flush(flushToDisk: true);
        cancellationToken.ThrowIfCancellationRequested();
        // Elsewhere it keeps its lock until it has its name, so that no other save takes it for left behind.
        if (OperatingSystem.IsWindows())
            Stream.Dispose();
        File.Move(_partial, _path, overwrite: true);
        _isCommitted = true;
    }

    /// <summary>Closes the file; if it was not committed it is gone.</summary>
    public void Dispose()
    {
        try
        {
            Stream.Dispose();
            _held?.Dispose();
        }
        finally
        {
            if (!_isCommitted)
                File.Delete(_partial);
        }
    }

    /// <summary>Makes and locks a file of a new name; null if another save took it for left behind meanwhile.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes them.")]
    private static PartialFile? TryMake(string path)
    {
        string partial = $"{path}.{Guid.NewGuid():N}{Suffix}";
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            BufferSize = 0,
        };
        if (OperatingSystem.IsWindows())
            return new PartialFile(path, partial, new FileStream(partial, options), null);
        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        FileStream? stream = new(partial, options);
        try
        {
            // Files on a network take a shared lock of what is read alone.
            FileStream held = new(partial, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            PartialFile file = new(path, partial, stream, held);
            stream = null;
            if (File.Exists(partial))
                return file;
            file.Dispose();
            return null;
        }
        finally
        {
            stream?.Dispose();
        }
    }

    private static void DeleteLeftBehind(string path)
    {
        string name = Path.GetFileName(path) + ".";
        int length = name.Length + UniqueLength + Suffix.Length;
        foreach (string other in Directory.EnumerateFiles(Path.GetDirectoryName(path)!, "*" + Suffix))
        {
            string candidate = Path.GetFileName(other);
            if (candidate.Length != length || !candidate.StartsWith(name, StringComparison.Ordinal))
                continue;
            try
            {
                // A save that is under way has it locked.
                using FileStream stream = new(other, FileMode.Open, FileAccess.Write, DeletersShare);
                File.Delete(other);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
            }
        }
    }
}
