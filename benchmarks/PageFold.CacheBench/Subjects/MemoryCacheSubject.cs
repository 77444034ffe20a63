using Microsoft.Extensions.Caching.Memory;

namespace PageFold.CacheBench.Subjects;

/// <summary>Microsoft's MemoryCache with a limit of entries, or of bytes by their sizes.</summary>
internal sealed class MemoryCacheSubject(TraceLimits limits) : ICacheSubject
{
    private static readonly object s_value = new();

    private readonly LimitedMemoryCache _limited = new(limits.Bytes ?? limits.Entries);

    public Holdings Held => new(_limited.Cache.Count, _limited.Size);

    public bool TryGet(ulong key, int size) => _limited.Cache.TryGetValue((object)key, out object? _);

    public void Set(ulong key, int size)
    {
        long counted = limits.Bytes is null ? 1 : size;
        _limited.Store(counted, (_limited.Cache, key, counted), static entry =>
        {
            using ICacheEntry stored = entry.Cache.CreateEntry(entry.key);
            stored.Value = s_value;
            stored.Size = entry.counted;
        });
    }

    public void Dispose() => _limited.Dispose();
}
