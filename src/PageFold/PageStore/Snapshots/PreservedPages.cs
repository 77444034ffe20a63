using System.Runtime.ExceptionServices;
using PageFold.Frames;

namespace PageFold.Store;

/// <summary>
/// The pages as they were at a point in time, on their way to a file while others change them. Whoever is about to change a page preserves it first; a walker preserves all that nobody changes.
/// </summary>
/// <remarks>
/// <para>
/// Preserving is one step under one lock: if the page's bit is not set, its stored bytes are copied to the buffer that fills, and the bit is set. Changes come after the bit, so a bit that is not
/// set says that the content is still that of the point in time, and a page is copied exactly once.
/// </para>
/// <para>
/// Two buffers: one fills while the other is written to the file, by the walker's thread, outside the lock. A writer that finds no room waits for that; it holds neither a slot nor a workbench, and
/// it stays inside the store's gate. When the snapshot has failed or ended nothing is preserved any more and nobody waits. Writers allocate nothing.
/// </para>
/// </remarks>
internal sealed class PreservedPages
{
    // How long writers wait for somebody who has fixed the point in time and does not save.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly object _sync = new();
    private readonly PageStore _store;
    private readonly MemoryBudget _budget;
    private readonly SettledPages _settled;
    private readonly RecordBuffer _first;
    private readonly RecordBuffer _second;
    private readonly TimeSpan _patience;
    private RecordBuffer _filling;
    private RecordBuffer? _spare;
    private RecordBuffer? _full;
    private Exception? _failure;
    private bool _isBeingSaved;
    private bool _ended;

    private PreservedPages(PageStore store, MemoryBudget budget, RecordBuffer first, RecordBuffer second, TimeSpan patience)
    {
        _store = store;
        _budget = budget;
        _settled = new SettledPages(store.Budget, store.SnapshotReserve);
        _filling = _first = first;
        _spare = _second = second;
        _patience = patience;
    }

    /// <summary>Pages copied so far. Stable once ended.</summary>
    public long Pages { get; private set; }

    /// <summary>Their stored bytes.</summary>
    public long StoredBytes { get; private set; }

    /// <summary>Pages copied by those who changed them.</summary>
    public long SavedByWriters { get; private set; }

    /// <summary>Makes the buffers; null when there is no memory for them.</summary>
    public static PreservedPages? TryMake(PageStore store, SnapshotMemory memory, TimeSpan? patience)
    {
        RecordBuffer? first = RecordBuffer.TryMake(memory, store.PageSize);
        RecordBuffer? second = first is null ? null : RecordBuffer.TryMake(memory, store.PageSize);
        if (second is not null)
            return new PreservedPages(store, memory.Budget, first!, second, patience ?? Patience);
        first?.Free(memory.Budget);
        return null;
    }

    /// <summary>Makes the bits of all pages there may be; false when there is no memory for them.</summary>
    public bool TryCover() => _settled.TryCover(_store.Slots);

    /// <summary>Preserves a page for a writer that is inside the gate and about to change it. Waits for room.</summary>
    public void Preserve(uint page)
    {
        if (_settled.Contains(page))
            return;
        lock (_sync)
        {
            while (!_ended && !_settled.Contains(page))
            {
                if (!_filling.HasRoom && !TrySwitch())
                    AwaitRoom();
                else if (TryCopy(page))
                    SavedByWriters++;
            }
        }
    }

    /// <summary>Preserves a page for the walker, which does not wait: false if it has to write a buffer first, or all has ended.</summary>
    public bool TryPreserve(uint page)
    {
        if (_settled.Contains(page))
            return true;
        lock (_sync)
        {
            // What is full first: then writers find room while it is written.
            if (!_filling.HasRoom)
                TrySwitch();
            if (_ended || _full is not null)
                return false;
            if (!_settled.Contains(page))
                TryCopy(page);
            return !_ended;
        }
    }

    /// <summary>From now on somebody writes full buffers, so that it makes sense to wait for room.</summary>
    public void BeginSaving()
    {
        lock (_sync)
        {
            _isBeingSaved = true;
            Monitor.PulseAll(_sync);
        }
    }

    /// <summary>The full buffer, for its writing; null if there is none. It comes back by <see cref="Return"/>.</summary>
    public RecordBuffer? TakeFull()
    {
        lock (_sync)
        {
            ThrowIfFailed();
            RecordBuffer? full = _full;
            _full = null;
            return full;
        }
    }

    public void Return(RecordBuffer written)
    {
        lock (_sync)
        {
            written.Clear();
            _spare = written;
            Monitor.PulseAll(_sync);
        }
    }

    /// <summary>Ends preserving, now that every page is; returns the last buffers, for their writing.</summary>
    public (RecordBuffer? Full, RecordBuffer Last) Complete()
    {
        lock (_sync)
        {
            ThrowIfFailed();
            End();
            return (_full, _filling);
        }
    }

    /// <summary>Ends preserving without having all pages, because of an error or because nobody wants them any more.</summary>
    public void Fail(Exception cause)
    {
        lock (_sync)
        {
            if (!_ended)
                _failure = cause;
            End();
        }
    }

    /// <summary>Ends preserving, if it has not ended, and gives the memory back. Nobody writes a buffer any more.</summary>
    public void Free()
    {
        lock (_sync)
        {
            End();
            _first.Free(_budget);
            _second.Free(_budget);
            _settled.Free();
        }
    }

    private void End()
    {
        _ended = true;
        _store.EndPreserving(this);
        Monitor.PulseAll(_sync);
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    private bool TrySwitch()
    {
        if (_spare is null)
            return false;
        _full = _filling;
        _filling = _spare;
        _spare = null;
        return true;
    }

    private void AwaitRoom()
    {
        if (!Monitor.Wait(_sync, _isBeingSaved ? Timeout.InfiniteTimeSpan : _patience) && !_isBeingSaved)
            Fail(Throw.SnapshotNotSaved(_patience));
    }

    /// <summary>Copies a page and sets its bit; false if it was not stored, or cannot be read, and then all has ended.</summary>
    private bool TryCopy(uint page)
    {
        try
        {
            Span<byte> record = _filling.Room;
            StoredPage form = _store.ReadStored(page, record[SnapshotFormat.RecordHeaderBytes..]);
            if (form.Kind != StoredKind.Absent)
            {
                _filling.Add(SnapshotFormat.WriteRecord(record, page, form), form.Size);
                Pages++;
                StoredBytes += form.Size;
            }
            _settled.Add(page);
            return form.Kind != StoredKind.Absent;
        }
        catch (Exception damage) when (damage is PageCorruptException or IOException or ObjectDisposedException)
        {
            // The snapshot's trouble, and not the writer's.
            Fail(damage);
            return false;
        }
    }
}
