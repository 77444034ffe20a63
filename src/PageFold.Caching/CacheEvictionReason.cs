namespace PageFold.Caching;

/// <summary>Why an entry left the cache.</summary>
public enum CacheEvictionReason
{
    /// <summary>It was removed by its key, or the cache was cleared.</summary>
    Removed,

    /// <summary>Its key was set again.</summary>
    Replaced,

    /// <summary>It expired.</summary>
    Expired,

    /// <summary>Its memory was needed.</summary>
    Capacity,

    /// <summary>One of its tags was removed.</summary>
    Tag,

    /// <summary>Its bytes failed the check.</summary>
    Corrupt,
}
