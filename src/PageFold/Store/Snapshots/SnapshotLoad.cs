using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using PageFold.Compression;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// A snapshot on its way into an empty store. Several threads take one chunk after the other, check its records and store them; the first
/// error ends them all.
/// </summary>
/// <remarks>
/// A page that is in the snapshot twice is found by the thread that stores the second, or, where two threads store both at once, in the
/// end: then there are fewer pages than records.
/// </remarks>
internal sealed class SnapshotLoad(SnapshotLoader loader, SnapshotReader reader, bool restoreCodecs, IProgress<double>? progress,
    CancellationToken cancellationToken) : IDisposable
{
    // Checking a page costs as much as storing it; beyond a few threads the file and the size classes set the pace.
    private const int MaxThreads = 4;

    // Where memory is short the pages have it.
    private const long MinRoomForHelper = 16 << 20;

    // Small enough to leave most of memory to pages, large enough to be rare.
    private const long WrittenBackAtOnce = 4 << 20;

    private const int NotHeld = -1;

    private readonly Lock _lock = new();
    private readonly PageCodec?[] _codecs = new PageCodec?[PageWord.MaxCodecs];
    private readonly int[] _numbers = [NotHeld, NotHeld, NotHeld, NotHeld];
    private WritebackResult? _lastWriteback;
    private long _charged;
    private long _pages;
    private long _storedBytes;
    private bool _atEnd;
    private volatile ExceptionDispatchInfo? _failure;

    public long Pages => Volatile.Read(ref _pages);

    /// <summary>Stores everything, or throws what went wrong first; some pages are stored then.</summary>
    public void Run()
    {
        using SnapshotLoadBuffers own = TryMakeBuffers() ?? throw SnapshotThrow.NoMemoryToLoad(loader.Index.Budget.Limit);
        int threads = (int)Math.Min(Math.Min(MaxThreads, Environment.ProcessorCount), Math.Max(1, reader.Totals.Chunks));
        Task[] helpers = [.. Enumerable.Range(1, threads - 1).Select(_ =>
            Task.Factory.StartNew(Help, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        StoreChunks(own, isHelper: false);
        Task.WaitAll(helpers, CancellationToken.None);
        _failure?.Throw();
        if (_pages != reader.Totals.Pages || _storedBytes != reader.Totals.StoredBytes)
        {
            reader.Damaged(0, $"it holds {_pages} pages of {_storedBytes} bytes, and its end mark says {reader.Totals.Pages} of "
                + $"{reader.Totals.StoredBytes}");
        }
        if (loader.Pages != _pages)
            reader.Damaged(0, "a page is there twice");
    }

    public void Dispose()
    {
        for (int number = 0; number < _numbers.Length; number++)
        {
            if (_numbers[number] != NotHeld)
                loader.Codecs.EndHold(_numbers[number]);
        }
        loader.Index.Budget.Release(_charged);
    }

    /// <summary>Lends a hand, if there is memory for the buffers.</summary>
    private void Help()
    {
        using SnapshotLoadBuffers? buffers = loader.Index.Budget.Available > MinRoomForHelper ? TryMakeBuffers() : null;
        if (buffers is not null)
            StoreChunks(buffers, isHelper: true);
    }

    private SnapshotLoadBuffers? TryMakeBuffers() => SnapshotLoadBuffers.TryMake(loader.Index.Budget, loader.Index.PageSize);

    /// <summary>
    /// Takes chunks until there are no more, or, as a helper, until memory becomes short. An error is kept, and ends the other threads too.
    /// </summary>
    private void StoreChunks(SnapshotLoadBuffers buffers, bool isHelper)
    {
        try
        {
            while (_failure is null && (!isHelper || loader.Index.Budget.Available > MinRoomForHelper)
                && TryRead(buffers, out SnapshotChunk chunk))
                Store(buffers, chunk);
        }
        catch (Exception cause) when (Fail(cause))
        {
            // Thrown when all have ended.
        }
    }

    private bool Fail(Exception cause)
    {
        lock (_lock)
            _failure ??= ExceptionDispatchInfo.Capture(cause);
        return true;
    }

    private bool TryRead(SnapshotLoadBuffers buffers, out SnapshotChunk chunk)
    {
        chunk = default;
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_atEnd || _failure is not null)
                return false;
            _atEnd = !reader.TryReadChunk(buffers.Chunk, out chunk);
            if (reader.Totals.Pages != 0)
                progress?.Report(Math.Min(1, (double)_pages / reader.Totals.Pages));
            return !_atEnd;
        }
    }

    private void Store(SnapshotLoadBuffers buffers, SnapshotChunk chunk)
    {
        ReadOnlySpan<byte> payload = buffers.Chunk.Slice(SnapshotFormat.ChunkHeaderBytes, chunk.Length);
        int records = 0;
        long storedBytes = 0;
        for (int position = 0; position < payload.Length; records++)
        {
            int start = position;
            if (!SnapshotFormat.TryReadRecord(payload, ref position, loader.Index.PageSize, out uint page, out StoredPage form,
                out ReadOnlySpan<byte> bytes, out string? problem))
                reader.Damaged(chunk.Offset + start, problem!);
            if (!PageWord.IsEmpty(loader.Index.Look(page)))
                reader.Damaged(chunk.Offset + start, $"page {page} is there twice");
            StoreOutcome? outcome = Store(buffers, page, form, bytes);
            while (outcome == StoreOutcome.Full && TryWriteBack())
                outcome = Store(buffers, page, form, bytes);
            if (outcome is null)
                reader.Damaged(chunk.Offset + start, $"page {page} cannot be decompressed");
            if (outcome == StoreOutcome.Full)
                SnapshotThrow.SnapshotDoesNotFit(Pages + records, reader.Totals.Pages, loader.Index.Budget.Limit, _lastWriteback);
            storedBytes += form.Size;
        }
        if (records != chunk.Records)
            reader.Damaged(chunk.Offset, $"a chunk has {records} records and says {chunk.Records}");
        Interlocked.Add(ref _pages, records);
        Interlocked.Add(ref _storedBytes, storedBytes);
    }

    private StoreOutcome? Store(SnapshotLoadBuffers buffers, uint page, in StoredPage form, ReadOnlySpan<byte> bytes) =>
        form.Kind == StoredKind.Compressed ? StoreCompressed(buffers, page, form, bytes) : loader.Writer.Restore(page, form, bytes);

    /// <summary>Makes room by moving some of what is there to the writeback file; false if nothing more moves.</summary>
    private bool TryWriteBack()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (loader.Reclaim is null)
            return false;
        WritebackResult result = loader.Reclaim.WriteBackOnwards(WrittenBackAtOnce, cancellationToken);
        // A writeback that is cancelled says so in its result; that is no lack of room.
        cancellationToken.ThrowIfCancellationRequested();
        Volatile.Write(ref _lastWriteback, result);
        return result.Pages > 0;
    }

    /// <summary>Stores a page that is seen to be one; null if it is not.</summary>
    private StoreOutcome? StoreCompressed(SnapshotLoadBuffers buffers, uint page, in StoredPage form, ReadOnlySpan<byte> bytes)
    {
        if (reader.Header.Codecs[form.Codec] is not { } entry)
            return null;
        PageCodecContext context = buffers.Context(form.Codec) ?? MakeContext(buffers, form.Codec, entry);
        if (!context.TryDecompress(bytes, buffers.Page))
            return null;
        int number = Volatile.Read(ref _numbers[form.Codec]);
        return number == NotHeld
            ? loader.Writer.Restore(page, buffers.Page)
            : loader.Writer.Restore(page, form with { Codec = number }, bytes);
    }

    private PageCodecContext MakeContext(SnapshotLoadBuffers buffers, int number, SnapshotCodecEntry entry)
    {
        while (true)
        {
            MemoryLimitException? refused = null;
            long needed = 0;
            try
            {
                lock (_lock)
                    _codecs[number] ??= Find(number, entry);
                if (buffers.TryMakeContext(number, _codecs[number]!, out needed) is { } context)
                    return context;
            }
            catch (MemoryLimitException e)
            {
                refused = e;
            }
            // A codec may be met when the pages before have filled memory.
            if (!TryWriteBack())
                throw refused ?? SnapshotThrow.NoMemoryForContext(entry.Name, entry.TrainedBytes, needed, loader.Index.Budget.Limit);
            loader.Index.Compact(CancellationToken.None);
        }
    }

    /// <summary>
    /// The codec of the snapshot's number: one that the store has, or else its own, which the store takes over or which serves for reading
    /// alone.
    /// </summary>
    /// <remarks>Charged before it is read and before it is made: what a file says costs nothing beyond the limit.</remarks>
    private PageCodec Find(int number, SnapshotCodecEntry entry)
    {
        if (!CodecDescription.IsPossible(entry.Name, entry.Level, entry.DictionaryBytes, entry.IsOfLibrary))
            Refuse(entry);
        long charged = 0;
        try
        {
            Charge(ref charged, entry.DictionaryBytes, entry);
            byte[] dictionary = ZstdCodec.AllocateDictionary(entry.DictionaryBytes);
            reader.ReadDictionary(entry, dictionary);
            PageCodec? known = loader.Codecs.Find(new CodecDescription(entry.Name, entry.Level, dictionary, entry.IsOfLibrary));
            PageCodec codec = known ?? Make(entry, dictionary, ref charged);
            // Held, or else its number might be given away before there are pages with it.
            int held = known is not null || restoreCodecs ? loader.Codecs.TryHold(codec, ref charged) : NotHeld;
            Volatile.Write(ref _numbers[number], held);
            if (held == NotHeld)
                (_charged, charged) = (_charged + charged, 0);
            return codec;
        }
        finally
        {
            loader.Index.Budget.Release(charged);
        }
    }

    private PageCodec Make(SnapshotCodecEntry entry, byte[] dictionary, ref long charged)
    {
        Charge(ref charged, CodecDescription.MaxSharedBytes(entry.Name, entry.Level, entry.DictionaryBytes), entry);
        PageCodec? codec = CodecDescription.TryMake(entry.Name, entry.Level, dictionary, entry.IsOfLibrary);
        if (codec is null)
            Refuse(entry);
        Charge(ref charged, codec.SharedBytes, entry);
        return codec;
    }

    private void Charge(ref long charged, long bytes, SnapshotCodecEntry entry)
    {
        if (!loader.Index.Budget.TryAdjust(ref charged, bytes))
            throw SnapshotThrow.NoMemoryForContext(entry.Name, entry.TrainedBytes, bytes, loader.Index.Budget.Limit);
    }

    [DoesNotReturn]
    private void Refuse(SnapshotCodecEntry entry) =>
        reader.Damaged(0, $"there is no codec {entry.Name} of level {entry.Level} with a dictionary of {entry.DictionaryBytes} bytes");
}
