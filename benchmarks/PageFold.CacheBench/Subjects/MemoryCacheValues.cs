using Microsoft.Extensions.Caching.Memory;

namespace PageFold.CacheBench.Subjects;

/// <summary>Microsoft's MemoryCache with arrays as values, as an application uses it: at its limit it refuses and compacts.</summary>
internal sealed class MemoryCacheValues(ValueLimits limits) : IValueCache
{
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = limits.Entries });
    private readonly MemoryCacheEntryOptions _entry = new() { Size = 1 };

    public bool KeepsArrays => true;

    public long Count => _cache.Count;

    public int Get(string key, ReadOnlySpan<byte> utf8, Span<byte> destination) =>
        _cache.TryGetValue(key, out byte[]? value) ? value!.Length : -1;

    public void Set(string key, ReadOnlySpan<byte> utf8, byte[] value) => _cache.Set(key, value, _entry);

    public void Dispose() => _cache.Dispose();
}
