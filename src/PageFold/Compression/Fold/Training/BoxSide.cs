namespace PageFold.Compression.Fold.Training;

/// <summary>A range of lengths that a box can have: consecutive cells that are a power of two wide together.</summary>
/// <param name="From">The first cell.</param>
/// <param name="To">The cell behind the last one.</param>
/// <param name="Base">The shortest length, of matches less <see cref="Box.MinMatch"/>.</param>
/// <param name="Bits">Extra bits.</param>
internal readonly record struct BoxSide(int From, int To, int Base, int Bits)
{
    /// <summary>All ranges of literals; the last one is everything.</summary>
    public static BoxSide[] Literals { get; } = Make(3, Cells.LiteralCells, Box.MaxBits);

    /// <summary>All ranges of matches; the last one is everything.</summary>
    public static BoxSide[] Matches { get; } = Make(4, Cells.MatchCells - 1, Box.MaxBits - 1);

    /// <summary>Makes the ranges of lengths whose cells are single below a power of two and powers of two from there.</summary>
    private static BoxSide[] Make(int exactBits, int cells, int maxBits)
    {
        int exact = 1 << exactBits;
        int offset = exact - exactBits;
        List<BoxSide> sides = [];
        for (int bits = 0; bits <= exactBits; bits++)
        {
            for (int start = 0; start < exact; start += 1 << bits)
                sides.Add(new BoxSide(start, start + (1 << bits), start, bits));
        }
        for (int cell = exact; cell < cells; cell++)
            sides.Add(new BoxSide(cell, cell + 1, 1 << cell - offset, cell - offset));
        for (int bits = exactBits + 1; bits <= maxBits; bits++)
            sides.Add(new BoxSide(0, bits + offset, 0, bits));
        return [.. sides];
    }
}

/// <summary>A kind of distance that a box can have.</summary>
/// <param name="Cells">Its cells.</param>
/// <param name="Base">The shortest distance less one.</param>
/// <param name="Bits">Extra bits.</param>
/// <param name="Shift"><see cref="Box.MultipleShift"/> for multiples of 8, otherwise zero.</param>
/// <param name="IsRepeat">The last distance again.</param>
internal sealed record BoxDistance(int[] Cells, int Base, int Bits, int Shift, bool IsRepeat)
{
    /// <summary>The place of the last distance again in <see cref="All"/>.</summary>
    public const int Repeat = 0;

    /// <summary>The place of all distances but the last one.</summary>
    public const int Any = 1;

    /// <summary>All kinds; the first are the last distance again, and everything else.</summary>
    public static BoxDistance[] All { get; } = MakeAll();

    private static BoxDistance[] MakeAll()
    {
        List<BoxDistance> all = [new([Fold.Cells.Repeat], 0, 0, 0, IsRepeat: true), UpTo(Box.MaxBits)];
        // A power's two cells have the distances that are multiples of 8 and the others.
        for (int power = 0; power <= Box.MaxBits; power++)
            all.Add(new([2 * power, 2 * power + 1], power == 0 ? 0 : 1 << power - 1, Math.Max(0, power - 1), 0, IsRepeat: false));
        for (int bits = 1; bits < Box.MaxBits; bits++)
            all.Add(UpTo(bits));
        for (int power = Box.MultipleShift; power <= Box.MaxBits; power++)
        {
            int bits = Math.Max(0, power - 1 - Box.MultipleShift);
            all.Add(new([2 * power + 1], 1 << power - 1 | Box.MultipleMask, bits, Box.MultipleShift, IsRepeat: false));
        }
        for (int bits = Box.MultipleShift + 1; bits <= Box.MaxBits; bits++)
        {
            int[] cells = [.. Enumerable.Range(Box.MultipleShift, bits + 1 - Box.MultipleShift).Select(power => 2 * power + 1)];
            all.Add(new(cells, Box.MultipleMask, bits - Box.MultipleShift, Box.MultipleShift, IsRepeat: false));
        }
        return [.. all];
    }

    private static BoxDistance UpTo(int bits) => new([.. Enumerable.Range(0, 2 * bits + 2)], 0, bits, 0, IsRepeat: false);
}
