using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Saving;

/// <summary>
/// A file that comes into being beside its final name and takes it only when it is whole and on the device, so that there is the old file
/// or the new one, whatever happens.
/// </summary>
/// <remarks>
/// Each partial file has a name of its own and is locked while it is open. What a process that ended has left behind is deleted by the next
/// save to the same name. The folder is not synced: after a crash of the machine the old file may be there.
/// </remarks>
internal sealed class PartialFile : IDisposable
{
    private const string Suffix = ".pagefold-partial";
    private const int UniqueLength = 32;

    private readonly string _path;
    private readonly string _partial;
    private bool _isCommitted;

    private PartialFile(string path, string partial, FileStream stream) => (_path, _partial, Stream) = (path, partial, stream);

    public FileStream Stream { get; }

    /// <summary>Makes the partial file of a final one, empty.</summary>
    /// <exception cref="IOException">It cannot be made, or the name belongs to something else than a saved cache.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes it.")]
    public static PartialFile Create(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            SaveThrow.NotAFile(path);
        path = Path.GetFullPath(path);
        // What a link leads to is replaced, and the link stays.
        if (new FileInfo(path).LinkTarget is not null)
            path = File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        if (File.Exists(path) && !IsSavedCache(path))
            SaveThrow.NoSavedCache(path);
        DeleteLeftBehind(path);
        string partial = $"{path}.{Guid.NewGuid():N}{Suffix}";
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new PartialFile(path, partial, new FileStream(partial, options));
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
        }
        finally
        {
            if (!_isCommitted)
                File.Delete(_partial);
        }
    }

    /// <summary>True of what an earlier save has written.</summary>
    /// <remarks>
    /// Nothing else is replaced, and a device or a pipe least of all. They have no length, and opening a pipe would wait.
    /// </remarks>
    private static bool IsSavedCache(string path)
    {
        if (new FileInfo(path).Length < SaveFormat.Magic.Length)
            return false;
        Span<byte> begin = stackalloc byte[SaveFormat.Magic.Length];
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        return stream.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false) == begin.Length && begin.SequenceEqual(SaveFormat.Magic);
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
                using FileStream stream = new(other, FileMode.Open, FileAccess.Write, FileShare.Delete);
                File.Delete(other);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
            }
        }
    }
}
