using System.Numerics;

namespace PageFold.Compression.Fold;

/// <summary>
/// One of the 256 meanings of a token: a range of literal lengths, a range of match lengths and a kind of distance. Where in the box a
/// sequence lies is told by its extra bits.
/// </summary>
/// <param name="LiteralBase">The fewest literals.</param>
/// <param name="LiteralBits">Extra bits of the literals: the range is 2 to this power wide.</param>
/// <param name="MatchBase">The shortest match.</param>
/// <param name="MatchBits">Extra bits of the match's length.</param>
/// <param name="DistanceBase">The shortest distance less one; zero for the last distance again.</param>
/// <param name="DistanceBits">Extra bits of the distance.</param>
/// <param name="DistanceShift">Three if the distances are multiples of 8, otherwise zero.</param>
/// <param name="IsRepeat">The last distance again.</param>
internal readonly record struct Box(
    ushort LiteralBase,
    byte LiteralBits,
    ushort MatchBase,
    byte MatchBits,
    ushort DistanceBase,
    byte DistanceBits,
    byte DistanceShift,
    bool IsRepeat)
{
    /// <summary>Bits of a field, and so the most extra bits that one number of a sequence can have.</summary>
    public const int MaxBits = 16;

    /// <summary>The shortest match that a sequence can have.</summary>
    public const int MinMatch = 3;

    /// <summary>The longest match that every set of boxes can say.</summary>
    public const int MaxMatch = MinMatch + (1 << 15) - 1;

    /// <summary>The shift of distances that are multiples of 8.</summary>
    public const int MultipleShift = 3;

    /// <summary>The low bits of such a distance less one.</summary>
    public const int MultipleMask = (1 << MultipleShift) - 1;

    /// <summary>All extra bits of a sequence.</summary>
    public int ExtraBits => LiteralBits + MatchBits + DistanceBits;

    /// <summary>The most literals.</summary>
    public int LiteralMax => LiteralBase + (1 << LiteralBits) - 1;

    /// <summary>The longest match.</summary>
    public int MatchMax => MatchBase + (1 << MatchBits) - 1;

    /// <summary>The longest distance less one.</summary>
    public int DistanceMax => DistanceBase + ((1 << DistanceBits) - 1 << DistanceShift);

    /// <summary>
    /// True if every number of the box fits its field, so that no addition carries into the next one, and begins at a multiple of its
    /// width, so that its extra bits are its lowest bits.
    /// </summary>
    public bool IsValid =>
        LiteralBits <= MaxBits && LiteralMax <= ushort.MaxValue && IsAligned(LiteralBase, LiteralBits)
        && MatchBits <= MaxBits && MatchBase >= MinMatch && MatchMax <= ushort.MaxValue && IsAligned(MatchBase - MinMatch, MatchBits)
        && (IsRepeat ? DistanceBase == 0 && DistanceBits == 0 && DistanceShift == 0 : HasValidDistance);

    private bool HasValidDistance =>
        (DistanceShift == 0 || DistanceShift == MultipleShift && (DistanceBase & MultipleMask) == MultipleMask)
        && DistanceBits + DistanceShift <= MaxBits && DistanceMax <= ushort.MaxValue
        && IsAligned(DistanceBase >> DistanceShift, DistanceBits);

    /// <summary>True if the box contains all literal lengths of a cell.</summary>
    public bool HasLiterals(int cell)
    {
        (int from, int to) = Cells.Literals(cell);
        return from >= LiteralBase && to <= LiteralMax;
    }

    /// <summary>True if the box contains all match lengths of a cell.</summary>
    public bool HasMatches(int cell)
    {
        (int from, int to) = Cells.Matches(cell);
        return from >= MatchBase && to <= MatchMax;
    }

    /// <summary>True if the box contains all distances of a cell.</summary>
    public bool HasDistances(int cell)
    {
        if (IsRepeat || cell == Cells.Repeat)
            return IsRepeat && cell == Cells.Repeat;
        (int from, int to) = Cells.Distances(cell);
        return from >= DistanceBase && to <= DistanceMax && (DistanceShift == 0 || (cell & 1) != 0);
    }

    private static bool IsAligned(int start, int bits) => (start & (1 << bits) - 1) == 0;
}

/// <summary>
/// The finest ranges of a sequence's three numbers that boxes tell apart. An encoder looks a sequence's box up by its cells.
/// </summary>
/// <remarks>
/// Literal lengths up to 7 and match lengths up to 18 have a cell each, greater ones one for each power of two. Distances have two for
/// each power of two, the second one for multiples of 8; and one more is for the last distance again.
/// </remarks>
internal static class Cells
{
    /// <summary>Cells of literal lengths.</summary>
    public const int LiteralCells = 21;

    /// <summary>Cells of match lengths.</summary>
    public const int MatchCells = 28;

    /// <summary>The cell of the last distance.</summary>
    public const int Repeat = 2 * 17;

    /// <summary>Cells of distances.</summary>
    public const int DistanceCells = Repeat + 1;

    /// <summary>What a match cell's place in a row of the map is multiplied by.</summary>
    public const int LiteralStride = 32;

    /// <summary>What a distance cell's place in the map is multiplied by.</summary>
    public const int DistanceStride = LiteralCells * LiteralStride;

    /// <summary>Places of the map.</summary>
    public const int MapLength = DistanceCells * DistanceStride;

    /// <summary>What is added to a number's logarithm to name its cell, from 8 literals on.</summary>
    public const int LiteralOffset = 5;

    /// <summary>As <see cref="LiteralOffset"/>, for match lengths less the shortest one, from 16 on.</summary>
    public const int MatchOffset = 12;

    /// <summary>The place of three cells in a map.</summary>
    public static int Place(int distance, int literals, int match) => distance * DistanceStride + literals * LiteralStride + match;

    /// <summary>The cell of a number of literals.</summary>
    public static int OfLiterals(int count) => Math.Min(count, LiteralOffset + BitOperations.Log2((uint)count | 1));

    /// <summary>The cell of a match's length.</summary>
    public static int OfMatch(int length)
    {
        int more = length - Box.MinMatch;
        return Math.Min(more, MatchOffset + BitOperations.Log2((uint)more | 1));
    }

    /// <summary>The cell of a distance that is not the last one.</summary>
    public static int OfDistance(int distance)
    {
        // Of the distance less one: zero, and powers of two.
        int power = BitOperations.Log2((uint)(distance - 1) * 2 + 1);
        return 2 * power + ((distance & Box.MultipleMask) == 0 ? 1 : 0);
    }

    /// <summary>The numbers of literals in a cell.</summary>
    public static (int From, int To) Literals(int cell) => Range(cell, LiteralOffset, LiteralOffset + 3);

    /// <summary>The lengths of matches in a cell.</summary>
    public static (int From, int To) Matches(int cell)
    {
        (int from, int to) = Range(cell, MatchOffset, MatchOffset + 4);
        return (from + Box.MinMatch, to + Box.MinMatch);
    }

    /// <summary>The distances less one in a cell that is not the last distance's.</summary>
    public static (int From, int To) Distances(int cell)
    {
        int power = cell / 2;
        (int from, int to) = power == 0 ? (0, 0) : (1 << power - 1, (1 << power) - 1);
        return ((cell & 1) != 0 ? from | Box.MultipleMask : from, to);
    }

    private static (int From, int To) Range(int cell, int offset, int exact) =>
        cell < exact ? (cell, cell) : (1 << cell - offset, Math.Min((2 << cell - offset) - 1, ushort.MaxValue));
}
