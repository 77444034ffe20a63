using System.IO.Hashing;
using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Store;

namespace PageFold;

/// <summary>
/// Keeps pages compressed in memory, off the GC heap: pages in, pages out, by number. A page of one repeated word takes no object; a page that compression
/// does not help is stored raw; every other is compressed and packed by the allocator that a <see cref="ZsPool"/> uses too.
/// </summary>
/// <remarks>
/// <para>
/// Once a page is accepted, reads return exactly its bytes until it is overwritten or discarded. Each read sees one whole version, whatever other
/// threads write. What is stored is checked on every read.
/// </para>
/// <para>
/// The limit covers all bytes held. At the limit a write is refused, unless the old content's place is large enough for the new.
/// </para>
/// <para>
/// Thread-safe, <see cref="Dispose"/> included. A page is compressed outside all locks; its slot is locked for the moment in which the new content is
/// published. Readers of a page share its slot. Write, read and discard allocate nothing on the GC heap.
/// </para>
/// </remarks>
public sealed unsafe partial class PageStore : IDisposable
{
    /// <summary>The highest page number.</summary>
    public const long MaxPage = uint.MaxValue;

    private readonly FrameArena _arena;
    private readonly SlotTable _slots;
    private readonly ZsHeap _heap;
    private readonly PatternTable _patterns;
    private readonly CodecTable _codecs;
    private readonly AccessTimes? _access;
    private WritebackLog? _writeback;
    private readonly Workbenches _benches;
    private readonly StoreCounters _counters = new();
    private readonly Gate _gate;
    private readonly int _incompressibleAbove;
    private readonly Action _trimTables;
    private readonly TimeProvider _clock;
    private long _emptiedBefore;
    private readonly Lock _ownerChanges = new();
    private long _ownerBytes;

    /// <summary>Makes an empty store.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="IOException">The writeback file cannot be opened.</exception>
    public PageStore(PageStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Throw.IfPageSizeInvalid(options.PageSize, nameof(options.PageSize));
        Throw.IfFrameSmallerThanPage(options.FrameSize ?? options.PageSize, options.PageSize);
        Throw.IfCodecMissing(options.Codec);
        Throw.IfTimeProviderMissing(options.TimeProvider);
        Throw.IfThresholdInvalid(options.IncompressibleAbove, options.PageSize);
        Throw.IfOwnerBytesNegative(options.OwnerBytes);
        PageSize = options.PageSize;
        _incompressibleAbove = Math.Min(options.IncompressibleAbove ?? PageSize / 32 * 31, PageSize - 1);
        ZsPoolOptions poolOptions = options.PoolOptions;
        _arena = poolOptions.MakeArena();
        _gate = new Gate(FreeEverything);
        _codecs = new CodecTable(_arena.Budget);
        _benches = new Workbenches(_arena.Budget, _codecs, options.Codec, PageSize);
        _slots = new SlotTable(_arena);
        _heap = new ZsHeap(_arena, _slots, _gate, poolOptions.SizeClasses);
        _patterns = new PatternTable(_arena.Budget);
        _access = options.TrackAccess ? new AccessTimes(_arena, _gate, options.TimeProvider) : null;
        _trimTables = TrimTables;
        _clock = options.TimeProvider;
        bool prepared = false;
        try
        {
            prepared = TryPrepare(options);
        }
        finally
        {
            if (!prepared)
                _gate.Close();
        }
        if (!prepared)
            Throw.LimitTooSmall(_arena.MemoryLimit, PageSize);
    }

    /// <summary>Bytes in a page.</summary>
    public int PageSize { get; }

    /// <summary>The limit of a store whose options name none: half of the container's, or of the machine's memory outside a container.</summary>
    public static long DefaultMemoryLimit => MemoryLimits.Resolve(configured: null);

    /// <summary>The most memory the store holds, in bytes.</summary>
    public long MemoryLimit => _arena.MemoryLimit;

    internal ZsHeap Heap => _heap;

    internal SlotTable Slots => _slots;

    internal WritebackLog? Log => _writeback;

    internal MemoryBudget Budget => _arena.Budget;

    /// <summary>Discards pages; those never stored are passed over.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many pages from there on.</param>
    /// <returns>Pages that were stored and now are not.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within 0 to <see cref="MaxPage"/>.</exception>
    public long Discard(long first, long count = 1)
    {
        Throw.IfPageOutOfRange(first, nameof(first));
        Throw.IfCountOutOfRange(first, count);
        _benches.RefuseReentry();
        long discarded = 0;
        for (long end = first + count; first < end;)
            first = DiscardLeaf(first, end, ref discarded);
        return discarded;
    }

    /// <summary>Discards what there is up to the end of the first leaf that exists; returns where to go on.</summary>
    private long DiscardLeaf(long first, long end, ref long discarded)
    {
        int stripe = _gate.Enter();
        try
        {
            if (_slots.NextExisting((uint)first) is not { } number || number >= end)
                return end;
            long endOfLeaf = Math.Min(end, (number | _slots.LeafLength - 1) + 1L);
            ulong* slot = _slots.Find(number);
            for (long page = number; page < endOfLeaf; page++, slot++)
            {
                if (Volatile.Read(ref *slot) == 0)
                    continue;
                Preserve((uint)page);
                if (Replace(ref *slot, (uint)page, 0, stripe))
                    discarded++;
            }
            return endOfLeaf;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>The stored pages in ascending order. Pages that are stored or discarded during the walk may or may not appear.</summary>
    public IEnumerable<long> EnumeratePages()
    {
        long from = 0;
        while (from <= MaxPage && TryFindNext(from, out long page))
        {
            yield return page;
            from = page + 1;
        }
    }

    /// <summary>Finds the first stored page from a number on; false if there is none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is not within 0 to <see cref="MaxPage"/>.</exception>
    public bool TryFindNext(long from, out long page)
    {
        Throw.IfPageOutOfRange(from, nameof(from));
        int stripe = _gate.Enter();
        try
        {
            page = from;
            while (page <= MaxPage && _slots.NextExisting((uint)page) is { } number)
            {
                ulong* slot = _slots.Find(number);
                for (long left = _slots.LeafLength - (number & _slots.LeafLength - 1); left > 0; left--, slot++, number++)
                {
                    if (SlotWord.Kind(Volatile.Read(ref *slot)) != SlotKind.Empty)
                    {
                        page = number;
                        return true;
                    }
                    page = number + 1L;
                }
            }
            page = 0;
            return false;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Moves pages together so that frames go back, then gives all free frames back. Readers and writers may work meanwhile.</summary>
    public CompactionResult Compact(CancellationToken cancellationToken = default)
    {
        CompactionResult total = default;
        // Out of the gate between two classes: whoever has to be alone for a moment would else wait for all of them, and keep others waiting.
        for (int sizeClass = 0; sizeClass < _heap.Classes.Count; sizeClass++)
            total += CompactClass(sizeClass, cancellationToken);
        int stripe = _gate.Enter();
        try
        {
            _ = TryTrimTables(leastEmptied: 1);
            _arena.Trim();
        }
        finally
        {
            _gate.Exit(stripe);
        }
        return total;
    }

    private CompactionResult CompactClass(int sizeClass, CancellationToken cancellationToken)
    {
        int stripe = _gate.Enter();
        try
        {
            return _heap.CompactClass(sizeClass, cancellationToken);
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Lets the high-water mark begin anew from what is held now.</summary>
    public void ResetPeak() => Budget.ResetPeak();

    /// <summary>What the store holds now.</summary>
    public PageStoreStatistics GetStatistics()
    {
        int stripe = _gate.Enter();
        try
        {
            SizeClassStatistics[] classes = [.. _heap.Classes.Select(sizeClass => sizeClass.GetStatistics())];
            long poolBytes = classes.Sum(sizeClass => sizeClass.Frames) * _arena.FrameSize;
            long pages = _counters.Read(StoreCounter.Pages);
            return new PageStoreStatistics
            {
                Pages = pages,
                OriginalBytes = pages * PageSize,
                CompressedBytes = _counters.Read(StoreCounter.CompressedBytes),
                SameFilledPages = _counters.Read(StoreCounter.SameFilled),
                IncompressiblePages = _counters.Read(StoreCounter.Incompressible),
                PoolBytes = poolBytes,
                TableBytes = Math.Max(0, Budget.Used - poolBytes),
                SlotTableBytes = _slots.Bytes,
                AccessTableBytes = _access?.Bytes ?? 0,
                PeakBytes = Budget.Peak,
                MemoryLimit = Budget.Limit,
                RefusedWrites = _counters.Read(StoreCounter.Refused),
                WrittenBackPages = _counters.Read(StoreCounter.WrittenBack),
                WrittenBackBytes = _counters.Read(StoreCounter.WrittenBackBytes),
                WritebackFileBytes = _writeback?.FileBytes ?? 0,
                WritebackWrites = _counters.Read(StoreCounter.WritebackWrites),
                WritebackReads = _counters.Read(StoreCounter.WritebackReads),
                PagesByCodec = [.. Enumerable.Range(0, CodecTable.Most).Select(PagesWith)],
                FramesCompacted = _heap.FramesCompacted,
                BytesMoved = _heap.BytesMoved,
                Classes = classes,
            };
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Changes the bytes of the limit that the owner holds beside the store, <see cref="PageStoreOptions.OwnerBytes"/> at the beginning; false, and no change, if so many are not free.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool TrySetOwnerBytes(long bytes)
    {
        Throw.IfOwnerBytesNegative(bytes);
        int stripe = _gate.Enter();
        try
        {
            lock (_ownerChanges)
            {
                if (bytes > _ownerBytes && !Budget.TryCharge(bytes - _ownerBytes))
                    return false;
                if (bytes < _ownerBytes)
                    Budget.Release(_ownerBytes - bytes);
                _ownerBytes = bytes;
                return true;
            }
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Closes the store: every further call throws, and the memory goes when the last operation has ended.</summary>
    public void Dispose() => _heap.Close();

    /// <summary>Takes what every store needs and sees that a first page would fit; false when there is no memory for that.</summary>
    private bool TryPrepare(PageStoreOptions options)
    {
        if (options.OwnerBytes > MemoryLimit)
            Throw.OwnerBytesAboveLimit(options.OwnerBytes, MemoryLimit);
        if (!Budget.TryCharge(options.OwnerBytes))
            return false;
        _ownerBytes = options.OwnerBytes;
        if (!TryPrepareCodec(options.Codec) || !_slots.TryEnsure(0, out _)
            || !_heap.TryAllocate(PageSize, ReserveUse.None, mayReclaim: false, out ObjectLocation location))
            return false;
        _heap.Free(location);
        _arena.Trim();
        if (options.Writeback is not { } writeback)
            return true;
        _writeback = WritebackLog.TryOpen(Budget, writeback, PageSize, options.TimeProvider);
        return _writeback is not null;
    }

    private static ulong TagFor(uint number, byte* stored, int size) => number | (ulong)CheckOf(new ReadOnlySpan<byte>(stored, size), number) << 32;

    /// <summary>
    /// The check of a page's stored bytes: half of their XXH3, with the page's number mixed in so that bytes in the wrong place are found out too.
    /// </summary>
    private static uint CheckOf(ReadOnlySpan<byte> stored, uint number) => (uint)(XxHash3.HashToUInt64(stored) >> 32) ^ number * 0x9E3779B1;

    /// <summary>Publishes what a slot is to hold and frees what it held; false if it held nothing.</summary>
    private bool Replace(ref ulong slot, uint number, ulong word, int stripe)
    {
        ulong old = SlotWord.AcquireExclusive(ref slot);
        if (_access is not null)
            NoteAccess(number, word);
        SlotWord.ReleaseExclusive(ref slot, word);
        Account(old, word, stripe);
        SlotKind kind = SlotWord.Kind(old);
        if (SlotWord.HoldsObject(old))
            _heap.Free(SlotWord.Location(old));
        else if (WrittenBack.Is(old))
            _writeback!.Remove(WrittenBack.Position(old), SlotWord.Size(old));
        else if (kind == SlotKind.Value && SameFilled.NamesPattern(old))
            _patterns.Remove(SameFilled.Pattern(old));
        return kind != SlotKind.Empty;
    }

    private void NoteAccess(uint number, ulong word)
    {
        if (SlotWord.Kind(word) == SlotKind.Empty)
            _access!.Forget(number);
        else
            _access!.Touch(number);
    }

    private void Account(ulong old, ulong word, int stripe)
    {
        SlotKind from = SlotWord.Kind(old);
        SlotKind to = SlotWord.Kind(word);
        if (to == SlotKind.Empty)
            _counters.Add(stripe, StoreCounter.Emptied, 1);
        _counters.Add(stripe, StoreCounter.Pages, (to == SlotKind.Empty ? 0 : 1) - (from == SlotKind.Empty ? 0 : 1));
        _counters.Add(stripe, StoreCounter.SameFilled, (SameFilled.Is(word) ? 1 : 0) - (SameFilled.Is(old) ? 1 : 0));
        int sizeBefore = SlotWord.HoldsObject(old) ? SlotWord.Size(old) : 0;
        int sizeAfter = SlotWord.HoldsObject(word) ? SlotWord.Size(word) : 0;
        _counters.Add(stripe, StoreCounter.CompressedBytes, sizeAfter - sizeBefore);
        _counters.Add(stripe, StoreCounter.Incompressible, (sizeAfter == PageSize ? 1 : 0) - (sizeBefore == PageSize ? 1 : 0));
        int leftBefore = WrittenBack.Is(old) ? SlotWord.Size(old) : 0;
        int leftAfter = WrittenBack.Is(word) ? SlotWord.Size(word) : 0;
        _counters.Add(stripe, StoreCounter.WrittenBackBytes, leftAfter - leftBefore);
        _counters.Add(stripe, StoreCounter.WrittenBack, (leftAfter != 0 ? 1 : 0) - (leftBefore != 0 ? 1 : 0));
        bool wasCompressed = sizeBefore + leftBefore is not 0 and var before && before != PageSize;
        bool isCompressed = sizeAfter + leftAfter is not 0 and var after && after != PageSize;
        if (wasCompressed && isCompressed && SlotWord.Codec(old) == SlotWord.Codec(word))
            return;
        if (wasCompressed)
            _counters.Add(stripe, StoreCounter.FirstCodec + SlotWord.Codec(old), -1);
        if (isCompressed)
            _counters.Add(stripe, StoreCounter.FirstCodec + SlotWord.Codec(word), 1);
    }

    /// <summary>
    /// Gives back the parts of the tables that hold nothing, if so many pages were discarded since the last time and all others leave for a moment. The caller holds neither
    /// a slot nor a workbench.
    /// </summary>
    private bool TryTrimTables(long leastEmptied)
    {
        long emptied = _counters.Read(StoreCounter.Emptied);
        if (emptied - Volatile.Read(ref _emptiedBefore) < leastEmptied)
            return false;
        long before = Budget.Used;
        if (!_gate.TryRunAlone(_trimTables))
            return false;
        Volatile.Write(ref _emptiedBefore, emptied);
        return Budget.Used < before || _arena.HasFree;
    }

    private void TrimTables()
    {
        _slots.TrimEmptyLeaves();
        _patterns.TrimIfEmpty();
        _access?.Trim();
    }

    private void FreeEverything()
    {
        _heap.Dispose();
        _slots.Free();
        _patterns.Free();
        _access?.Free();
        _writeback?.Dispose();
        _benches.Free();
        Budget.Release(_ownerBytes);
        _codecs.Free();
        _arena.Dispose();
    }
}
