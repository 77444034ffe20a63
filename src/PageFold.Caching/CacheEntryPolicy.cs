namespace PageFold.Caching;

/// <summary>When an entry goes by itself, and by which tags it can be removed. The default value is an entry that stays.</summary>
/// <remarks>
/// Times are kept in sixteenths of a second, rounded down, so that no entry is served after its time; more than eight years is for ever.
/// </remarks>
public readonly record struct CacheEntryPolicy
{
    /// <summary>Expires so long after it is set. Null: no such limit. Zero or less: it is not stored.</summary>
    public TimeSpan? Expiration { get; init; }

    /// <summary>Expires at this time. If <see cref="Expiration"/> is set too, the earlier counts.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Expires so long after the last get or touch. Null: no such limit.</summary>
    public TimeSpan? SlidingExpiration { get; init; }

    /// <summary>Names by which <see cref="CompressedCache.RemoveByTag"/> removes the entry with others; at most 255. Null: none.</summary>
    public IReadOnlyList<string>? Tags { get; init; }
}
