namespace PageFold.Caching.Index;

/// <summary>What eviction knows of an entry: how often it was hit, in which part it is, and whether it is pinned. Four bits.</summary>
internal readonly record struct EntryState
{
    /// <summary>The highest frequency; further hits leave it there.</summary>
    public const int MaxFrequency = 3;

    /// <summary>The bits of a state byte that are the caller's.</summary>
    internal const byte Mask = 0x0F;

    private const byte FrequencyMask = 3;
    private const byte MainBit = 4;
    private const byte PinnedBit = 8;

    internal EntryState(byte bits) => Bits = bits;

    public EntryState(int frequency, bool isMain) => Bits = (byte)(Math.Min(frequency, MaxFrequency) | (isMain ? MainBit : 0));

    /// <summary>Hits since the clock's hand passed, 0 to 3.</summary>
    public int Frequency => Bits & FrequencyMask;

    /// <summary>That of an entry that eviction leaves alone.</summary>
    public static EntryState Pinned => new(MaxFrequency | MainBit | PinnedBit);

    /// <summary>True if eviction leaves the entry alone; known here, it is known of a damaged entry too.</summary>
    public bool IsPinned => (Bits & PinnedBit) != 0;

    /// <summary>True in the main part, false in the small queue.</summary>
    public bool IsMain => (Bits & MainBit) != 0;

    internal byte Bits { get; }

    /// <summary>The same state of an entry that is not pinned.</summary>
    public EntryState Unpinned => new((byte)(Bits & ~PinnedBit));

    /// <summary>The same state with another frequency, 0 to 3.</summary>
    public EntryState WithFrequency(int frequency) => new((byte)(Bits & ~FrequencyMask | frequency));

    /// <summary>The same state in the other or the same part.</summary>
    public EntryState WithMain(bool isMain) => new((byte)(Bits & ~MainBit | (isMain ? MainBit : 0)));
}
