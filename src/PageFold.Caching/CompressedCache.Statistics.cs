using System.Collections.Frozen;
using PageFold.Caching.Entries;

namespace PageFold.Caching;

public sealed partial class CompressedCache
{
    /// <summary>What the cache holds and has done. Figures are taken one after the other while other threads may work.</summary>
    public CompressedCacheStatistics GetStatistics()
    {
        using HeapAccess access = Enter();
        EntryCounters counters = _parts.Counters;
        return new CompressedCacheStatistics
        {
            Entries = Count,
            OriginalBytes = counters.Read(CacheCount.OriginalBytes),
            StoredBytes = counters.Read(CacheCount.StoredBytes),
            UsedBytes = UsedBytes,
            MetadataBytes = _parts.MetadataBytes,
            CodingBytes = _parts.CodingBytes,
            MemoryLimit = MemoryLimit,
            Hits = counters.Read(CacheCount.Hits),
            Misses = counters.Read(CacheCount.Misses),
            Sets = counters.Read(CacheCount.Sets),
            Refused = counters.Read(CacheCount.Refused),
            RefusedForMemory = counters.Read(CacheCount.RefusedForMemory),
            Evictions = Enum.GetValues<CacheEvictionReason>()
                .ToFrozenDictionary(reason => reason, reason => counters.Read(CacheCount.FirstReason + (int)reason)),
            DictionaryVersion = _parts.Coding.Versions.Published,
        };
    }
}
