namespace PageFold.Caching.Eviction;

/// <summary>How a cache evicts.</summary>
internal readonly record struct EvictorOptions
{
    /// <summary>Gets how many entries fit; zero for no such limit.</summary>
    public long MaxEntries { get; init; }

    /// <summary>Gets how many bytes, as the residents count them, fit; zero for no such limit.</summary>
    public long MaxBytes { get; init; }

    /// <summary>Gets what to optimise.</summary>
    public EvictionObjective Objective { get; init; }

    /// <summary>Gets a secret of the cache, which the fingerprints and the sampling are derived from.</summary>
    public ulong Seed { get; init; }
}
