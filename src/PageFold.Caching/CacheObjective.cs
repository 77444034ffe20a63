namespace PageFold.Caching;

/// <summary>What eviction makes most of. The two conflict where sizes differ: a large value takes the room of many small ones.</summary>
public enum CacheObjective
{
    /// <summary>The share of requested bytes that hit; where values are of similar size, the share of requests too.</summary>
    ByteHits,

    /// <summary>The share of requests that hit, at the expense of large values. Takes a few bytes more an entry.</summary>
    ObjectHits,
}
