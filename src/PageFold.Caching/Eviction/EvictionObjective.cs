namespace PageFold.Caching.Eviction;

/// <summary>What the eviction keeps as high as it can.</summary>
internal enum EvictionObjective
{
    /// <summary>The share of requested bytes that are found; for values of similar size the share of requests too.</summary>
    Bytes,

    /// <summary>The share of requests that are found, at the cost of large values.</summary>
    Objects,
}
