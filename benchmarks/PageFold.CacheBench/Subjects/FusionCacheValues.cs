using Microsoft.Extensions.Caching.Memory;
using ZiggyCreatures.Caching.Fusion;

namespace PageFold.CacheBench.Subjects;

/// <summary>FusionCache over a MemoryCache, with arrays as values.</summary>
internal sealed class FusionCacheValues : IValueCache
{
    private readonly MemoryCache _memory;
    private readonly FusionCache _fusion;
    private readonly FusionCacheEntryOptions _entry = FusionCacheSubject.Entry(1);

    public FusionCacheValues(ValueLimits limits)
    {
        _memory = new MemoryCache(new MemoryCacheOptions { SizeLimit = limits.Entries });
        _fusion = new FusionCache(FusionCacheSubject.Settings(), _memory);
    }

    public bool KeepsArrays => true;

    public long Count => _memory.Count;

    public int Get(string key, ReadOnlySpan<byte> utf8, Span<byte> destination) =>
        _fusion.TryGet<byte[]>(key, _entry) is { HasValue: true, Value: { } value } ? value.Length : -1;

    public void Set(string key, ReadOnlySpan<byte> utf8, byte[] value) => _fusion.Set(key, value, _entry);

    public void Dispose()
    {
        _fusion.Dispose();
        _memory.Dispose();
    }
}
