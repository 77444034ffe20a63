using PageFold.Caching;

namespace PageFold.CacheBench.Subjects;

/// <summary>PageFold's cache of real values, read into a span.</summary>
internal sealed class PageFoldValues(ValueLimits limits) : IValueCache
{
    private readonly CompressedCache _cache = new(new CompressedCacheOptions
    {
        MemoryLimit = limits.MemoryBytes,
        MaxEntries = limits.Entries,
    });

    public bool KeepsArrays => false;

    public long Count => _cache.Count;

    public int Get(string key, ReadOnlySpan<byte> utf8, Span<byte> destination) =>
        _cache.TryGet(utf8, destination, out int length) == CacheGetOutcome.Hit ? length : -1;

    public void Set(string key, ReadOnlySpan<byte> utf8, byte[] value) => _cache.Set(utf8, value);

    public void Dispose() => _cache.Dispose();
}
