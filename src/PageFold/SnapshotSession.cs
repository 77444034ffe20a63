using PageFold.Store.Snapshots;

namespace PageFold;

/// <summary>
/// A snapshot of a store that is being taken. <see cref="PageStore.BeginSnapshot"/> or <see cref="PageStore.BeginImage"/> makes it and
/// opens the file; then the point in time is fixed; then it is saved. A caller that has locks of its own around a store, and caches above
/// it, flushes the caches and fixes the point while it holds the locks, and saves after.
/// </summary>
/// <remarks>
/// From the point in time on, a thread that changes a page first copies it as it was, to memory of two megabytes, and waits when that is
/// full. So fix the point only to save at once. If no thread calls <see cref="Save"/> within ten seconds of a writer's waiting, the
/// snapshot fails and the store goes on. Thread-safe.
/// </remarks>
public sealed class SnapshotSession : IDisposable
{
    private readonly SnapshotRun _run;

    internal SnapshotSession(SnapshotRun run)
    {
        _run = run;
    }

    /// <summary>
    /// Fixes the point in time: what was written or discarded before is in the snapshot, what begins later is not. Waits until no operation
    /// is inside the store, and keeps new ones waiting for that moment.
    /// </summary>
    /// <param name="cancellationToken">Ends the waiting; the point is not fixed then.</param>
    /// <exception cref="MemoryLimitException">There is no memory to note which pages are saved; dispose the session.</exception>
    /// <exception cref="InvalidOperationException">
    /// The point is fixed already, or a codec calls the store that it works for.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The session or the store was disposed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void TakePoint(CancellationToken cancellationToken = default) => _run.TakePoint(cancellationToken);

    /// <summary>
    /// Writes the file and ends the session. Fixes the point in time if that was not done. After an error or a cancellation there is no new
    /// file, and an old one is as it was.
    /// </summary>
    /// <param name="progress">
    /// Receives now and then which part of the pages is saved, 0 to 1. It must not change pages on the thread that reports: that thread
    /// makes room for the copies.
    /// </param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <exception cref="IOException">
    /// The file cannot be written, or a page cannot be read from the writeback file. An exception of the caller's own <see
    /// cref="SnapshotOutput"/> reaches the caller too.
    /// </exception>
    /// <exception cref="PageCorruptException">A page is damaged; write or discard it first.</exception>
    /// <exception cref="MemoryLimitException">There is no memory to note which pages are saved.</exception>
    /// <exception cref="InvalidOperationException">
    /// Writers waited and no thread saved, or another thread saves already, or a codec calls the store that it works for.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled, or disposed by another thread.</exception>
    /// <exception cref="ObjectDisposedException">The session or the store was disposed.</exception>
    public SnapshotResult Save(IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        _run.Save(progress, cancellationToken);

    /// <summary>
    /// Abandons the snapshot, if it is not saved: there is no new file. If another thread is saving, its call ends with an exception.
    /// </summary>
    public void Dispose() => _run.Dispose();
}
