using BitFaster.Caching;
using BitFaster.Caching.Lfu;
using BitFaster.Caching.Lru;
using BitFaster.Caching.Scheduler;

namespace PageFold.CacheBench.Subjects;

/// <summary>The caches of BitFaster.Caching.</summary>
/// <remarks>
/// The LFU has the scheduler that works on the calling thread: what it evicts does not depend on when another thread runs, and its work is
/// in the time that is measured.
/// </remarks>
internal static class BitFasterCaches
{
    /// <summary>The fewest entries of a cache.</summary>
    public const int LeastEntries = 3;

    public static ICache<TKey, TValue> Lru<TKey, TValue>(int entries)
        where TKey : notnull =>
        new ConcurrentLru<TKey, TValue>(Environment.ProcessorCount, entries, EqualityComparer<TKey>.Default);

    public static ICache<TKey, TValue> Lfu<TKey, TValue>(int entries)
        where TKey : notnull =>
        new ConcurrentLfu<TKey, TValue>(
            Environment.ProcessorCount, entries, new ForegroundScheduler(), EqualityComparer<TKey>.Default);
}
