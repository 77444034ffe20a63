using PageFold.Store.Snapshots;

namespace PageFold;

/// <summary>
/// Receives the bytes of a snapshot or an image: a file that takes its name when it is whole (<see cref="ToFile"/>), or a target of the
/// caller's own, such as a socket.
/// </summary>
/// <remarks>
/// Used by one thread at a time, the one that saves. What a member throws ends the snapshot. Writers of the store wait while a member
/// blocks and the snapshot's buffers are full, so a target that may block for ever needs a time limit of its own.
/// </remarks>
public abstract class SnapshotOutput : IDisposable
{
    /// <summary>
    /// Makes a file that takes its name in <see cref="Complete"/>. Until then it is <c>path.pagefold-partial</c>; disposed before that, it
    /// is removed.
    /// </summary>
    /// <param name="path">The file. A link is followed.</param>
    /// <exception cref="IOException">The file cannot be made, another process writes it, or the name belongs to something that is no plain
    /// file.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be made.</exception>
    /// <exception cref="ArgumentException">The path is null, empty, or cannot be one.</exception>
    public static SnapshotOutput ToFile(string path) => PartialFile.Create(path);

    /// <summary>
    /// Tells the length of an image before its first byte. A snapshot, which is written from its beginning to its end, does not say it. By
    /// default this does nothing.
    /// </summary>
    /// <param name="length">Bytes of the whole image. What is never written is zeros.</param>
    public virtual void Begin(long length)
    {
    }

    /// <summary>Writes bytes. A snapshot is written in order; the pages of an image come in any order, each once.</summary>
    /// <param name="offset">Where the bytes belong, from the beginning of the snapshot or image.</param>
    /// <param name="bytes">The bytes; valid during the call only.</param>
    public abstract void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Ends the writing: everything was written. A file is brought to the device and takes its name.</summary>
    /// <param name="cancellationToken">Ends it without a result.</param>
    public abstract void Complete(CancellationToken cancellationToken);

    /// <summary>Closes the target; what was not completed is abandoned. A second call does nothing.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the target.</summary>
    /// <param name="disposing">True if called by <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);
}
