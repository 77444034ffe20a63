using System.Diagnostics;
using PageFold.Caching;

namespace PageFold.CacheBench.Subjects;

/// <summary>PageFold's cache of real values, read into a span.</summary>
internal sealed class PageFoldValues(ValueLimits limits) : IValueCache
{
    private const int FewestToTrain = 10_000;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_training = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly CompressedCache _cache = new(new CompressedCacheOptions
    {
        MemoryLimit = limits.MemoryBytes,
        MaxEntries = limits.Entries,
    });

    public bool KeepsArrays => false;

    public long Count => _cache.Count;

    public long? MetadataBytes => _cache.GetStatistics().MetadataBytes;

    public int? Dictionaries => _cache.GetStatistics().DictionaryVersion;

    public int Get(string key, ReadOnlySpan<byte> utf8, Span<byte> destination) =>
        _cache.TryGet(utf8, destination, out int length) == CacheGetOutcome.Hit ? length : -1;

    public void Set(string key, ReadOnlySpan<byte> utf8, byte[] value) => _cache.Set(utf8, value);

    /// <summary>
    /// Waits until the dictionary is trained and no entry is compressed again any more: until the bytes held stay as they are.
    /// </summary>
    public void Settle(CancellationToken cancellation)
    {
        // With fewer there are too few samples to train with.
        if (Count < FewestToTrain)
            return;
        long began = Stopwatch.GetTimestamp();
        long changed = began;
        CompressedCacheStatistics last = _cache.GetStatistics();
        while (Stopwatch.GetElapsedTime(changed) < (last.DictionaryVersion == 0 ? s_training : s_quiet)
            && Stopwatch.GetElapsedTime(began) < s_patience)
        {
            cancellation.WaitHandle.WaitOne(s_look);
            cancellation.ThrowIfCancellationRequested();
            CompressedCacheStatistics now = _cache.GetStatistics();
            if ((now.StoredBytes, now.DictionaryVersion) != (last.StoredBytes, last.DictionaryVersion))
                changed = Stopwatch.GetTimestamp();
            last = now;
        }
    }

    public void Clear() => _cache.Clear();

    public void Dispose() => _cache.Dispose();
}
