using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Store.Log;

namespace PageFold.Store.Index;

/// <summary>
/// Maps page numbers to stored bytes: number, slot, object. The only code that allocates, checksums, copies, publishes and accounts for
/// what a page store holds. The services of the store (paging, recompression, writeback, snapshots) stand on its operations.
/// </summary>
/// <remarks>
/// <para>
/// An operation enters the rundown gate, finds or pins a page, and publishes its next word. What a page holds changes only while its slot
/// is held alone, for the moment of publishing; a reader's pin keeps it as it is.
/// </para>
/// <para>
/// Order of locks: codec table, codec stream, slot, then the heap's. A thread that waits for memory or for a listener holds none of them.
/// Thread-safe.
/// </para>
/// </remarks>
internal sealed unsafe partial class PageIndex : IDisposable
{
    /// <summary>The highest page number.</summary>
    public const long MaxPage = uint.MaxValue;

    private readonly SlotTable _slots;
    private readonly ZsHeap _heap;
    private readonly PatternTable _patterns;
    private readonly AccessTimes? _access;
    private readonly StoreCounters _counters = new();
    private WritebackLog? _log;
    private PageListener? _listener;

    /// <param name="arena">Where frames come from; the index's owner disposes it last.</param>
    /// <param name="gate">The store's rundown gate.</param>
    /// <param name="sizeClasses">The size classes of objects.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <param name="clock">What ages are measured with; null to keep none.</param>
    public PageIndex(FrameArena arena, RundownGate gate, SizeClasses sizeClasses, int pageSize, TimeProvider? clock)
    {
        Arena = arena;
        Gate = gate;
        PageSize = pageSize;
        _slots = new SlotTable(arena);
        _heap = new ZsHeap(arena, _slots, gate, sizeClasses);
        _patterns = new PatternTable(arena.Budget);
        _access = clock is null ? null : new AccessTimes(arena, gate, clock);
        Loans = new MemoryLoans(arena.Budget, gate.Closing);
        Room = new RoomMaker(arena, gate, _heap, _slots, _patterns, _access, _counters, Loans);
    }

    /// <summary>Bytes in a page.</summary>
    public int PageSize { get; }

    public FrameArena Arena { get; }

    public MemoryBudget Budget => Arena.Budget;

    public RundownGate Gate { get; }

    public RoomMaker Room { get; }

    /// <summary>Who has borrowed memory, and gives it up for an operation that finds none.</summary>
    public MemoryLoans Loans { get; }

    public ZsHeap Heap => _heap;

    public SlotTable Slots => _slots;

    public PatternTable Patterns => _patterns;

    public StoreCounters Counters => _counters;

    /// <summary>When pages were accessed; null if the store does not keep that.</summary>
    public AccessTimes? Access => _access;

    /// <summary>Records of pages in the writeback file; null if there is none.</summary>
    public WritebackLog? Log => _log;

    /// <summary>Bytes of the limit in which nothing is stored.</summary>
    public long FreeBytes => Budget.Available + Budget.Idle + Arena.FreeBytes;

    /// <summary>Sees that a first page would fit; false when there is no memory for it.</summary>
    public bool TryPrepare()
    {
        if (!_slots.TryEnsure(0, out _) || !_heap.TryAllocate(PageSize, ReserveUse.None, mayReclaim: false, out ObjectLocation location))
            return false;
        _heap.Free(location);
        Arena.Trim();
        return true;
    }

    /// <summary>
    /// Opens the writeback file, whose records pages may name from then on; false when there is no memory for it. Called once, before there
    /// are pages.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range, or something else is in the file.</exception>
    public bool TryOpenLog(WritebackOptions options, TimeProvider clock)
    {
        _log = WritebackLog.TryOpen(Budget, options, PageSize, clock);
        return _log is not null;
    }

    /// <summary>Enters the store until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public RundownGate.Entry Enter() => Gate.Enter();

    /// <summary>A page's slot; null if there is none yet.</summary>
    public ulong* Find(uint page) => _slots.Find(page);

    /// <summary>What a page's slot holds at this moment; zero if there is none.</summary>
    public ulong Peek(uint page)
    {
        ulong* slot = _slots.Find(page);
        return slot is null ? 0 : Volatile.Read(ref *slot);
    }

    /// <summary>Pins a page, if it is stored: see <see cref="PinnedPage"/>.</summary>
    public PinnedPage Pin(uint page) => Pin(_slots.Find(page), page);

    /// <summary>Pins the page of a slot that was found.</summary>
    public static PinnedPage Pin(ulong* slot, uint page)
    {
        if (slot is null)
            return default;
        SpinWait spin = default;
        while (true)
        {
            SharedOutcome outcome = SlotWord.TryAcquireShared(ref *slot, out ulong word);
            if (outcome == SharedOutcome.Acquired)
                return new PinnedPage(slot, word, page);
            if (outcome == SharedOutcome.Empty)
                return default;
            spin.SpinOnce();
        }
    }

    /// <summary>Notes an access to a page whose slot the caller holds.</summary>
    public void Touch(uint page) => _access?.Touch(page);

    /// <summary>Time since the last access; null where it is not known.</summary>
    public TimeSpan? AgeOf(uint page) => _access?.Age(page);

    /// <summary>True if a page was not accessed for so long, or its age is unknown.</summary>
    public bool IsOld(uint page, TimeSpan? minAge) => minAge is null || (AgeOf(page) ?? AccessTimes.MaxAge) >= minAge;

    /// <summary>Pages whose bytes a codec made.</summary>
    public long PagesWith(int codec) => _counters.Read(StoreCounter.FirstCodec + codec);

    /// <summary>Bytes stored for all pages, in memory and in the writeback file, at one moment.</summary>
    public long ReadStoredBytes()
    {
        StoreFigures figures = _counters.EnterAll();
        _counters.ExitAll();
        return figures[StoreCounter.CompressedBytes] + figures[StoreCounter.WrittenBackBytes];
    }

    /// <summary>
    /// Announces that a page is about to change. The caller is inside the gate and holds neither a slot nor a codec stream.
    /// </summary>
    public void AnnounceChange(uint page) => Volatile.Read(ref _listener)?.BeforeChange(page);

    /// <summary>Sets who hears of changes. The caller is alone in the gate, so no change is under way.</summary>
    public void Listen(PageListener listener) => Volatile.Write(ref _listener, listener);

    /// <summary>Ends the listening, if it is this listener's.</summary>
    public void StopListening(PageListener listener) => Interlocked.CompareExchange(ref _listener, null, listener);

    /// <summary>Moves pages together so that frames go back, then gives all free frames back.</summary>
    public CompactionResult Compact(CancellationToken cancellationToken)
    {
        CompactionResult total = default;
        // Outside the gate between two classes: an operation that has to be alone would wait for all of them, and keep others waiting.
        for (int sizeClass = 0; sizeClass < _heap.Classes.Count; sizeClass++)
        {
            using (Enter())
                total += _heap.CompactClass(sizeClass, cancellationToken);
        }
        total = total with { WasCancelled = cancellationToken.IsCancellationRequested };
        using (Enter())
        {
            _ = Room.TryTrimTables(minEmptied: 1);
            Arena.Trim();
        }
        return total;
    }

    /// <summary>Frees everything but the arena; no operation is inside any more.</summary>
    public void Dispose()
    {
        _heap.Dispose();
        _slots.Free();
        _patterns.Free();
        _access?.Free();
        _log?.Dispose();
    }
}
