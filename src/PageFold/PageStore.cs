using PageFold.Compression;
using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;
using PageFold.Store.Paging;
using PageFold.Store.Recompression;
using PageFold.Store.Snapshots;
using PageFold.Store.Statistics;
using PageFold.Store.Writeback;
using PageFold.Telemetry;

namespace PageFold;

/// <summary>
/// A compressed page store with a hard memory limit, off the GC heap: pages in, pages out, by number.
/// </summary>
/// <remarks>
/// <para>
/// A page of one repeated word takes no object; a page that compression does not help is stored raw; every other page is compressed and
/// packed by the allocator that <see cref="ZsPool"/> uses too.
/// </para>
/// <para>
/// Once a page is accepted, reads return exactly its bytes until it is overwritten or discarded. Each read sees one whole version, whatever
/// other threads write. What is stored is verified on every read.
/// </para>
/// <para>
/// The limit covers all bytes held. At the limit a write is refused, unless the old content's place is large enough for the new.
/// </para>
/// <para>
/// Thread-safe, <see cref="Dispose"/> included. A page is compressed outside all locks; its slot is locked for the moment in which the new
/// content is published. Readers of a page share its slot. Write, read and discard allocate nothing on the GC heap.
/// </para>
/// </remarks>
public sealed partial class PageStore : IDisposable
{
    /// <summary>The highest page number.</summary>
    public const long MaxPage = PageIndex.MaxPage;

    /// <summary>The smallest page, in bytes.</summary>
    public const int MinPageSize = FrameArena.MinFrameSize;

    /// <summary>The largest page, in bytes.</summary>
    public const int MaxPageSize = FrameArena.MaxFrameSize;

    private readonly PageIndex _index;
    private readonly StoreCodecs _codecs;
    private readonly PageWriter _writer;
    private readonly PageReader _reader;
    private readonly PageWriteback? _writeback;
    private readonly CodecRetirer _retirer;
    private readonly Recompressor _recompressor;
    private readonly SnapshotSaver _saver;
    private readonly SnapshotLoader _loader;
    private readonly Lock _ownerChanges = new();
    private readonly long _overwriteReserve;
    private readonly int _incompressibleAbove;
    private long _ownerBytes;

    /// <summary>Makes an empty store.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="IOException">The writeback file cannot be opened, or its space not be reserved.</exception>
    /// <exception cref="UnauthorizedAccessException">The writeback file may not be opened, or is a folder.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    /// <exception cref="PlatformNotSupportedException">
    /// The backing or <see cref="WritebackOptions.Preallocate"/> does not exist here.
    /// </exception>
    public PageStore(PageStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        FrameThrow.IfPageSizeInvalid(options.PageSize, nameof(options.PageSize));
        StoreThrow.IfFrameSmallerThanPage(options.FrameSize ?? options.PageSize, options.PageSize);
        CodecThrow.IfCodecMissing(options.Codec);
        StoreThrow.IfTimeProviderMissing(options.TimeProvider);
        StoreThrow.IfThresholdInvalid(options.IncompressibleAbove, options.PageSize);
        StoreThrow.IfOwnerBytesNegative(options.OwnerBytes);
        StoreThrow.IfSnapshotReserveInvalid(options.SnapshotReserve, MemoryLimits.Resolve(options.MemoryLimit));
        StoreThrow.IfOverwriteReserveInvalid(options.OverwriteReserve, MemoryLimits.Resolve(options.MemoryLimit));
        int incompressibleAbove = Math.Min(options.IncompressibleAbove ?? options.PageSize / 32 * 31, options.PageSize - 1);
        _incompressibleAbove = incompressibleAbove;
        _overwriteReserve = options.OverwriteReserve;
        ZsPoolOptions poolOptions = options.PoolOptions;
        FrameArena arena = poolOptions.MakeArena();
        RundownGate gate = new(FreeEverything);
        CodecTable table = new(arena.Budget);
        CodecStreams streams = new(arena.Budget, table, options.Codec, options.PageSize);
        _index = new PageIndex(arena, gate, poolOptions.SizeClasses, options.PageSize, options.TrackAccess ? options.TimeProvider : null);
        _codecs = new StoreCodecs(_index, table, streams);
        _reader = new PageReader(_index, _codecs);
        _saver = new SnapshotSaver(_index, _codecs, _reader, options.TimeProvider, _overwriteReserve);
        bool prepared = false;
        try
        {
            prepared = TryPrepare(options);
        }
        finally
        {
            if (!prepared)
                gate.Close();
        }
        if (!prepared)
            FrameThrow.LimitTooSmall(arena.MemoryLimit, "page", options.PageSize);
        if (_index.Log is { } log)
            _writeback = new PageWriteback(_index, streams, log, options.Writeback!.DirectReclaim);
        _writer = new PageWriter(_index, _codecs, _writeback, incompressibleAbove, _overwriteReserve);
        _retirer = new CodecRetirer(_index, _codecs, _writeback, incompressibleAbove);
        _recompressor = new Recompressor(_index, _codecs, _retirer, incompressibleAbove);
        _loader = new SnapshotLoader(_index, _codecs, _writer, _writeback, _saver.Reserve);
        StoreInstruments.Add(this, static store => ((PageStore)store).GetStatistics(), options.Name);
    }

    /// <summary>Bytes in a page.</summary>
    public int PageSize => _index.PageSize;

    /// <summary>
    /// The limit of a store whose options name none: half of the container's, or of the machine's memory outside a container.
    /// </summary>
    public static long DefaultMemoryLimit => MemoryLimits.Resolve(configured: null);

    /// <summary>The most memory the store holds, in bytes.</summary>
    public long MemoryLimit => _index.Budget.Limit;

    /// <summary>
    /// True if a write that finds no memory moves pages to the writeback file instead of being refused
    /// (<see cref="WritebackOptions.DirectReclaim"/>).
    /// </summary>
    public bool ReclaimsDirectly => _writeback?.IsDirect == true;

    /// <summary>What the store is made of. For tests.</summary>
    internal PageIndex Index => _index;

    internal PageWriteback? Evictor => _writeback;

    internal PageReader Reader => _reader;

    internal PageWriter Writer => _writer;

    internal StoreCodecs KnownCodecs => _codecs;

    internal SnapshotSaver Saver => _saver;

    /// <summary>Stores a page, in place of what its number held before.</summary>
    /// <param name="page">The page's number, 0 to <see cref="MaxPage"/>.</param>
    /// <param name="data">
    /// The page, exactly <see cref="PageSize"/> bytes. If another thread changes it meanwhile, some mixture is stored.
    /// </param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    /// <returns>How the page is held; <see cref="StoreOutcome.Full"/> if it is not.</returns>
    /// <exception cref="ArgumentException">The number or the length is wrong, or there is no such policy.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>An exception of the codec's own reaches the caller; the store is as it was before.</remarks>
    public StoreOutcome Write(long page, ReadOnlySpan<byte> data, RefusalPolicy refusal = RefusalPolicy.Keep)
    {
        IndexThrow.IfPageOutOfRange(page, nameof(page));
        IndexThrow.IfPageLengthWrong(data.Length, PageSize, nameof(data));
        StoreThrow.IfRefusalPolicyInvalid(refusal);
        return _writer.Write((uint)page, data, refusal);
    }

    /// <summary>Reads a page; false if it was never stored, or was discarded.</summary>
    /// <param name="page">The page's number, 0 to <see cref="MaxPage"/>.</param>
    /// <param name="destination">Receives the page, exactly <see cref="PageSize"/> bytes; untouched after false.</param>
    /// <exception cref="ArgumentException">The number or the length is wrong.</exception>
    /// <exception cref="PageCorruptException">
    /// The stored bytes do not match their checksum; <paramref name="destination"/> holds none of them.
    /// </exception>
    /// <exception cref="WritebackReadException">
    /// The page is in the writeback file and cannot be read from there; <paramref name="destination"/> is untouched.
    /// </exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>An exception of the codec's own reaches the caller; the store is as it was before.</remarks>
    public bool TryRead(long page, Span<byte> destination)
    {
        IndexThrow.IfPageOutOfRange(page, nameof(page));
        IndexThrow.IfPageLengthWrong(destination.Length, PageSize, nameof(destination));
        return _reader.TryRead((uint)page, destination);
    }

    /// <summary>Discards pages; those never stored are passed over.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many pages from there on.</param>
    /// <returns>Pages that were stored and now are not.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within 0 to <see cref="MaxPage"/>.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public long Discard(long first, long count = 1)
    {
        IndexThrow.IfPageOutOfRange(first, nameof(first));
        IndexThrow.IfCountOutOfRange(first, count);
        return _writer.Discard(first, first + count);
    }

    /// <summary>
    /// Moves pages together so that frames go back, then gives all free frames back. Other threads may read and write meanwhile.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public CompactionResult Compact(CancellationToken cancellationToken = default) => _index.Compact(cancellationToken);

    /// <summary>
    /// Takes the memory of the limit from the system now and keeps it until the end, so that a write needs no memory from the system.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A sixteenth of what is free is left for what grows beside frames: buffers, codec contexts, the words of same-filled pages. A store
    /// behind a swap device must not wait for a system that is short of memory; it calls this, and locks the process's memory too
    /// (mlockall), or the system may swap it out.
    /// </para>
    /// <para>
    /// What is resident stays within the limit: where that sixteenth is used up, what needs more of it is refused as at the limit. So add
    /// codecs before. Only tables, without which a page would be refused, and trainings get memory of frames that nothing uses, which is
    /// kept no longer then. A second call does nothing. <see cref="PageStoreStatistics.TotalBytes"/> counts what is in use, <see
    /// cref="PageStoreStatistics.PrefaultedBytes"/> what is kept.
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
        using RundownGate.Entry entry = _index.Enter();
        _index.Arena.Prefault(cancellationToken);
    }

    /// <summary>Lets the high-water mark begin anew from what is held now.</summary>
    public void ResetPeak() => _index.Budget.ResetPeak();

    /// <summary>
    /// Changes the bytes of the limit that the owner holds beside the store, <see cref="PageStoreOptions.OwnerBytes"/> at the beginning;
    /// false, and no change, if so many are not free.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool TrySetOwnerBytes(long bytes)
    {
        StoreThrow.IfOwnerBytesNegative(bytes);
        using RundownGate.Entry entry = _index.Enter();
        lock (_ownerChanges)
        {
            if (bytes > _ownerBytes && !_index.Budget.TryCharge(bytes - _ownerBytes))
                return false;
            if (bytes < _ownerBytes)
                _index.Budget.Release(_ownerBytes - bytes);
            _ownerBytes = bytes;
            return true;
        }
    }

    /// <summary>What the store holds now: figures as they were at one moment, so that they add up while other threads work.</summary>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public PageStoreStatistics GetStatistics() => new StatisticsReader(_index, _codecs.Table, _overwriteReserve).Read();

    /// <summary>Closes the store: every further call throws, and the memory goes when the last operation has ended.</summary>
    public void Dispose()
    {
        StoreInstruments.Remove(this);
        _index.Heap.Close();
    }

    /// <summary>Takes what every store needs and sees that a first page would fit; false when there is no memory for that.</summary>
    private bool TryPrepare(PageStoreOptions options)
    {
        MemoryBudget budget = _index.Budget;
        if (options.OwnerBytes > MemoryLimit)
            StoreThrow.OwnerBytesAboveLimit(options.OwnerBytes, MemoryLimit);
        if (!budget.TryCharge(options.OwnerBytes))
            return false;
        _ownerBytes = options.OwnerBytes;
        if (!_saver.TryKeepReserve(options.SnapshotReserve) || !_codecs.TryPrepare(options.Codec))
            return false;
        if (options.Writeback is { } writeback && !_index.TryOpenLog(writeback, options.TimeProvider))
            return false;
        // Last, so that a page has what the rest leaves.
        return _index.TryPrepare();
    }

    private void FreeEverything()
    {
        _index.Dispose();
        _codecs.Streams.Free();
        _index.Budget.Release(_ownerBytes);
        _saver.Free();
        _codecs.Table.Free();
        _index.Arena.Dispose();
    }
}
