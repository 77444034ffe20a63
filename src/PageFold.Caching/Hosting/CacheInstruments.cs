using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PageFold.Caching.Hosting;

/// <summary>The instruments of a container's caches: see <see cref="PageFoldCachingMetrics"/>. Thread-safe.</summary>
internal sealed class CacheInstruments : IDisposable
{
    private const string Bytes = "By";

    private static readonly CacheEvictionReason[] Reasons = Enum.GetValues<CacheEvictionReason>();
    private static readonly KeyValuePair<string, object?> Hit = new("dotnet.cache.request.result", "hit");
    private static readonly KeyValuePair<string, object?> Miss = new("dotnet.cache.request.result", "miss");

    // From a microsecond to a second: usual ones begin with what is a long time here.
    private static readonly InstrumentAdvice<double> DurationBuckets =
        new() { HistogramBucketBoundaries = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1] };

    private readonly Lock _lock = new();
    private readonly Meter _meter;
    private readonly Meter? _owned;
    private readonly Histogram<double> _duration;
    private MeasuredCache[] _caches = [];

    /// <param name="factory">Makes the meter; null to have a meter that only listeners of the whole process see.</param>
    public CacheInstruments(IMeterFactory? factory)
    {
        // A factory owns its meters.
        _meter = factory?.Create(PageFoldCachingMetrics.MeterName) ?? (_owned = new Meter(PageFoldCachingMetrics.MeterName));
        _meter.CreateObservableCounter("dotnet.cache.requests", Requests, "{request}", "Look-ups, by their result.");
        _meter.CreateObservableCounter("dotnet.cache.evictions", Evictions, "{eviction}", "Entries gone, by the reason.");
        Gauge("dotnet.cache.entries", "{entry}", "Entries held.", cache => cache.Entries);
        Gauge("dotnet.cache.size", Bytes, "All bytes held: entries, index, eviction, dictionaries, buffers.", cache => cache.UsedBytes);
        Gauge("pagefold.cache.limit", Bytes, "The most bytes that may be held.", cache => cache.MemoryLimit);
        Gauge("pagefold.cache.original", Bytes, "Bytes of keys and values as they were set.", cache => cache.OriginalBytes);
        Gauge("pagefold.cache.stored", Bytes, "Bytes of the same keys and values as they are stored.", cache => cache.StoredBytes);
        Gauge("pagefold.cache.metadata", Bytes, "Bytes of the index, eviction and expiry.", cache => cache.MetadataBytes);
        Counter("pagefold.cache.sets", "{value}", "Values stored.", cache => cache.Sets);
        Counter("pagefold.cache.refused", "{value}", "Values not stored.", cache => cache.Refused);
        _meter.CreateObservableGauge(
            "pagefold.cache.compression_ratio",
            () => Measure(cache => cache.CompressionRatio),
            "1",
            "Original bytes divided by stored bytes.");
        _meter.CreateObservableGauge(
            "pagefold.cache.dictionary_version",
            () => Measure(cache => cache.DictionaryVersion),
            "1",
            "The number of the dictionary in use.");
        _duration = _meter.CreateHistogram(
            "pagefold.cache.duration", "s", "Time of a call of the distributed cache.", tags: null, DurationBuckets);
    }

    /// <summary>The time at which an operation begins; 0 if its duration is not listened to.</summary>
    public static long Begin(CacheInstruments? instruments) =>
        instruments is { _duration.Enabled: true } ? Stopwatch.GetTimestamp() : 0;

    public static void End(CacheInstruments? instruments, string cache, string operation, long begun)
    {
        if (begun == 0)
            return;
        instruments!._duration.Record(
            Stopwatch.GetElapsedTime(begun).TotalSeconds, MeasuredCache.NameTag(cache), new("pagefold.cache.operation", operation));
    }

    /// <summary>Has the instruments report a cache until it is disposed or forgotten.</summary>
    /// <exception cref="InvalidOperationException">They report another one of its name.</exception>
    public void Add(CompressedCache cache)
    {
        lock (_lock)
        {
            MeasuredCache[] alive = [.. _caches.Where(other => other.IsAlive)];
            if (alive.Any(other => other.Name == cache.Name))
                throw AdapterThrow.NameTaken(cache.Name);
            _caches = [.. alive, new MeasuredCache(cache)];
        }
    }

    public void Dispose() => _owned?.Dispose();

    private void Gauge(string name, string unit, string description, Func<CompressedCacheStatistics, long> figure) =>
        _meter.CreateObservableUpDownCounter(name, () => Measure(figure), unit, description);

    private void Counter(string name, string unit, string description, Func<CompressedCacheStatistics, long> figure) =>
        _meter.CreateObservableCounter(name, () => Measure(figure), unit, description);

    private List<Measurement<T>> Measure<T>(Func<CompressedCacheStatistics, T> figure)
        where T : struct
    {
        List<Measurement<T>> measurements = [];
        foreach (MeasuredCache cache in Volatile.Read(ref _caches))
        {
            if (cache.Read() is { } statistics)
                measurements.Add(new Measurement<T>(figure(statistics), cache.Tag));
        }
        return measurements;
    }

    private List<Measurement<long>> Requests()
    {
        List<Measurement<long>> measurements = [];
        foreach (MeasuredCache cache in Volatile.Read(ref _caches))
        {
            if (cache.Read() is not { } statistics)
                continue;
            measurements.Add(new Measurement<long>(statistics.Hits, cache.Tag, Hit));
            measurements.Add(new Measurement<long>(statistics.Misses, cache.Tag, Miss));
        }
        return measurements;
    }

    private List<Measurement<long>> Evictions()
    {
        List<Measurement<long>> measurements = [];
        foreach (MeasuredCache cache in Volatile.Read(ref _caches))
        {
            if (cache.Read() is not { } statistics)
                continue;
            foreach (CacheEvictionReason reason in Reasons)
            {
                measurements.Add(new Measurement<long>(
                    statistics.Evictions.GetValueOrDefault(reason), cache.Tag, new("dotnet.cache.eviction.reason", NameOf(reason))));
            }
        }
        return measurements;
    }

    private static string NameOf(CacheEvictionReason reason) => reason switch
    {
        CacheEvictionReason.Removed => "removed",
        CacheEvictionReason.Replaced => "replaced",
        CacheEvictionReason.Expired => "expired",
        CacheEvictionReason.Capacity => "capacity",
        CacheEvictionReason.Tag => "tag",
        _ => "corrupt",
    };
}
