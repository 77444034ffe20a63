namespace PageFold.Compression.Fold;

/// <summary>The tokens or the literals of a text, as a header describes them.</summary>
/// <remarks>
/// Coded symbols lie in one, three or seven streams, in one, two or four regions: the first region has one stream, which goes upwards from
/// its start, each further one a second, which goes downwards from its end. Each 1,015 symbols, counted from the last, have a code of their
/// own.
/// </remarks>
internal unsafe struct SymbolBlock
{
    /// <summary>Symbols of one code: as many as make whole rounds of five in all of seven streams.</summary>
    public const int SegmentLength = 1015;

    /// <summary>The most segments.</summary>
    public const int MaxSegments = (FoldCodec.MaxPageSize + SegmentLength - 1) / SegmentLength;

    /// <summary>The most regions.</summary>
    public const int MaxRegions = 4;

    /// <summary>The most streams.</summary>
    public const int MaxStreams = 2 * MaxRegions - 1;

    /// <summary>The most symbols of a single stream, plus one.</summary>
    public const int MaxSingle = 64;

    private const int MaxDouble = 160;

    /// <summary>The number of symbols.</summary>
    public int Count;

    /// <summary>The number of each segment's code, from the last segment; zero in the first place: the symbols are as they are.</summary>
    public fixed byte Codes[MaxSegments];

    /// <summary>Bytes of each region.</summary>
    /// <remarks>Those of the first one are not used for literals, whose first region ends with the extra bits.</remarks>
    public fixed int Regions[MaxRegions];

    /// <summary>Bytes of each stream; for encoders.</summary>
    public fixed int Streams[MaxStreams];

    /// <summary>True if the symbols are coded.</summary>
    public readonly bool IsCoded => Codes[0] != 0;

    /// <summary>The number of regions.</summary>
    public readonly int RegionCount => Count < MaxSingle ? 1 : Count < MaxDouble ? 2 : MaxRegions;

    /// <summary>The number of segments; at least one.</summary>
    public readonly int SegmentCount => Math.Max(1, (Count + SegmentLength - 1) / SegmentLength);

    /// <summary>Bytes of the symbols as an encoder writes them.</summary>
    public readonly int Bytes
    {
        get
        {
            if (!IsCoded)
                return Count;
            int bytes = 0;
            for (int stream = 0; stream < 2 * RegionCount - 1; stream++)
                bytes += Streams[stream];
            return bytes;
        }
    }
}
