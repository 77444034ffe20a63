namespace PageFold.Caching.Hosting;

/// <summary>A cache as the instruments see it: by a weak reference, and its statistics once a collection. Thread-safe.</summary>
internal sealed class MeasuredCache(CompressedCache cache)
{
    // All instruments of one collection share what was read for the first of them.
    private const long MillisecondsOfOneCollection = 100;

    private readonly WeakReference<CompressedCache> _cache = new(cache);
    private (CompressedCacheStatistics? Statistics, long At)? _last;

    /// <summary>False if the cache is disposed or was forgotten.</summary>
    public bool IsAlive
    {
        get
        {
            try
            {
                return _cache.TryGetTarget(out CompressedCache? cache) && cache.GetStatistics().Entries >= 0;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }
    }

    public string Name { get; } = cache.Name;

    public KeyValuePair<string, object?> Tag { get; } = NameTag(cache.Name);

    public static KeyValuePair<string, object?> NameTag(string name) => new("cache.name", name);

    /// <summary>The statistics, at most so old as a collection takes; null if the cache is disposed or was forgotten.</summary>
    public CompressedCacheStatistics? Read()
    {
        long now = Environment.TickCount64;
        lock (_cache)
        {
            if (_last is { } last && now - last.At < MillisecondsOfOneCollection)
                return last.Statistics;
            try
            {
                _last = (_cache.TryGetTarget(out CompressedCache? alive) ? alive.GetStatistics() : null, now);
            }
            catch (ObjectDisposedException)
            {
                _last = (null, now);
            }
            return _last.Value.Statistics;
        }
    }
}
