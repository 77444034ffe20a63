namespace PageFold.Caching.Eviction;

/// <summary>The state of an eviction, for statistics and tests.</summary>
internal readonly record struct EvictionFigures
{
    /// <summary>Gets the bytes of all tables.</summary>
    public long HeldBytes { get; init; }

    /// <summary>Gets the hashes in the queue of the small part, stale ones included.</summary>
    public long QueuedHashes { get; init; }

    /// <summary>Gets the parameters that are in use.</summary>
    public EvictionSettings Settings { get; init; }

    /// <summary>Gets how often the duel changed them.</summary>
    public long Switches { get; init; }
}
