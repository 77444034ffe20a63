namespace PageFold.Caching;

/// <summary>What becomes of the first level of a HybridCache whose second level is a PageFold cache.</summary>
/// <remarks>
/// <para>
/// HybridCache keeps every value that it returns on the GC heap as well, uncompressed and in any number, in the application's
/// <c>IMemoryCache</c>. That memory is outside the limit of the PageFold cache.
/// </para>
/// <para>
/// The first level also closes a gap: HybridCache lets the callers that wait for a value go before it writes the value to the second level.
/// Without a first level, a caller that comes in between finds the value nowhere and loads it once more.
/// </para>
/// </remarks>
public enum HybridCacheFirstLevel
{
    /// <summary>It has a store of its own, of at most <see cref="PageFoldCacheOptions.HybridCacheFirstLevelBytes"/>.</summary>
    Bounded,

    /// <summary>There is none: a hit is read from the PageFold cache and deserialized. The memory limit bounds everything.</summary>
    Off,

    /// <summary>It stays as HybridCache makes it: unbounded, unless the application bounds its <c>IMemoryCache</c>.</summary>
    Unchanged,
}
