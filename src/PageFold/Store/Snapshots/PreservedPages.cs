using System.Runtime.ExceptionServices;
using PageFold.Frames;
using PageFold.Store.Index;
using PageFold.Store.Paging;

namespace PageFold.Store.Snapshots;

/// <summary>
/// The pages as they were at a point in time, on their way to a file while other threads change them. A thread that is about to change a
/// page preserves it first; a walker preserves the pages that no thread changes.
/// </summary>
/// <remarks>
/// <para>
/// Preserving is one step under one lock: if the page's bit is not set, its stored bytes are copied to the buffer that fills, and the bit
/// is set. Changes come after the bit. So a bit that is not set says that the content is still that of the point in time, and a page is
/// copied exactly once.
/// </para>
/// <para>
/// Two buffers: one fills while the other is written to the file, by the walker's thread, outside the lock. A writer that finds no room
/// waits for that. It holds neither a slot nor a codec stream, and stays inside the store's rundown gate. When the snapshot has failed or
/// ended, nothing is preserved any more and no writer waits. Writers allocate nothing.
/// </para>
/// </remarks>
internal sealed class PreservedPages : PageListener
{
    // How long writers wait for a caller that has fixed the point in time and does not save.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly object _sync = new();
    private readonly PageIndex _index;
    private readonly PageReader _reader;
    private readonly MemoryBudget _budget;
    private readonly CapturedPages _captured;
    private readonly RecordBuffer _first;
    private readonly RecordBuffer _second;
    private readonly TimeSpan _patience;
    private RecordBuffer _filling;
    private RecordBuffer? _spare;
    private RecordBuffer? _full;
    private Exception? _failure;
    private bool _isBeingSaved;
    private bool _ended;

    private PreservedPages(PageIndex index, PageReader reader, MemoryBudget? reserve, MemoryBudget budget, RecordBuffer first,
        RecordBuffer second, TimeSpan patience)
    {
        _index = index;
        _reader = reader;
        _budget = budget;
        _captured = new CapturedPages(index.Budget, reserve);
        _filling = _first = first;
        _spare = _second = second;
        _patience = patience;
    }

    /// <summary>Pages copied so far. Stable once ended.</summary>
    public long Pages { get; private set; }

    /// <summary>Their stored bytes.</summary>
    public long StoredBytes { get; private set; }

    /// <summary>Pages copied by the threads that changed them.</summary>
    public long SavedByWriters { get; private set; }

    /// <summary>Makes the buffers; null when there is no memory for them.</summary>
    /// <param name="index">The store's pages.</param>
    /// <param name="reader">What copies stored bytes.</param>
    /// <param name="reserve">What is kept aside for snapshots; null for nothing.</param>
    /// <param name="memory">Where the buffers come from.</param>
    /// <param name="patience">How long writers wait while no thread saves; null for ten seconds.</param>
    public static PreservedPages? TryMake(PageIndex index, PageReader reader, MemoryBudget? reserve, SnapshotMemory memory,
        TimeSpan? patience)
    {
        RecordBuffer? first = RecordBuffer.TryMake(memory, index.PageSize);
        RecordBuffer? second = first is null ? null : RecordBuffer.TryMake(memory, index.PageSize);
        if (second is not null)
            return new PreservedPages(index, reader, reserve, memory.Budget, first!, second, patience ?? Patience);
        first?.Free(memory.Budget);
        return null;
    }

    /// <summary>Makes the bits of all pages there may be; false when there is no memory for them.</summary>
    public bool TryCover() => _captured.TryCover(_index.Slots);

    /// <summary>Preserves a page for a writer that is about to change it. Waits for room.</summary>
    public override void BeforeChange(uint page)
    {
        if (_captured.Contains(page))
            return;
        lock (_sync)
        {
            while (!_ended && !_captured.Contains(page))
            {
                if (!_filling.HasRoom && !TrySwitch())
                    AwaitRoom();
                else if (TryCopy(page))
                    SavedByWriters++;
            }
        }
    }

    /// <summary>
    /// Preserves pages from a number on, to the end of a leaf or until a buffer is full; returns where to go on. Called by the walker.
    /// </summary>
    public long PreserveFrom(long from)
    {
        using RundownGate.Entry entry = _index.Enter();
        if (!_index.TryFindLeaf(from, PageIndex.MaxPage + 1, entry.Stripe, out Leaf leaf))
            return PageIndex.MaxPage + 1;
        // A page that is not there now was preserved, or was not there at the point in time either.
        for (int place = 0; leaf.TryNext(ref place); place++)
        {
            if (!TryPreserve((uint)(leaf.First + place)))
                return leaf.First + place;
        }
        return leaf.End;
    }

    /// <summary>Preserves a page for the walker, which does not wait: false if it has to write a buffer first, or all has ended.</summary>
    private bool TryPreserve(uint page)
    {
        if (_captured.Contains(page))
            return true;
        lock (_sync)
        {
            // What is full first: then writers find room while it is written.
            if (!_filling.HasRoom)
                TrySwitch();
            if (_ended || _full is not null)
                return false;
            if (!_captured.Contains(page))
                TryCopy(page);
            return !_ended;
        }
    }

    /// <summary>From now on a thread writes full buffers, so waiting for room makes sense.</summary>
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

    /// <summary>Ends preserving without all pages, because of an error or because the snapshot was abandoned.</summary>
    public void Fail(Exception cause)
    {
        lock (_sync)
        {
            if (!_ended)
                _failure = cause;
            End();
        }
    }

    /// <summary>Ends preserving, if it has not ended, and gives the memory back. No thread writes a buffer any more.</summary>
    public void Free()
    {
        lock (_sync)
        {
            End();
            _first.Free(_budget);
            _second.Free(_budget);
            _captured.Free();
        }
    }

    private void End()
    {
        _ended = true;
        _index.StopListening(this);
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
            Fail(SnapshotThrow.SnapshotNotSaved(_patience));
    }

    /// <summary>Copies a page and sets its bit; false if it is not stored, or cannot be read, and then the preserving has ended.</summary>
    private bool TryCopy(uint page)
    {
        try
        {
            Span<byte> record = _filling.Room;
            StoredPage form = _reader.ReadStored(page, record[SnapshotFormat.RecordHeaderBytes..]);
            if (form.Kind != StoredKind.Absent)
            {
                _filling.Add(SnapshotFormat.WriteRecord(record, page, form), form.Size);
                Pages++;
                StoredBytes += form.Size;
            }
            _captured.Add(page);
            return form.Kind != StoredKind.Absent;
        }
        catch (Exception damage) when (damage is PageCorruptException or IOException or ObjectDisposedException)
        {
            // The snapshot fails, and not the write.
            Fail(damage);
            return false;
        }
    }
}
