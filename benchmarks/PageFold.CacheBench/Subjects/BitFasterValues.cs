using BitFaster.Caching;

namespace PageFold.CacheBench.Subjects;

/// <summary>A cache of BitFaster with arrays as values.</summary>
internal sealed class BitFasterValues(ICache<string, byte[]> cache) : IValueCache
{
    public bool KeepsArrays => true;

    public long Count => cache.Count;

    public int Get(string key, ReadOnlySpan<byte> utf8, Span<byte> destination) =>
        cache.TryGet(key, out byte[]? value) ? value.Length : -1;

    public void Set(string key, ReadOnlySpan<byte> utf8, byte[] value) => cache.AddOrUpdate(key, value);

    public void Dispose() => cache.Clear();
}
