using System.Globalization;
using ZiggyCreatures.Caching.Fusion;

namespace PageFold.CacheBench.Subjects;

/// <summary>FusionCache over a MemoryCache with the same limit as <see cref="MemoryCacheSubject"/>.</summary>
internal sealed class FusionCacheSubject : ICacheSubject
{
    private static readonly object s_value = new();

    private readonly TraceLimits _limits;
    private readonly LimitedMemoryCache _limited;
    private readonly FusionCache _fusion;

    public FusionCacheSubject(TraceLimits limits)
    {
        _limits = limits;
        _limited = new LimitedMemoryCache(limits.Bytes ?? limits.Entries);
        _fusion = new FusionCache(Settings(), _limited.Cache);
    }

    public Holdings Held => new(_limited.Cache.Count, _limited.Size);

    /// <summary>The options of a cache that uses no tags, which would cost look-ups and entries of their own.</summary>
    public static FusionCacheOptions Settings() => new() { DisableTagging = true };

    /// <summary>The options of an entry that does not expire during a measurement.</summary>
    public static FusionCacheEntryOptions Entry(long size) => new() { Duration = TimeSpan.FromDays(1), Size = size };

    public bool TryGet(ulong key, int size) => _fusion.TryGet<object>(Name(key)).HasValue;

    public void Set(ulong key, int size)
    {
        long counted = _limits.Bytes is null ? 1 : size;
        _limited.Store(counted, (_fusion, key, counted), static entry =>
            entry._fusion.Set(Name(entry.key), s_value, Entry(entry.counted)));
    }

    public void Dispose()
    {
        _fusion.Dispose();
        _limited.Dispose();
    }

    private static string Name(ulong key) => key.ToString(CultureInfo.InvariantCulture);
}
