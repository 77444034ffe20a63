namespace PageFold.Caching;

/// <summary>
/// Remembers a miss, so that the value which is loaded because of it is not stored if the key or one of its tags was removed or set
/// meanwhile.
/// </summary>
/// <remarks>
/// The default value is no token. A token serves one set. The cache remembers the latest few thousand misses that gave out a token; the set
/// of an older one is refused as <see cref="CacheSetOutcome.Superseded"/>, which costs one more load.
/// </remarks>
public readonly record struct CacheMissToken
{
    internal CacheMissToken(uint slot, ulong sequence)
    {
        Slot = slot;
        Sequence = sequence;
    }

    internal uint Slot { get; }

    // Zero for the default value.
    internal ulong Sequence { get; }
}
