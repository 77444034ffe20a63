namespace PageFold.Compression.Matching;

/// <summary>The widths in an entry of the match finder's table: a tag, a generation and a position, from the highest bit.</summary>
internal interface IMatchShape
{
    /// <summary>Bits of a position.</summary>
    public static abstract int PositionBits { get; }

    /// <summary>Bits of an index into the table.</summary>
    public static abstract int IndexBits { get; }

    /// <summary>Bits of the hash that are kept in an entry.</summary>
    public static abstract int TagBits { get; }
}

/// <summary>For texts of up to 4 KiB: 127 texts between two clearings of a table of 16 KiB.</summary>
internal readonly struct SmallShape : IMatchShape
{
    public const int PositionBits = 12;

    static int IMatchShape.PositionBits => PositionBits;

    public const int IndexBits = 12;

    static int IMatchShape.IndexBits => IndexBits;

    public const int TagBits = 12;

    static int IMatchShape.TagBits => TagBits;
}

/// <summary>For texts of up to 64 KiB: 31 texts between two clearings of a table of 128 KiB.</summary>
internal readonly struct LargeShape : IMatchShape
{
    public const int PositionBits = 16;

    static int IMatchShape.PositionBits => PositionBits;

    public const int IndexBits = 15;

    static int IMatchShape.IndexBits => IndexBits;

    public const int TagBits = 10;

    static int IMatchShape.TagBits => TagBits;
}
