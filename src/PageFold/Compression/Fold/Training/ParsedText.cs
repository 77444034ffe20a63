namespace PageFold.Compression.Fold.Training;

/// <summary>What training needs to know of a text: the cells of its sequences and the histogram of its literals. Immutable.</summary>
internal sealed class ParsedText
{
    private readonly ushort[] _sequences;
    private readonly ushort[] _literals;

    /// <param name="length">Bytes of the text.</param>
    /// <param name="sequences">For each sequence the place of its cells in a <see cref="FoldTables.Map"/>.</param>
    /// <param name="counts">How often each value is a literal.</param>
    public ParsedText(int length, ReadOnlySpan<ushort> sequences, ReadOnlySpan<int> counts)
    {
        Length = length;
        _sequences = sequences.ToArray();
        int values = LiteralCode.Symbols - counts.Count(0);
        _literals = new ushort[2 * values];
        int next = 0;
        for (int value = 0; value < counts.Length; value++)
        {
            if (counts[value] == 0)
                continue;
            _literals[next++] = (ushort)value;
            // A text of 64 KiB of one value would have a match.
            _literals[next++] = (ushort)Math.Min(counts[value], ushort.MaxValue);
            LiteralCount += counts[value];
        }
    }

    /// <summary>Bytes of the text.</summary>
    public int Length { get; }

    /// <summary>For each sequence the place of its cells in a <see cref="FoldTables.Map"/>.</summary>
    public ReadOnlySpan<ushort> Sequences => _sequences;

    /// <summary>The values that are literals, each followed by how often.</summary>
    public ReadOnlySpan<ushort> Literals => _literals;

    /// <summary>The number of literals.</summary>
    public int LiteralCount { get; }
}
