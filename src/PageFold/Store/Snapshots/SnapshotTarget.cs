namespace PageFold.Store.Snapshots;

/// <summary>Turns preserved pages into the bytes of a snapshot or an image, and writes them to an output. Used by one thread.</summary>
internal abstract class SnapshotTarget(SnapshotOutput output) : IDisposable
{
    protected SnapshotOutput Output => output;

    /// <summary>Begins the output, now that the point in time is fixed.</summary>
    public abstract void Begin(DateTimeOffset created);

    /// <summary>Writes the records of a buffer.</summary>
    public abstract void Write(RecordBuffer records);

    /// <summary>Writes what is left, and returns the output's length in bytes.</summary>
    public abstract long Complete();

    /// <summary>Ends the writing; a file takes its final name, unless it is cancelled until then.</summary>
    public void Commit(CancellationToken cancellationToken) => output.Complete(cancellationToken);

    /// <summary>Frees what the target holds beside the output, which stays as it is. Called once, also by <see cref="Dispose"/>.</summary>
    public virtual void Free()
    {
    }

    /// <summary>Closes the output, whose content is gone if it was not committed, and frees the rest.</summary>
    public void Dispose()
    {
        Free();
        output.Dispose();
    }
}
