namespace PageFold.CacheBench.Subjects;

/// <summary>What a cache is to have many of: hits, or bytes in hits.</summary>
internal enum CacheObjective
{
    Objects,
    Bytes,
}
