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
/// </remarks>
internal static class PrefixCodeLengths
{
    /// <summary>Computes the lengths; every symbol gets a code, and the code is complete.</summary>
    /// <param name="weights">How often each of at least two symbols occurs: zero or more.</param>
    /// <param name="maxLength">The longest code: 2 to this power is at least the number of symbols.</param>
    /// <param name="lengths">Receives the lengths.</param>
    public static void Compute(ReadOnlySpan<long> weights, int maxLength, Span<byte> lengths)
    {
        int count = weights.Length;
        int[] order = new int[count];
        long[] sorted = weights.ToArray();
        for (int i = 0; i < count; i++)
            order[i] = i;
        // Equal weights in the order of the symbols, so that the result depends on nothing else.
        Array.Sort(sorted, order, null);
        SortEqual(sorted, order);
        bool[][] isSymbol = new bool[maxLength][];
        long[] level = sorted;
        isSymbol[0] = new bool[count];
        Array.Fill(isSymbol[0], true);
        for (int i = 1; i < maxLength; i++)
            level = Merge(sorted, level, isSymbol[i] = new bool[count + level.Length / 2]);
        lengths.Clear();
        int taken = 2 * count - 2;
        for (int i = maxLength - 1; i >= 0 && taken > 0; i--)
        {
            int symbols = isSymbol[i].AsSpan(0, taken).Count(true);
            for (int j = 0; j < symbols; j++)
                lengths[order[j]]++;
            taken = 2 * (taken - symbols);
        }
    }

    /// <summary>Merges the symbols and the pairs of a level in order of their weights.</summary>
    private static long[] Merge(long[] symbols, long[] level, bool[] isSymbol)
    {
        long[] merged = new long[isSymbol.Length];
        int pairs = level.Length / 2;
        int symbol = 0;
        int pair = 0;
        for (int i = 0; i < merged.Length; i++)
        {
            long ofPair = pair < pairs ? level[2 * pair] + level[2 * pair + 1] : long.MaxValue;
            isSymbol[i] = symbol < symbols.Length && symbols[symbol] <= ofPair;
            merged[i] = isSymbol[i] ? symbols[symbol++] : ofPair;
            if (!isSymbol[i])
                pair++;
        }
        return merged;
    }

    private static void SortEqual(long[] sorted, int[] order)
    {
        for (int start = 0; start < sorted.Length;)
        {
            int end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start])
                end++;
            Array.Sort(order, start, end - start);
            start = end;
        }
    }
}
