using System.Diagnostics;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>A snapshot from its beginning to its end: what <see cref="SnapshotSession"/> does. Thread-safe.</summary>
internal sealed class SnapshotRun : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SnapshotSaver _saver;
    private readonly SnapshotTarget _target;
    private readonly PreservedPages _preserved;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenRegistration _closing;
    private readonly CancellationTokenSource _abandoning = new();
    private State _state;
    private DateTimeOffset _created;
    private long _started;
    private long _pagesAtPoint;

    public SnapshotRun(SnapshotSaver saver, SnapshotTarget target, PreservedPages preserved, TimeProvider clock, CancellationToken closing)
    {
        _saver = saver;
        _target = target;
        _preserved = preserved;
        _clock = clock;
        // Writers that wait would keep a closed store from ending.
        _closing = closing.Register(() => preserved.Fail(SnapshotThrow.StoreClosed()));
    }

    private enum State
    {
        Begun,
        Fixed,
        Saving,
        Ended,
    }

    /// <summary>See <see cref="SnapshotSession.TakePoint"/>.</summary>
    public void TakePoint(CancellationToken cancellationToken)
    {
        // Before the lock: a thread that has it may wait for the operation of a codec's thread to leave the store.
        _saver.RefuseReentry();
        lock (_lock)
        {
            if (_state == State.Ended)
                throw SnapshotThrow.SessionEnded();
            if (_state != State.Begun)
                throw SnapshotThrow.PointIsFixed();
            _pagesAtPoint = _saver.TakePoint(_preserved, cancellationToken);
            _created = _clock.GetUtcNow();
            _started = Stopwatch.GetTimestamp();
            _state = State.Fixed;
        }
    }

    /// <summary>See <see cref="SnapshotSession.Save"/>.</summary>
    public SnapshotResult Save(IProgress<double>? progress, CancellationToken cancellationToken)
    {
        _saver.RefuseReentry();
        lock (_lock)
        {
            if (_state == State.Ended)
                throw SnapshotThrow.SessionEnded();
            if (_state == State.Saving)
                throw SnapshotThrow.PointIsFixed();
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

    /// <summary>See <see cref="SnapshotSession.Dispose"/>.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_state == State.Saving)
            {
                _preserved.Fail(SnapshotThrow.Abandoned());
                // Every page may be preserved already, and the output not complete yet.
                _abandoning.Cancel();
            }
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
        for (long next = 0; next <= PageIndex.MaxPage;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            next = _preserved.PreserveFrom(next);
            if (_preserved.TakeFull() is { } full)
            {
                _target.Write(full);
                _preserved.Return(full);
            }
            long saved = _preserved.Pages;
            if (progress is not null && saved - reported > _pagesAtPoint >> 8)
                progress.Report((double)(reported = saved) / _pagesAtPoint);
        }
        // Every page is preserved: from here on writers need not wait.
        (RecordBuffer? before, RecordBuffer last) = _preserved.Complete();
        if (before is not null)
            _target.Write(before);
        _target.Write(last);
        long bytes = _target.Complete();
        Commit(cancellationToken);
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

    /// <summary>Ends the output, unless the saving is cancelled or the session is disposed until then.</summary>
    private void Commit(CancellationToken cancellationToken)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _abandoning.Token);
        try
        {
            ending.Token.ThrowIfCancellationRequested();
            _target.Commit(ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The caller knows its own token, and not the linked one.
            cancellationToken.ThrowIfCancellationRequested();
            throw SnapshotThrow.Abandoned();
        }
    }

    private void Free()
    {
        _closing.Dispose();
        _abandoning.Dispose();
        _preserved.Free();
        try
        {
            _target.Dispose();
        }
        finally
        {
            _saver.End();
        }
    }
}
