namespace PageFold.Caching;

/// <summary>What became of a value that was set.</summary>
/// <remarks>Unless it was stored, the key has no value afterwards: an older one would be wrong.</remarks>
public enum CacheSetOutcome
{
    /// <summary>Stored, compressed.</summary>
    Stored,

    /// <summary>Stored as it is: it was compressed before, or compression gains nothing.</summary>
    StoredRaw,

    /// <summary>
    /// Not stored: the value, with its key, takes more than a quarter of the memory limit, or more than all content may have.
    /// </summary>
    TooLarge,

    /// <summary>Not stored: there is no memory, even after entries were evicted.</summary>
    NoMemory,

    /// <summary>Not stored: it expires at once, or expired before.</summary>
    AlreadyExpired,

    /// <summary>
    /// Not stored: the key or one of its tags was removed or set after the miss whose token was given. A value that another caller has set
    /// meanwhile stays.
    /// </summary>
    Superseded,
}
