namespace PageFold.Store;

/// <summary>What preserved pages are written to: a file that takes its final name at the end. Used by one thread.</summary>
internal abstract class SnapshotTarget(PartialFile file) : IDisposable
{
    protected PartialFile File => file;

    /// <summary>Begins the file, now that the point in time is fixed.</summary>
    public abstract void Begin(DateTimeOffset created);

    /// <summary>Writes the records of a buffer.</summary>
    public abstract void Write(RecordBuffer records);

    /// <summary>Writes what is left, and returns the file's length.</summary>
    public abstract long Complete();

    /// <summary>Gives the file its final name, unless it is cancelled until then.</summary>
    public void Commit(CancellationToken cancellationToken) => file.Commit(cancellationToken);

    /// <summary>Closes the file; if it was not committed it is gone.</summary>
    public virtual void Dispose() => file.Dispose();
}
