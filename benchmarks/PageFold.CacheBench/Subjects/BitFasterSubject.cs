using BitFaster.Caching;

namespace PageFold.CacheBench.Subjects;

/// <summary>A cache of BitFaster, whose values are their own sizes.</summary>
internal sealed class BitFasterSubject(ICache<ulong, int> cache) : ICacheSubject
{
    public Holdings Held
    {
        get
        {
            long entries = 0;
            long bytes = 0;
            foreach ((_, int size) in cache)
            {
                entries++;
                bytes += size;
            }
            return new Holdings(entries, bytes);
        }
    }

    public bool TryGet(ulong key, int size) => cache.TryGet(key, out _);

    public void Set(ulong key, int size) => cache.AddOrUpdate(key, size);

    public void Dispose() => cache.Clear();
}
