namespace PageFold.Compression.Fold.Training;

/// <summary>Numbers that look random and are the same everywhere: SplitMix64.</summary>
internal struct SmallRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Returns a number from zero to less than a bound.</summary>
    public int Next(int bound)
    {
        ulong mixed = _state += 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ mixed >> 30) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB;
        return (int)(((mixed ^ mixed >> 31) >> 32) * (ulong)bound >> 32);
    }
}
