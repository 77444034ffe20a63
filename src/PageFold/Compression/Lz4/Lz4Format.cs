using PageFold.Compression.Matching;

namespace PageFold.Compression.Lz4;

/// <summary>The numbers of the LZ4 block format.</summary>
/// <remarks>
/// A block is a string of sequences. A sequence is a token, literals, the distance of a match in two bytes, and nothing more. The upper
/// half of the token is the number of literals, the lower half the match's length less four. A half of 15 has bytes to add, up to the first
/// one that is not 255: those of the literals follow the token, those of the match its distance. The last sequence has literals alone.
/// </remarks>
internal static class Lz4Format
{
    /// <summary>The shortest match.</summary>
    public const int MinMatch = 4;

    /// <summary>A half of a token that has bytes to add.</summary>
    public const int LongHalf = 15;

    /// <summary>Bits of a half of a token.</summary>
    public const int HalfBits = 4;

    /// <summary>A byte that is added and has another one behind it.</summary>
    public const int FullByte = 255;

    /// <summary>Bytes of a distance.</summary>
    public const int DistanceBytes = sizeof(ushort);

    /// <summary>The last match begins at least so many bytes before the end of the text.</summary>
    public const int LastStart = 12;

    /// <summary>The last bytes of the text are literals.</summary>
    public const int LastLiterals = 5;

    /// <summary>The maximum length of a block.</summary>
    public static int MaxLength(int textLength) => textLength + textLength / FullByte + 16;

    /// <summary>The bytes to add to a half of a token.</summary>
    public static nint AddedBytes(nint value) => value < LongHalf ? 0 : (value - LongHalf) / FullByte + 1;
}

/// <summary>What the format asks of matches; one candidate at each position, and a look at the next one.</summary>
/// <remarks>
/// A second candidate would shorten blocks a little more, but then the encoder would be slower than liblz4. Fewer and longer matches, as
/// the look at the next position gives, are faster to decode, too.
/// </remarks>
internal readonly struct Lz4Rules : IParseRules
{
    public static bool Repeats => false;

    public static int MinMatch => Lz4Format.MinMatch;

    public static int Candidates => 1;

    public static bool Lazy => true;
}
