namespace PageFold.Caching;

/// <summary>What a look-up found.</summary>
public enum CacheGetOutcome
{
    /// <summary>The key has no value, or it has expired or is damaged. Nothing was written.</summary>
    Miss,

    /// <summary>The value was written.</summary>
    Hit,

    /// <summary>The value is longer than the destination. Its length is told; nothing was written.</summary>
    TooSmall,
}
