using Microsoft.Extensions.Caching.Memory;

namespace PageFold.CacheBench.Subjects;

/// <summary>A <see cref="MemoryCache"/> with a limit, in which room is made before an entry is stored.</summary>
/// <remarks>
/// By itself a MemoryCache refuses an entry that does not fit, and begins a compaction on another thread (dotnet/runtime issues 42624 and
/// 97962). Between the requests of an application that compaction has time to end; a trace is replayed faster, and most entries would be
/// refused. So the same share, its default <see cref="MemoryCacheOptions.CompactionPercentage"/>, is compacted on the thread that stores.
/// Its clock counts, so that entries are always evicted in the order of their use.
/// </remarks>
internal sealed class LimitedMemoryCache : IDisposable
{
    private readonly MemoryCacheOptions _options;
    private readonly Lock _gate = new();
    private long _held;

    /// <param name="limit">The sum of the entries' sizes, at most.</param>
    public LimitedMemoryCache(long limit)
    {
        _options = new MemoryCacheOptions { SizeLimit = limit, TrackStatistics = true, Clock = new RequestClock() };
        Cache = new MemoryCache(_options);
    }

    public MemoryCache Cache { get; }

    /// <summary>The sum of the entries' sizes.</summary>
    public long Size => Cache.GetCurrentStatistics()!.CurrentEstimatedSize!.Value;

    /// <summary>Makes room for an entry and stores it; an entry larger than the limit is not stored.</summary>
    public void Store<T>(long size, T state, Action<T> store)
    {
        if (size > _options.SizeLimit)
            return;
        lock (_gate)
        {
            while (_held + size > _options.SizeLimit)
            {
                // A share of few entries would be none of them.
                Cache.Compact(Math.Max(_options.CompactionPercentage, 1.5 / Math.Max(1, Cache.Count)));
                _held = Size;
            }
            store(state);
            _held += size;
        }
    }

    public void Dispose() => Cache.Dispose();
}
