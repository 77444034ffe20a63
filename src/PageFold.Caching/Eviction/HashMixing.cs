namespace PageFold.Caching.Eviction;

/// <summary>Derives independent bits from the keyed hash of a key.</summary>
internal static class HashMixing
{
    /// <summary>Spreads a hash and a seed over 64 bits; the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).</summary>
    public static ulong Mix(uint hash, ulong seed) => Mix(hash + seed);

    /// <summary>Spreads 64 bits over 64 bits.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E37_79B9_7F4A_7C15;
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
