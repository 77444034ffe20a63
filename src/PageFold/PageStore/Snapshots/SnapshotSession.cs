using System.Diagnostics;
using PageFold.Store;

namespace PageFold;

/// <summary>
/// A snapshot of a store that is being taken: made by <see cref="PageStore.BeginSnapshot"/> or <see cref="PageStore.BeginImage"/>, which open the file; then the point in time is fixed; then it is
/// saved. Whoever has locks of its own around a store, and caches above it, flushes and fixes the point while it holds them, and saves after.
/// </summary>
/// <remarks>
/// From the point in time on, whoever changes a page first copies it as it was, to memory of two megabytes, and waits when that is full: so fix the point only to save at once. If nobody saves
/// within ten seconds of someone's waiting, the snapshot fails and the store goes on. Thread-safe.
/// </remarks>
public sealed class SnapshotSession : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PageStore _store;
    private readonly SnapshotTarget _target;
    private readonly PreservedPages _preserved;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenRegistration _closing;
    private State _state;
    private DateTimeOffset _created;
    private long _started;
    private long _pagesAtPoint;

    internal SnapshotSession(PageStore store, SnapshotTarget target, PreservedPages preserved, TimeProvider clock, CancellationToken closing)
    {
        _store = store;
        _target = target;
        _preserved = preserved;
        _clock = clock;
        // Writers that wait would keep a closed store from ending.
        _closing = closing.Register(() => preserved.Fail(Throw.StoreClosed(store)));
    }

    private enum State
    {
        Begun,
        Fixed,
        Saving,
        Ended,
    }

    internal PreservedPages Preserved => _preserved;

    /// <summary>
    /// Fixes the point in time: what was written or discarded before is in the snapshot, what begins later is not. Waits until no operation is inside the store, and keeps new ones waiting for that
    /// moment.
    /// </summary>
    /// <param name="cancellationToken">Ends the waiting; the point is not fixed then.</param>
    /// <exception cref="MemoryLimitException">There is no memory to note which pages are saved; the session has to be disposed.</exception>
    /// <exception cref="InvalidOperationException">The point is fixed already.</exception>
    /// <exception cref="ObjectDisposedException">The session or the store was disposed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void TakePoint(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            Throw.IfDisposed(_state == State.Ended, this);
            if (_state != State.Begun)
                throw Throw.PointIsFixed();
            _store.TakePoint(_preserved, out _pagesAtPoint, cancellationToken);
            _created = _clock.GetUtcNow();
            _started = Stopwatch.GetTimestamp();
            _state = State.Fixed;
        }
    }

    /// <summary>Writes the file and ends the session. Fixes the point in time if that was not done. After an error or a cancellation there is no new file, and an old one is as it was.</summary>
    /// <param name="progress">Told now and then which part of the pages is saved, 0 to 1. It must not change pages on the thread on which it is told: that is the one that makes room.</param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <exception cref="IOException">The file cannot be written, or a page cannot be read from the writeback file. What a <see
    /// cref="SnapshotOutput"/> of the caller's own throws reaches the caller too.</exception>
    /// <exception cref="PageCorruptException">A page is damaged; write or discard it first.</exception>
    /// <exception cref="MemoryLimitException">There is no memory to note which pages are saved.</exception>
    /// <exception cref="InvalidOperationException">Nobody saved while writers waited, or somebody saves already.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or disposed by another thread.</exception>
    /// <exception cref="ObjectDisposedException">The session or the store was disposed.</exception>
    public SnapshotResult Save(IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            Throw.IfDisposed(_state == State.Ended, this);
            if (_state == State.Saving)
                throw Throw.PointIsFixed();
            if (_state == State.Begun)
                TakePoint(cancellationToken);
            _state = State.Saving;
        }
        try
        {
            return Write(progress, cancellationToken);
        }
        finally
        {
            lock (_lock)
                _state = State.Ended;
            Free();
        }
    }

    /// <summary>Abandons the snapshot, if it is not saved: there is no new file. While another thread saves, it has that thread end.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_state == State.Saving)
                _preserved.Fail(new OperationCanceledException("The snapshot was abandoned while it was being saved."));
            if (_state is State.Saving or State.Ended)
                return;
            _state = State.Ended;
        }
        Free();
    }

    private SnapshotResult Write(IProgress<double>? progress, CancellationToken cancellationToken)
    {
        _preserved.BeginSaving();
        _target.Begin(_created);
        long reported = 0;
        for (long next = 0; next <= PageStore.MaxPage;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            next = _store.PreserveFrom(next, _preserved);
            if (_preserved.TakeFull() is { } full)
            {
                _target.Write(full);
                _preserved.Return(full);
            }
            long saved = _preserved.Pages;
            if (progress is not null && saved - reported > _pagesAtPoint >> 8)
                progress.Report((double)(reported = saved) / _pagesAtPoint);
        }
        // Every page is preserved: from here on writers are on their own.
        (RecordBuffer? before, RecordBuffer last) = _preserved.Complete();
        if (before is not null)
            _target.Write(before);
        _target.Write(last);
        long bytes = _target.Complete();
        cancellationToken.ThrowIfCancellationRequested();
        _target.Commit(cancellationToken);
        progress?.Report(1);
        return new SnapshotResult
        {
            Pages = _preserved.Pages,
            StoredBytes = _preserved.StoredBytes,
            FileBytes = bytes,
            PagesSavedByWriters = _preserved.SavedByWriters,
            Created = _created,
            Duration = Stopwatch.GetElapsedTime(_started),
        };
    }

    private void Free()
    {
        _closing.Dispose();
        _preserved.Free();
        try
        {
            _target.Dispose();
        }
        finally
        {
            _store.EndSnapshot();
        }
    }
}
