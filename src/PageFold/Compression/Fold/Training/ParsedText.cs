namespace PageFold.Compression.Fold.Training;

/// <summary>What training needs to know of a text. The arrays are in <see cref="TrainingBlocks"/>.</summary>
internal unsafe struct ParsedText
{
    private readonly ushort* _sequences;
    private readonly int _sequenceCount;
    private readonly SymbolCounts* _literals;
    private readonly int _literalCount;
    private SymbolCounts* _tokens;
    private int _tokenCount;

    /// <param name="length">Bytes of the text.</param>
    /// <param name="sequences">For each sequence the place of its cells in a <see cref="FoldTables.Map"/>.</param>
    /// <param name="sequenceCount">How many there are.</param>
    /// <param name="literals">The literals of each segment.</param>
    /// <param name="literalCount">How many segments there are.</param>
    public ParsedText(int length, ushort* sequences, int sequenceCount, SymbolCounts* literals, int literalCount)
    {
        _sequences = sequences;
        _sequenceCount = sequenceCount;
        _literals = literals;
        _literalCount = literalCount;
        Length = length;
        IsUsed = true;
    }

    /// <summary>Bytes of the text.</summary>
    public int Length { get; }

    /// <summary>True if the text shapes the tables.</summary>
    public bool IsUsed { get; set; }

    /// <summary>For each sequence the place of its cells in a <see cref="FoldTables.Map"/>.</summary>
    public readonly ReadOnlySpan<ushort> Sequences => new(_sequences, _sequenceCount);

    /// <summary>The literals of each segment.</summary>
    public readonly ReadOnlySpan<SymbolCounts> Literals => new(_literals, _literalCount);

    /// <summary>The segments of the tokens or the literals; none if the text is not used.</summary>
    public readonly ReadOnlySpan<SymbolCounts> Segments(bool areTokens) => !IsUsed ? default
        : areTokens ? new ReadOnlySpan<SymbolCounts>(_tokens, _tokenCount) : Literals;

    /// <summary>Counts the tokens of the text's sequences.</summary>
    public void SetTokens(ReadOnlySpan<byte> tokens, TrainingBlocks blocks) =>
        _tokens = SymbolCounts.OfSegments(tokens, blocks, out _tokenCount);

    /// <summary>The most bytes that a text's arrays take.</summary>
    /// <param name="length">Bytes of the text.</param>
    /// <remarks>A literal takes most: a symbol that occurs once. A sequence takes less, and three bytes of the text.</remarks>
    public static long MaxBytes(int length) => SymbolCounts.MaxBytes(length) + 2 * sizeof(ulong);
}

/// <summary>How often each symbol occurs in a segment that has one code. Immutable.</summary>
internal readonly unsafe struct SymbolCounts
{
    /// <summary>The most bytes that the counts of a segment take.</summary>
    public const int MaxArrayBytes = 2 * sizeof(ushort) * PrefixCode.Symbols;

    private readonly ushort* _counts;
    private readonly int _length;

    private SymbolCounts(ushort* counts, int length, int total)
    {
        _counts = counts;
        _length = length;
        Total = total;
        for (int i = 1; i < length; i += 2)
            Entropy -= counts[i] * Math.Log2((double)counts[i] / total);
    }

    /// <summary>The symbols that occur, each followed by how often.</summary>
    public ReadOnlySpan<ushort> Counts => new(_counts, _length);

    /// <summary>The number of all symbols.</summary>
    public int Total { get; }

    /// <summary>The bits that all symbols would take with an ideal code of their own.</summary>
    public double Entropy { get; }

    /// <summary>The most bytes that the segments of so many symbols take.</summary>
    public static long MaxBytes(int symbols)
    {
        int segments = SegmentsOf(symbols);
        long counts = Math.Min(symbols, (long)segments * PrefixCode.Symbols);
        return segments * (sizeof(SymbolCounts) + sizeof(ulong)) + 2 * sizeof(ushort) * counts;
    }

    /// <summary>Returns how many segments symbols have.</summary>
    public static int SegmentsOf(int symbols) => (symbols + SymbolBlock.SegmentLength - 1) / SymbolBlock.SegmentLength;

    /// <summary>Counts the symbols of each segment, from the last one, as an encoder divides them.</summary>
    /// <param name="symbols">The symbols.</param>
    /// <param name="blocks">Where the segments are kept.</param>
    /// <param name="count">How many segments there are.</param>
    public static SymbolCounts* OfSegments(ReadOnlySpan<byte> symbols, TrainingBlocks blocks, out int count)
    {
        count = SegmentsOf(symbols.Length);
        SymbolCounts* segments = blocks.Take<SymbolCounts>(count);
        for (int i = 0; i < count; i++)
        {
            int start = Math.Max(0, symbols.Length - SymbolBlock.SegmentLength);
            segments[i] = Of(symbols[start..], blocks);
            symbols = symbols[..start];
        }
        return segments;
    }

    private static SymbolCounts Of(ReadOnlySpan<byte> symbols, TrainingBlocks blocks)
    {
        Span<ushort> all = stackalloc ushort[PrefixCode.Symbols];
        all.Clear();
        foreach (byte symbol in symbols)
            all[symbol]++;
        int length = 2 * (all.Length - all.Count((ushort)0));
        ushort* counts = blocks.Take<ushort>(length);
        int next = 0;
        for (int symbol = 0; symbol < all.Length; symbol++)
        {
            if (all[symbol] == 0)
                continue;
            counts[next++] = (ushort)symbol;
            counts[next++] = all[symbol];
        }
        return new SymbolCounts(counts, length, symbols.Length);
    }
}
