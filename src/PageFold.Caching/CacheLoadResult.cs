namespace PageFold.Caching;

/// <summary>What became of the entries of a saved cache.</summary>
/// <param name="Loaded">Stored. Where not all fit, some of them were evicted again by later ones.</param>
/// <param name="Expired">Their time had passed.</param>
/// <param name="Superseded">The cache has another value for the key, or a tag of the entry was removed during the load.</param>
/// <param name="Refused">Not stored: the value is larger than the cache's options allow, or there was no memory.</param>
public readonly record struct CacheLoadResult(long Loaded, long Expired, long Superseded, long Refused);
