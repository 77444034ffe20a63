using System.Runtime.ExceptionServices;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// A snapshot on its way into an empty store. Several threads take one chunk after the other, check its records and store them; the first
/// error ends them all. Where memory becomes short, one thread goes on with next to no memory of its own.
/// </summary>
/// <remarks>
/// <para>
/// What a store held can be loaded into another one of the same options, a full one too. So the pages may have all memory but what every
/// store has: the buffer is small and comes from the part of the limit that is set aside for snapshots, codec streams beside the first are
/// freed, and the store is compacted before a page is refused. If it is refused nevertheless, all begins again in the order that takes
/// least at any moment: the codecs, the words of same-filled pages, and then the pages.
/// </para>
/// <para>
/// A page that is in the snapshot twice is found by the thread that stores the second, or, where two threads store both at once, in the
/// end: then there are fewer pages than records.
/// </para>
/// </remarks>
internal sealed class SnapshotLoad : IDisposable
{
    // Checking a page costs as much as storing it; beyond a few threads the file and the size classes set the pace.
    private const int MaxThreads = 4;

    // Where less is free, the pages have it.
    private const long Plenty = 16 << 20;

    // Small enough to leave most of memory to pages, large enough to be rare.
    private const long WrittenBackAtOnce = 4 << 20;

    // A compaction that frees less is the last one.
    private const long WorthCompacting = 64 << 10;

    private readonly Lock _lock = new();
    private readonly SnapshotLoader _loader;
    private readonly SnapshotReader _reader;
    private readonly IProgress<double>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly SnapshotLoadCodecs _codecs;
    private readonly Func<bool> _tryMakeRoom;
    private WritebackResult? _lastWriteback;
    private Pick _pick;
    private SnapshotNeeds? _needs;
    private long _sufficient;
    private long _pages;
    private long _storedBytes;
    private double _reported;
    private long? _fitting;
    private bool _isCompact;
    private bool _atEnd;
    private volatile ExceptionDispatchInfo? _failure;

    public SnapshotLoad(SnapshotLoader loader, SnapshotReader reader, bool restoreCodecs, IProgress<double>? progress,
        CancellationToken cancellationToken)
    {
        _loader = loader;
        _reader = reader;
        _progress = progress;
        _cancellation = cancellationToken;
        _codecs = new SnapshotLoadCodecs(loader, reader, restoreCodecs);
        _tryMakeRoom = TryMakeRoom;
    }

    /// <summary>The records that a pass over the snapshot stores.</summary>
    private enum Pick
    {
        All,
        None,
        Words,
        Pages,
    }

    private PageIndex Index => _loader.Index;

    /// <summary>Stores everything, or throws what went wrong first; some pages are stored then.</summary>
    public void Run()
    {
        using SnapshotLoadBuffers own = _loader.TryMakeSmallBuffers()
            ?? throw SnapshotThrow.NoMemoryToLoad(Index.PageSize, Index.Budget.Limit);
        try
        {
            StoreTogether();
            Finish(own, Pick.All);
        }
        catch (MemoryLimitException)
        {
            if (!TryAgain(own))
                throw;
        }
        if (_pages != _reader.Totals.Pages || _storedBytes != _reader.Totals.StoredBytes)
        {
            _reader.Damaged(0, $"it holds {_pages} pages of {_storedBytes} bytes, and its end mark says {_reader.Totals.Pages} of "
                + $"{_reader.Totals.StoredBytes}");
        }
        if (_loader.Pages != _pages)
            _reader.Damaged(0, "a page is there twice");
    }

    public void Dispose() => _codecs.Dispose();

    /// <summary>Stores chunks as long as memory is plenty; with the caller's thread as one of several.</summary>
    private void StoreTogether()
    {
        int threads = (int)Math.Min(Math.Min(MaxThreads, Environment.ProcessorCount), Math.Max(1, _reader.Totals.Chunks));
        Task[] helpers = [.. Enumerable.Range(1, threads - 1).Select(_ =>
            Task.Factory.StartNew(Help, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Help();
        Task.WaitAll(helpers, CancellationToken.None);
        _failure?.Throw();
    }

    /// <summary>Stores chunks as long as memory is plenty. An error is kept, and ends the other threads too.</summary>
    private void Help()
    {
        try
        {
            if (Index.Budget.Available <= Plenty)
                return;
            using SnapshotLoadBuffers? buffers = _loader.TryMakeLargeBuffers();
            while (buffers is not null && _failure is null && Index.Budget.Available > Plenty
                && TryReadChunk(buffers, out SnapshotChunk chunk))
                Store(buffers, chunk);
        }
        catch (Exception cause) when (Fail(cause))
        {
            // Thrown when all have ended.
        }
    }

    /// <summary>Stores what is left of the file, by this thread alone.</summary>
    private void Finish(SnapshotLoadBuffers buffers, Pick pick)
    {
        _pick = pick;
        if (!_atEnd)
            _loader.Codecs.Streams.Trim();
        while (TryReadChunk(buffers, out SnapshotChunk chunk))
            Store(buffers, chunk);
    }

    /// <summary>
    /// Loads the snapshot once more, from an empty store and in the order that takes least; false if the first error says what there is to
    /// say.
    /// </summary>
    private bool TryAgain(SnapshotLoadBuffers buffers)
    {
        Begin();
        _needs = new SnapshotNeeds(Index);
        Finish(buffers, Pick.None);
        // What is compressed anew may take any room.
        bool isCounted = _codecs.AreTakenOver(_needs.Codecs);
        _sufficient = isCounted ? _needs.Sufficient(_reader.Header, _codecs.IsKnown) : 0;
        bool isLarger = isCounted && _needs.Least > Index.Budget.Limit;
        // A store with a writeback file had all the room there is, and one attempt's wear of the device is enough.
        if (_fitting is { } pages && (isLarger || _loader.Reclaim is not null))
            throw Refusal(pages);
        if (_loader.Reclaim is not null)
            return false;
        foreach (int codec in _needs.Codecs)
            _ = _codecs.TryPrepare(buffers, codec, _tryMakeRoom, _sufficient);
        Begin();
        Finish(buffers, Pick.Words);
        Rewind();
        Finish(buffers, Pick.Pages);
        return true;
    }

    private void Begin()
    {
        _loader.Empty();
        Rewind();
        _pages = _storedBytes = 0;
        _failure = null;
        _isCompact = false;
    }

    private void Rewind()
    {
        _reader.Rewind();
        _atEnd = false;
    }

    private bool Fail(Exception cause)
    {
        lock (_lock)
            _failure ??= ExceptionDispatchInfo.Capture(cause);
        return true;
    }

    private bool TryReadChunk(SnapshotLoadBuffers buffers, out SnapshotChunk chunk)
    {
        chunk = default;
        _cancellation.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_atEnd || _failure is not null)
                return false;
            _atEnd = !buffers.TryReadChunk(_reader, out chunk);
            Report();
            return !_atEnd;
        }
    }

    private void Report()
    {
        if (_reader.Totals.Pages == 0)
            return;
        // A second attempt begins again, and progress does not.
        _reported = Math.Max(_reported, Math.Min(1, (double)_pages / _reader.Totals.Pages));
        _progress?.Report(_reported);
    }

    private void Store(SnapshotLoadBuffers buffers, SnapshotChunk chunk)
    {
        int records = 0;
        int pages = 0;
        long storedBytes = 0;
        for (; buffers.HasMore(_reader); records++)
        {
            long offset = buffers.Offset;
            if (!buffers.TryReadRecord(out uint page, out StoredPage form, out ReadOnlySpan<byte> bytes, out string? problem))
                _reader.Damaged(offset, problem!);
            if (!IsPicked(page, form))
                continue;
            if (!PageWord.IsEmpty(Index.Look(page)))
                _reader.Damaged(offset, $"page {page} is there twice");
            StoreOutcome? outcome = Store(buffers, page, form, bytes);
            while (outcome == StoreOutcome.Full && TryMakeRoom())
                outcome = Store(buffers, page, form, bytes);
            if (outcome is null)
                _reader.Damaged(offset, $"page {page} cannot be decompressed");
            if (outcome == StoreOutcome.Full)
                throw Refusal(Volatile.Read(ref _pages) + pages);
            pages++;
            storedBytes += form.Size;
        }
        if (records != chunk.Records)
            _reader.Damaged(chunk.Offset, $"a chunk has {records} records and says {chunk.Records}");
        Interlocked.Add(ref _pages, pages);
        Interlocked.Add(ref _storedBytes, storedBytes);
    }

    private bool IsPicked(uint page, in StoredPage form)
    {
        if (_pick == Pick.None)
            _needs!.Add(page, form);
        return _pick == Pick.All || _pick != Pick.None && _pick == Pick.Words == (form.Kind == StoredKind.SameFilled);
    }

    /// <summary>Stores a page that is seen to be one; null if it is not.</summary>
    private StoreOutcome? Store(SnapshotLoadBuffers buffers, uint page, in StoredPage form, ReadOnlySpan<byte> bytes)
    {
        if (form.Kind != StoredKind.Compressed)
            return _loader.Writer.Restore(page, form, bytes);
        if (!_codecs.TryPrepare(buffers, form.Codec, _tryMakeRoom, _sufficient)
            || !_codecs.TryDecompress(buffers, form.Codec, bytes, out int? number))
            return null;
        return number is { } own
            ? _loader.Writer.Restore(page, form with { Codec = own }, bytes)
            : _loader.Writer.Restore(page, buffers.Page);
    }

    /// <summary>
    /// Makes room: moves some of what is there to the writeback file, or else compacts. False if nothing comes of it any more.
    /// </summary>
    private bool TryMakeRoom()
    {
        _cancellation.ThrowIfCancellationRequested();
        if (_loader.Reclaim is not null && TryWriteBack(_loader.Reclaim))
            return true;
        if (_isCompact)
            return false;
        long before = Index.FreeBytes;
        _loader.Codecs.Streams.Trim();
        Index.Compact(_cancellation);
        _cancellation.ThrowIfCancellationRequested();
        long freed = Index.FreeBytes - before;
        _isCompact = freed < WorthCompacting;
        return freed > 0;
    }

    private bool TryWriteBack(IReclaim reclaim)
    {
        WritebackResult result = reclaim.WriteBackOnwards(WrittenBackAtOnce, _cancellation);
        // A writeback that is cancelled says so in its result; that is no lack of room.
        _cancellation.ThrowIfCancellationRequested();
        Volatile.Write(ref _lastWriteback, result);
        return result.Pages > 0;
    }

    private MemoryLimitException Refusal(long pages)
    {
        _fitting = pages;
        return SnapshotThrow.SnapshotDoesNotFit(pages, _reader.Totals.Pages, Index.Budget.Limit, _sufficient, _lastWriteback);
    }
}
