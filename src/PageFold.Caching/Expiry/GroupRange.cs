namespace PageFold.Caching.Expiry;

/// <summary>The hashes whose entries belong to one group of an <see cref="ExpiryWheel"/>.</summary>
/// <param name="Mask">The bits of a hash that count.</param>
/// <param name="Value">Their value.</param>
internal readonly record struct GroupRange(uint Mask, uint Value)
{
    /// <summary>Whether a hash is one of them.</summary>
    public bool Contains(uint hash) => (hash & Mask) == Value;
}
