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
    private readonly long _overwriteReserve;

    /// <summary>Makes an empty store.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="IOException">The writeback file cannot be opened, or its space not be reserved.</exception>
    /// <exception cref="UnauthorizedAccessException">The writeback file may not be opened, or is a folder.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing or <see cref="WritebackOptions.Preallocate"/> does not exist here.</exception>
    public PageStore(PageStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Throw.IfPageSizeInvalid(options.PageSize, nameof(options.PageSize));
        Throw.IfFrameSmallerThanPage(options.FrameSize ?? options.PageSize, options.PageSize);
        Throw.IfCodecMissing(options.Codec);
        Throw.IfTimeProviderMissing(options.TimeProvider);
        Throw.IfThresholdInvalid(options.IncompressibleAbove, options.PageSize);
        Throw.IfOwnerBytesNegative(options.OwnerBytes);
        Throw.IfSnapshotReserveInvalid(options.SnapshotReserve, MemoryLimits.Resolve(options.MemoryLimit));
        Throw.IfOverwriteReserveInvalid(options.OverwriteReserve, MemoryLimits.Resolve(options.MemoryLimit));
        PageSize = options.PageSize;
        _overwriteReserve = options.OverwriteReserve;
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

    /// <summary>
    /// True if a write that finds no memory moves pages to the writeback file instead of being refused
    /// (<see cref="WritebackOptions.DirectReclaim"/>).
    /// </summary>
    public bool ReclaimsDirectly => _writeback?.Reclaim is not null;

    /// <summary>Bytes of the limit that nothing is stored in.</summary>
    /// <summary>True while operations have to stay out. For tests.</summary>
    internal bool KeepsOthersOut => _gate.IsForOne;

    private long FreeBytes => Budget.Available + Budget.Idle + _arena.FreeBytes;

    internal ZsHeap Heap => _heap;

    internal SlotTable Slots => _slots;

    internal WritebackLog? Log => _writeback;

    internal MemoryBudget Budget => _arena.Budget;

    internal PatternTable Patterns => _patterns;

    /// <summary>Moves pages together so that frames go back, then gives all free frames back. Readers and writers may work meanwhile.</summary>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
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

    /// <summary>
    /// Takes the memory of the limit from the system now and keeps it until the end, but for a sixteenth of what is free, which is left
    /// for what grows beside frames: buffers, codec contexts, the words of same-filled pages. So a write
    /// needs no memory from the system, and cannot wait for one that is short of it, as a store behind a swap device must not. Lock the
    /// process's memory too (mlockall), or the system may swap it out.
    /// </summary>
    /// <remarks>
    /// <para>
    /// What is resident stays within the limit: where that sixteenth is used up, what needs more of it is refused as at the limit. So add
    /// codecs before. Only tables, without which a page would be refused, get memory of frames that nothing uses, which is kept no longer
    /// then. A second call does nothing. <see cref="PageStoreStatistics.TotalBytes"/> counts what is in
    /// use, <see cref="PageStoreStatistics.PrefaultedBytes"/> what is kept.
    /// </para>
    /// <para>
    /// The system may take seconds for many gigabytes. Other threads read, write and discard meanwhile; a snapshot's point in time and the
    /// end of a disposed store come after it.
    /// </para>
    /// </remarks>
    /// <exception cref="InsufficientMemoryException">The system has too little memory; nothing is kept.</exception>
    /// <exception cref="PlatformNotSupportedException">Needs Linux and frames of whole memory pages.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; nothing is kept.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public void Prefault(CancellationToken cancellationToken = default)
    {
        int stripe = _gate.Enter();
        try
        {
            _arena.Prefault(cancellationToken);
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Lets the high-water mark begin anew from what is held now.</summary>
    public void ResetPeak() => Budget.ResetPeak();

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
        if (!TryKeepForSnapshots(options))
            return false;
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
        Publish(ref slot, old, word, stripe);
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

    /// <summary>
    /// Gives back the parts of the tables that hold nothing, if so many pages were discarded since the last time and all others leave for a moment. The caller holds neither
    /// a slot nor a workbench.
    /// </summary>
    private bool TryTrimTables(long leastEmptied)
    {
        long emptied = _counters.ReadTotal(StoreCounter.Emptied);
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
        Budget.Release(_ownerBytes + _snapshotReserve);
        _codecs.Free();
        _arena.Dispose();
    }
}
