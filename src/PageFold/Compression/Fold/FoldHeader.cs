using System.Numerics;

namespace PageFold.Compression.Fold;

/// <summary>The widths of a header's fields, which follow from the length of the text.</summary>
/// <remarks>
/// A header is a string of bits, least significant first: the number of the literal table (zero: literals as they are), the number of
/// tokens; and with coded literals their number less one, and the lengths of all regions but the first.
/// </remarks>
internal readonly struct FoldHeader
{
    /// <summary>Bits of the table's number.</summary>
    public const int TableBits = 5;

    /// <summary>The most bytes of a header.</summary>
    public const int MaxBytes = 11;

    public FoldHeader(int length)
    {
        LiteralBits = 32 - BitOperations.LeadingZeroCount((uint)length - 1);
        TokenBits = Math.Max(0, LiteralBits - 1);
    }

    /// <summary>Bits of the number of tokens, and of a region's length.</summary>
    public int TokenBits { get; }

    /// <summary>Bits of the number of literals.</summary>
    public int LiteralBits { get; }

    /// <summary>The most that fits <see cref="TokenBits"/>.</summary>
    public int TokenMask => (1 << TokenBits) - 1;

    /// <summary>Bytes of a header in front of literals as they are.</summary>
    public int RawBytes => (TableBits + TokenBits + 7) / 8;

    /// <summary>Bytes of a header in front of coded literals.</summary>
    public int CodedBytes(int regions) => (TableBits + LiteralBits + regions * TokenBits + 7) / 8;

    /// <summary>The most literals of a single stream.</summary>
    public const int MaxSingle = 96;

    /// <summary>The number of regions for so many coded literals: each has a stream at either end, one of them the extra bits.</summary>
    public static int Regions(int literals) => literals < MaxSingle ? 1 : literals < 320 ? 2 : 4;
}
