using System.Diagnostics;
using System.IO.Hashing;
using System.Runtime.ExceptionServices;
using PageFold.Cli.Data;
using PageFold.Shared;

namespace PageFold.Cli.Measure;

/// <summary>A measurement: stores real pages, reads them back in random order, compares them, and discards a random half.</summary>
/// <remarks>
/// A 128-bit hash of each stored page is kept for the comparison, so that the data need not fit into memory twice. All memory of the
/// measurement itself is allocated and touched before the store is made, so that the growth of the process is the store's.
/// </remarks>
internal sealed class MeasureRun
{
    private const int Seed = 2026;
    private const int Digits = 2;
    private const int MaxWarmUpPages = 4096;

    // The part of the bytes that tables of the pages' own must save, as on a served disk.
    private const double LeastGain = 0.02;

    private static readonly TimeSpan WarmUpTime = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan BackgroundTime = TimeSpan.FromSeconds(2);

    private readonly MeasureOptions _options;
    private readonly PageSource _source;
    private readonly WorkProgress _progress;
    private readonly CancellationToken _cancellation;
    private readonly UInt128[] _hashes;
    private readonly bool[] _stored;
    private readonly int[] _order;
    private MeasureReport _report;
    private long _different;
    private long _verified;
    private bool _full;

    public MeasureRun(MeasureOptions options, PageSource source, WorkProgress progress, CancellationToken cancellation)
    {
        _options = options;
        _source = source;
        _progress = progress;
        _cancellation = cancellation;
        _hashes = new UInt128[source.Pages];
        _stored = new bool[source.Pages];
        _order = [.. Enumerable.Range(0, source.Pages)];
        // Fill, because allocated memory is not resident until it is touched.
        Array.Fill(_hashes, UInt128.MaxValue);
        Array.Fill(_stored, true);
        Array.Fill(_stored, false);
        _report = NewReport();
    }

    private MeasureReport NewReport() => new()
    {
        Source = _source.Description,
        Codec = _options.Denser is null ? _options.Codec.Algorithm : CodecNames.Auto,
        CodecForWrites = _options.Denser is null ? null : _options.Codec.Name,
        Level = _options.Codec.Level,
        PageSize = _options.PageSize,
        Chain = _options.Chain,
        Threads = _options.Threads,
        PagesChosen = _source.Pages,
        ItemsSkipped = _source.Skipped.Count,
        Skipped = _source.Skipped.Named,
    };

    /// <summary>Runs to the end, or until cancelled, and returns what is known.</summary>
    public MeasureReport Execute()
    {
        // A fixed seed, so that the same data is read in the same order each time.
        new Random(Seed).Shuffle(_order);
        bool measuring = false;
        try
        {
            WarmUp();
            measuring = true;
            long before = ResidentMemory.Measure();
            using PageStore store = MeasureStore.Create(_options);
            StoreAll(store, before);
            LoadAll(store);
            if (_options.Denser is { } denser)
                RecompressAll(store, denser);
            DiscardHalf(store);
        }
        catch (OperationCanceledException)
        {
            // Pages stored for warm-up are no result.
            if (!measuring)
                _report = NewReport();
            _report.Interrupted = true;
            if (_options.Denser is { } denser && _report.Recompressed is null)
                _report.Missing = [.. Missing(denser)];
        }
        return _report;
    }

    /// <summary>
    /// Runs everything that is measured later on a small part of the data, until the code is compiled and its memory touched.
    /// </summary>
    private void WarmUp()
    {
        int extents = _source.Extents.TakeWhile(extent => extent.FirstPage < MaxWarmUpPages).Count();
        Stopwatch time = Stopwatch.StartNew();
        bool first = true;
        while (first || time.Elapsed < WarmUpTime)
        {
            _full = false;
            using PageStore store = MeasureStore.Create(_options);
            StoreResult result = StoreExtents(store, extents);
            PageStoreStatistics statistics = store.GetStatistics();
            if (_full && statistics.Pages == 0)
                throw MeasureStore.TooSmall(_options, statistics.MemoryLimit, cause: null);
            Describe(statistics, result);
            _ = Phase(Verify(store, 0));
            if (_options.Denser is { } denser)
            {
                store.Recompress(new RecompressionOptions { Codec = denser.Codec }, progress: null, _cancellation);
                _ = Phase(Verify(store, 0));
            }
            store.Discard(0, statistics.Pages / 2);
            store.Compact(_cancellation);
            _ = ResidentMemory.Measure();
            _cancellation.ThrowIfCancellationRequested();
            first = false;
        }
        // The runtime compiles hot code again in the background.
        _cancellation.WaitHandle.WaitOne(WarmUpTime);
        _cancellation.ThrowIfCancellationRequested();
        Array.Clear(_stored);
        _full = false;
        _different = 0;
        _verified = 0;
        _report = NewReport();
    }

    private void StoreAll(PageStore store, long residentBefore)
    {
        _progress.Begin("Reading and storing", _source.Pages);
        StoreResult result = StoreExtents(store, _source.Extents.Count);
        PageStoreStatistics statistics = store.GetStatistics();
        _report.ResidentGrowthBytes = ResidentMemory.Measure() - residentBefore;
        Describe(statistics, result);
        _cancellation.ThrowIfCancellationRequested();
        if (statistics.Pages == 0 && !_full)
            throw new UserErrorException($"no page of {_source.Description} could be read any more; check that it is still there.");
    }

    /// <summary>Stores the pages of the first extents, with as many threads as requested; each takes one extent after the other.</summary>
    private StoreResult StoreExtents(PageStore store, int extents)
    {
        int nextExtent = 0;
        long skipped = 0;
        LatencyHistogram latencies = RunWorkers(latency =>
        {
            byte[] buffer = GC.AllocateUninitializedArray<byte>(_source.Extents.Max(extent => extent.Pages) * _options.PageSize);
            while (!_full)
            {
                int number = Interlocked.Increment(ref nextExtent) - 1;
                if (number >= extents || _cancellation.IsCancellationRequested)
                    return;
                Extent extent = _source.Extents[number];
                int read = _source.Read(extent, buffer);
                Interlocked.Add(ref skipped, extent.Pages - read);
                StoreExtent(store, extent, buffer.AsSpan(0, read * _options.PageSize), latency);
                _progress.Add(extent.Pages);
            }
        });
        return new StoreResult(latencies, skipped);
    }

    private void Describe(PageStoreStatistics statistics, StoreResult result)
    {
        _report.Pages = statistics.Pages;
        _report.PaddingBytes = _source.Extents.Where(extent => _stored[extent.FirstPage + extent.Pages - 1]).Sum(_source.PaddingOf);
        _report.HoleBytes = _source.Extents.Where(extent => extent.IsHole)
            .Sum(extent => (long)_stored.AsSpan(extent.FirstPage, extent.Pages).Count(true)) * _options.PageSize;
        _report.OriginalBytes = statistics.OriginalBytes;
        _report.CompressedBytes = statistics.CompressedBytes;
        _report.PoolBytes = statistics.PoolBytes;
        _report.TableBytes = statistics.TableBytes;
        _report.TotalBytes = statistics.TotalBytes;
        _report.PeakBytes = statistics.PeakBytes;
        _report.MemoryLimit = statistics.MemoryLimit;
        _report.SameFilledPages = statistics.SameFilledPages;
        _report.IncompressiblePages = statistics.IncompressiblePages;
        _report.Overhead = Quotient(statistics.TotalBytes, statistics.CompressedBytes);
        _report.Ratio = Quotient(statistics.OriginalBytes, statistics.TotalBytes);
        _report.PagesSkipped = result.PagesSkipped;
        _report.LimitReached = _full;
        _report.Store = Phase(result.Latencies);
        _report.Classes = Classes(statistics);
    }

    private static MeasureClass[] Classes(PageStoreStatistics statistics) => [.. statistics.Classes.Where(c => c.Objects > 0)
        .Select(c => new MeasureClass(c.ObjectSize, c.FramesPerZspage, c.ObjectsPerZspage, c.Objects, c.Frames))];

    private void StoreExtent(PageStore store, Extent extent, ReadOnlySpan<byte> data, LatencyHistogram latency)
    {
        for (int i = 0; i * _options.PageSize < data.Length; i++)
        {
            ReadOnlySpan<byte> page = data.Slice(i * _options.PageSize, _options.PageSize);
            int number = extent.FirstPage + i;
            long begin = Stopwatch.GetTimestamp();
            StoreOutcome outcome = store.Write(number, page);
            latency.Add(Stopwatch.GetTimestamp() - begin);
            if (outcome == StoreOutcome.Full)
            {
                _full = true;
                return;
            }
            _hashes[number] = XxHash128.HashToUInt128(page);
            _stored[number] = true;
        }
    }

    private void LoadAll(PageStore store)
    {
        _progress.Begin("Reading back in random order", _order.Length);
        LatencyHistogram latencies = Verify(store, 0);
        _report.Load = Phase(latencies);
        _report.PagesVerified = _verified;
        _report.PagesDifferent = _different;
        _report.Verified = _different == 0 && _verified == _report.Pages;
        _cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Reads the stored pages from a place in the random order to its end and compares them.</summary>
    private LatencyHistogram Verify(PageStore store, int from)
    {
        const int BatchLength = 256;
        int next = from;
        _verified = 0;
        return RunWorkers(latency =>
        {
            byte[] page = new byte[_options.PageSize];
            while (!_cancellation.IsCancellationRequested)
            {
                int begin = Interlocked.Add(ref next, BatchLength) - BatchLength;
                if (begin >= _order.Length)
                    return;
                int end = Math.Min(begin + BatchLength, _order.Length);
                for (int i = begin; i < end; i++)
                    VerifyPage(store, _order[i], page, latency);
                _progress.Add(end - begin);
            }
        });
    }

    private void VerifyPage(PageStore store, int number, byte[] page, LatencyHistogram latency)
    {
        if (!_stored[number])
            return;
        bool same;
        long begin = Stopwatch.GetTimestamp();
        try
        {
            same = store.TryRead(number, page);
        }
        catch (PageCorruptException)
        {
            same = false;
        }
        latency.Add(Stopwatch.GetTimestamp() - begin);
        if (same && XxHash128.HashToUInt128(page) == _hashes[number])
            Interlocked.Increment(ref _verified);
        else
            Interlocked.Increment(ref _different);
    }

    /// <summary>Compresses all pages again as a server does when they are idle, and reads them back once more.</summary>
    private void RecompressAll(PageStore store, NamedCodec denser)
    {
        Stopwatch training = Stopwatch.StartNew();
        string? untrained = null;
        PageCodec? trained = _options.TrainsTables ? Train(store, out untrained) : null;
        double? trainingSeconds = _options.TrainsTables ? training.Elapsed.TotalSeconds : null;
        ShareProgress share = ShareProgress.Begin(_progress, $"Compressing again with {denser.Name}");
        Stopwatch time = Stopwatch.StartNew();
        RecompressionResult result = store.Recompress(
            new RecompressionOptions { Codec = trained ?? denser.Codec }, share, _cancellation);
        double seconds = time.Elapsed.TotalSeconds;
        _cancellation.ThrowIfCancellationRequested();
        store.Compact(_cancellation);
        _cancellation.ThrowIfCancellationRequested();
        PageStoreStatistics statistics = store.GetStatistics();
        MeasureRecompressed recompressed = new()
        {
            Codec = denser.Name,
            CompressedBytes = statistics.CompressedBytes,
            PoolBytes = statistics.PoolBytes,
            TableBytes = statistics.TableBytes,
            TotalBytes = statistics.TotalBytes,
            Overhead = Quotient(statistics.TotalBytes, statistics.CompressedBytes),
            Ratio = Quotient(statistics.OriginalBytes, statistics.TotalBytes),
            IncompressiblePages = statistics.IncompressiblePages,
            PagesRecompressed = result.Recompressed,
            PagesWithoutGain = result.WithoutGain,
            HasOwnTables = trained is not null,
            TrainingSeconds = trainingSeconds,
            NotTrained = untrained,
            Seconds = seconds,
            MibPerSecond = result.Examined * (double)_options.PageSize / (1 << 20) / seconds,
            Classes = Classes(statistics),
        };
        _report.Recompressed = recompressed;
        _progress.Begin("Reading back in random order", _order.Length);
        recompressed.Load = Phase(Verify(store, 0));
        _report.PagesDifferent = _different;
        _report.Verified &= _different == 0 && _verified == _report.Pages;
        _cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Trains tables on the pages; null, and why, if there are none to use.</summary>
    private PageCodec? Train(PageStore store, out string? untrained)
    {
        ShareProgress progress = ShareProgress.Begin(_progress, "Training tables");
        untrained = null;
        try
        {
            FoldTraining training = store.RunFoldTraining(
                FoldLevel.Dense, leastGain: LeastGain, progress: progress, cancellationToken: _cancellation);
            if (training.Tables is { IsEmpty: false } tables)
                return PageCodec.Fold(FoldLevel.Dense, tables.Span);
            untrained = CodecNames.WhyNotTrained(training, LeastGain);
        }
        catch (MemoryLimitException)
        {
            untrained = "too little memory is left to train in; raise --memory-limit";
        }
        return null;
    }

    /// <summary>What an interrupted measurement of two codecs has no figures of, besides what comes after it.</summary>
    private IEnumerable<string> Missing(NamedCodec denser)
    {
        if (_options.TrainsTables)
            yield return "the training of tables";
        yield return $"the pass with {denser.Name}";
    }

    private void DiscardHalf(PageStore store)
    {
        int half = _order.Length / 2;
        _progress.Begin("Discarding a random half", half);
        for (int i = 0; i < half; i++)
        {
            store.Discard(_order[i]);
            if (i % 1024 == 0)
            {
                _progress.Add(1024);
                _cancellation.ThrowIfCancellationRequested();
            }
        }
        _progress.Begin("Waiting for what comes back by itself", 20);
        for (int i = 0; i < 20; i++)
        {
            _cancellation.WaitHandle.WaitOne(BackgroundTime / 20);
            _cancellation.ThrowIfCancellationRequested();
            _progress.Add(1);
        }
        PageStoreStatistics itself = store.GetStatistics();
        MeasureAfterDiscard after = new()
        {
            Pages = itself.Pages,
            CompressedBytes = itself.CompressedBytes,
            TotalBytes = itself.TotalBytes,
            Overhead = Quotient(itself.TotalBytes, itself.CompressedBytes),
            BytesMoved = itself.BytesMoved,
            BytesFreed = itself.FramesCompacted * _options.PageSize,
        };
        _report.AfterDiscard = after;
        _progress.Begin("Compacting", 1);
        store.Compact(_cancellation);
        _cancellation.ThrowIfCancellationRequested();
        PageStoreStatistics compacted = store.GetStatistics();
        after.CompactedTotalBytes = compacted.TotalBytes;
        after.CompactedOverhead = Quotient(compacted.TotalBytes, compacted.CompressedBytes);
        after.BytesMoved = compacted.BytesMoved;
        after.BytesFreed = compacted.FramesCompacted * _options.PageSize;
        _progress.Begin("Reading the other half back", _order.Length - half);
        Verify(store, half);
        _cancellation.ThrowIfCancellationRequested();
        _report.PagesDifferent = _different;
        _report.Verified &= _different == 0 && _verified == after.Pages;
    }

    private LatencyHistogram RunWorkers(Action<LatencyHistogram> work)
    {
        LatencyHistogram[] histograms = [.. Enumerable.Range(0, _options.Threads).Select(_ => new LatencyHistogram(Digits))];
        Exception? failure = null;
        Thread[] threads = [.. histograms.Select(histogram => new Thread(() =>
        {
            try
            {
                work(histogram);
            }
#pragma warning disable CA1031 // rethrown on the thread that waits
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        LatencyHistogram total = new(Digits);
        foreach (LatencyHistogram histogram in histograms)
            total.Add(histogram);
        return total;
    }

    private MeasurePhase Phase(LatencyHistogram latencies)
    {
        double seconds = (double)latencies.Ticks / Stopwatch.Frequency / _options.Threads;
        double mebibytes = (double)latencies.Count * _options.PageSize / (1 << 20);
        return new MeasurePhase(seconds, seconds > 0 ? mebibytes / seconds : 0, latencies.Percentile(0.50), latencies.Percentile(0.99));
    }

    private sealed record StoreResult(LatencyHistogram Latencies, long PagesSkipped);

    private static double? Quotient(long dividend, long divisor) => divisor == 0 ? null : (double)dividend / divisor;
}
