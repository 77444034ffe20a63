using Microsoft.Win32.SafeHandles;
using PageFold.Interop;

namespace PageFold.Store.Snapshots;

/// <summary>
/// A file that comes into being beside its final name and takes it only when it is whole and on the device, so that there is the old file
/// or the new one, whatever happens.
/// </summary>
/// <remarks>
/// The partial file is locked for as long as it is open, and renamed before it is closed. Another process may have opened it before and get
/// the lock after that: it then holds what has become the final file, sees that its name means something else now, and looks again. Not
/// thread-safe.
/// </remarks>
internal sealed class PartialFile : SnapshotOutput
{
    // No other program uses the name, so a file of that name may be overwritten.
    private const string Suffix = ".pagefold-partial";
    private const int MaxAttempts = 100;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _stream;
    private readonly string _path;
    private bool _isCommitted;
    private bool _isClosed;

    private PartialFile(FileStream stream, string path)
    {
        _stream = stream;
        _path = path;
    }

    private SafeFileHandle Handle => _stream.SafeFileHandle;

    /// <summary>Makes the partial file of a final one, empty.</summary>
    /// <exception cref="IOException">It cannot be made, or the name belongs to something that is no file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static PartialFile Create(string path)
    {
        bool isFolder = Path.EndsInDirectorySeparator(path);
        path = ResolvedFile.Of(path);
        if (isFolder || Directory.Exists(path) || FileSystem.Identify(path) is { IsRegular: false })
            SnapshotThrow.NotAFile(path);
        string partial = path + Suffix;
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            // Looked at first, since opening a pipe waits.
            if (Directory.Exists(partial) || FileSystem.Identify(partial) is { IsRegular: false })
                SnapshotThrow.NotAFile(partial);
            PartialFile? file = TryOpen(partial, path);
            if (file is not null)
                return file;
        }
        throw SnapshotThrow.PartialFileTaken(partial);
    }

    /// <summary>
    /// Makes the file as long as the image, so that one too long for the file system is refused at once; what is not written stays a hole.
    /// </summary>
    public override void Begin(long length) => FileSystem.SetLength(Handle, length);

    /// <inheritdoc/>
    public override void Write(long offset, ReadOnlySpan<byte> bytes) => FileSystem.Write(Handle, bytes, offset);

    /// <summary>
    /// Brings what was written to the device, which may take long, and gives the file its final name, unless it is cancelled until then.
    /// </summary>
    public override void Complete(CancellationToken cancellationToken)
    {
        RandomAccess.FlushToDisk(Handle);
        cancellationToken.ThrowIfCancellationRequested();
        if (OperatingSystem.IsWindows())
            _stream.Dispose();
        File.Move(_path + Suffix, _path, overwrite: true);
        _isCommitted = true;
        if (!FileSystem.TrySyncFolder(Path.GetDirectoryName(_path)!, out string? reason))
            throw SnapshotThrow.FolderNotSynced(_path, reason!);
    }

    /// <summary>Closes the file; if it was not committed it is gone.</summary>
    protected override void Dispose(bool disposing)
    {
        // Once only: by then the name may be another's.
        if (_isClosed)
            return;
        _isClosed = true;
        try
        {
            if (!_isCommitted && !OperatingSystem.IsWindows())
                File.Delete(_path + Suffix);
        }
        finally
        {
            _stream.Dispose();
        }
        if (!_isCommitted && OperatingSystem.IsWindows())
            File.Delete(_path + Suffix);
    }

    /// <summary>Opens, locks and empties the file; null if another took its name meanwhile.</summary>
    private static PartialFile? TryOpen(string partial, string path)
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        FileStream? stream = null;
        try
        {
            stream = new FileStream(partial, options);
            if (FileSystem.Identify(stream.SafeFileHandle) != FileSystem.Identify(partial))
                return null;
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(stream.SafeFileHandle, OwnerOnly);
            FileSystem.TakeOwnerOf(path, stream.SafeFileHandle);
            stream.SetLength(0);
            PartialFile file = new(stream, path);
            stream = null;
            return file;
        }
        finally
        {
            stream?.Dispose();
        }
    }
}
