namespace PageFold.Compression.Fold.Training;

/// <summary>Computes the lengths of the optimal prefix code none of whose codes is longer than a limit.</summary>
/// <remarks>
/// <para>
/// The package-merge algorithm (Larmore and Hirschberg, "A fast algorithm for optimal length-limited Huffman codes", 1990). A code of
/// n symbols is a purchase of coins: each symbol has a coin of its weight for each possible length, and the code takes the 2n - 2 cheapest
/// of the last level, where a level's items are the symbols and the pairs of neighbours of the level before.
/// </para>
/// <para>
/// A symbol's length is the number of levels in which its coin is bought. The symbols of a level are bought in order of their weights, so
/// a number for each level says which ones.
/// </para>
/// <para>It is called thousands of times in a training, so all of its memory is on the stack: some 20 KiB.</para>
/// </remarks>
internal static class PrefixCodeLengths
{
    /// <summary>Computes the lengths; every symbol gets a code, and the code is complete.</summary>
    /// <param name="weights">How often each of at least two, and at most 256, symbols occurs: zero or more.</param>
    /// <param name="maxLength">The longest code: 2 to this power is at least the number of symbols.</param>
    /// <param name="lengths">Receives the lengths.</param>
    public static void Compute(ReadOnlySpan<long> weights, int maxLength, Span<byte> lengths)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(weights.Length, PrefixCode.Symbols);
        int count = weights.Length;
        Span<int> order = stackalloc int[count];
        Span<long> sorted = stackalloc long[count];
        weights.CopyTo(sorted);
        for (int i = 0; i < count; i++)
            order[i] = i;
        // Equal weights in the order of the symbols, so that the result depends on nothing else.
        sorted.Sort(order);
        SortEqual(sorted, order);
        // A level has the symbols and fewer pairs.
        int stride = 2 * count;
        Span<bool> isSymbol = stackalloc bool[maxLength * stride];
        isSymbol[..count].Fill(true);
        Span<long> level = stackalloc long[stride];
        Span<long> next = stackalloc long[stride];
        sorted.CopyTo(level);
        int items = count;
        for (int i = 1; i < maxLength; i++)
        {
            items = Merge(sorted, level[..items], next, isSymbol[(i * stride)..]);
            Span<long> merged = next;
            next = level;
            level = merged;
        }
        lengths.Clear();
        int taken = 2 * count - 2;
        for (int i = maxLength - 1; i >= 0 && taken > 0; i--)
        {
            int symbols = isSymbol.Slice(i * stride, taken).Count(true);
            for (int j = 0; j < symbols; j++)
                lengths[order[j]]++;
            taken = 2 * (taken - symbols);
        }
    }

    /// <summary>Merges the symbols and the pairs of a level in order of their weights; returns how many there are.</summary>
    private static int Merge(ReadOnlySpan<long> symbols, ReadOnlySpan<long> level, Span<long> merged, Span<bool> isSymbol)
    {
        int pairs = level.Length / 2;
        int items = symbols.Length + pairs;
        int symbol = 0;
        int pair = 0;
        for (int i = 0; i < items; i++)
        {
            long ofPair = pair < pairs ? level[2 * pair] + level[2 * pair + 1] : long.MaxValue;
            isSymbol[i] = symbol < symbols.Length && symbols[symbol] <= ofPair;
            merged[i] = isSymbol[i] ? symbols[symbol++] : ofPair;
            if (!isSymbol[i])
                pair++;
        }
        return items;
    }

    private static void SortEqual(ReadOnlySpan<long> sorted, Span<int> order)
    {
        for (int start = 0; start < sorted.Length;)
        {
            int end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start])
                end++;
            order[start..end].Sort();
            start = end;
        }
    }
}
