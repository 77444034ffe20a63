namespace PageFold.Compression.Fold.Training;

/// <summary>What training needs to know of a text. Immutable.</summary>
/// <param name="Length">Bytes of the text.</param>
/// <param name="Sequences">For each sequence the place of its cells in a <see cref="FoldTables.Map"/>.</param>
/// <param name="Literals">The literals of each segment.</param>
internal sealed record ParsedText(int Length, ushort[] Sequences, SymbolCounts[] Literals);

/// <summary>How often each symbol occurs in a segment that has one code. Immutable.</summary>
internal sealed class SymbolCounts
{
    private readonly ushort[] _counts;

    private SymbolCounts(ushort[] counts, int total)
    {
        (_counts, Total) = (counts, total);
        for (int i = 1; i < counts.Length; i += 2)
            Entropy -= counts[i] * Math.Log2((double)counts[i] / total);
    }

    /// <summary>The symbols that occur, each followed by how often.</summary>
    public ReadOnlySpan<ushort> Counts => _counts;

    /// <summary>The number of all symbols.</summary>
    public int Total { get; }

    /// <summary>The bits that all symbols would take with an ideal code of their own.</summary>
    public double Entropy { get; }

    /// <summary>Counts the symbols of each segment, from the last one, as an encoder divides them.</summary>
    public static SymbolCounts[] OfSegments(ReadOnlySpan<byte> symbols)
    {
        SymbolCounts[] segments = new SymbolCounts[(symbols.Length + SymbolBlock.SegmentLength - 1) / SymbolBlock.SegmentLength];
        for (int i = 0; i < segments.Length; i++)
        {
            int start = Math.Max(0, symbols.Length - SymbolBlock.SegmentLength);
            segments[i] = Of(symbols[start..]);
            symbols = symbols[..start];
        }
        return segments;
    }

    private static SymbolCounts Of(ReadOnlySpan<byte> symbols)
    {
        Span<ushort> all = stackalloc ushort[PrefixCode.Symbols];
        all.Clear();
        foreach (byte symbol in symbols)
            all[symbol]++;
        ushort[] counts = new ushort[2 * (all.Length - all.Count((ushort)0))];
        int next = 0;
        for (int symbol = 0; symbol < all.Length; symbol++)
        {
            if (all[symbol] == 0)
                continue;
            counts[next++] = (ushort)symbol;
            counts[next++] = all[symbol];
        }
        return new SymbolCounts(counts, symbols.Length);
    }
}
