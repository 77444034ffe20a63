using System.Runtime.Intrinsics;

namespace PageFold.Compression.Fold.Training;

/// <summary>Chooses the literal tables that code the literals of given texts with the fewest bits.</summary>
/// <remarks>
/// Lloyd's k-means: each text goes to the table that codes its literals best, and each table becomes the optimal code of its texts. Texts
/// whose literals no table makes shorter count for none. The result depends on the start, so several starts are tried: the first table
/// is that of all texts, and each further one is that of the text, of a random few, that the tables so far serve worst.
/// </remarks>
internal sealed class LiteralTableTrainer
{
    private const int Tables = PrefixTables.Max;
    private const int Symbols = LiteralCode.Symbols;
    private const int Starts = 6;
    private const int FirstIterations = 8;
    private const int LastIterations = 16;
    private const int Tries = 128;

    // Fewer literals are hardly coded.
    private const int MinLiterals = 32;

    // More texts than this make no better tables.
    private const int MaxTexts = 16384;

    // What a code costs a text in addition to its bits, and the least share of the literals that it must gain.
    private const int HeaderBits = 6 * 8;
    private const int GainShift = 5;

    // In the weights of a table's values a literal counts so many.
    private const int Unit = 4096;

    private readonly List<ParsedText> _texts;
    private readonly CancellationToken _cancellation;
    private readonly byte[][] _lengths = new byte[Tables][];

    // For each value its length in each of the tables.
    private readonly int[] _costs = new int[Symbols * PrefixTables.CostStride];
    private readonly long[][] _weights = new long[Tables][];
    private readonly int[] _members = new int[Tables];

    private LiteralTableTrainer(List<ParsedText> texts, CancellationToken cancellation)
    {
        _texts = texts;
        _cancellation = cancellation;
        for (int table = 0; table < Tables; table++)
            _weights[table] = new long[Symbols];
    }

    /// <summary>Chooses the tables.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="cancellation">Ends the training.</param>
    public static byte[][] Train(IReadOnlyList<ParsedText> texts, CancellationToken cancellation)
    {
        List<ParsedText> used = [.. texts.Where(text => text.LiteralCount >= MinLiterals)];
        if (used.Count > MaxTexts)
        {
            int all = used.Count;
            used = [.. Enumerable.Range(0, MaxTexts).Select(i => used[(int)((long)i * all / MaxTexts)])];
        }
        if (used.Count == 0)
            return [Uniform()];
        LiteralTableTrainer trainer = new(used, cancellation);
        byte[][] best = [];
        long bestBits = long.MaxValue;
        for (int start = 0; start < Starts; start++)
        {
            trainer.Start(start);
            for (int i = 0; i < FirstIterations; i++)
                trainer.Iterate();
            long bits = trainer.Assign();
            if (bits < bestBits)
                (best, bestBits) = ([.. trainer._lengths], bits);
        }
        for (int table = 0; table < Tables; table++)
            trainer.Set(table, best[table]);
        for (int i = 0; i < LastIterations; i++)
            trainer.Iterate();
        return trainer.Assign() < bestBits ? [.. trainer._lengths] : best;
    }

    /// <summary>Returns the bits of a text's literals: as they are, or by the best of the tables.</summary>
    public static long Bits(ParsedText text, IReadOnlyList<byte[]> tables)
    {
        long least = long.MaxValue;
        foreach (byte[] lengths in tables)
        {
            long bits = 0;
            for (int i = 0; i < text.Literals.Length; i += 2)
                bits += (long)text.Literals[i + 1] * lengths[text.Literals[i]];
            least = Math.Min(least, bits);
        }
        return Charge(least, text.LiteralCount);
    }

    internal static byte[] Uniform()
    {
        byte[] lengths = new byte[Symbols];
        lengths.AsSpan().Fill(8);
        return lengths;
    }

    /// <summary>What the literals cost if their codes take so many bits.</summary>
    private static long Charge(long bits, int count) => IsCoded(bits, count) ? bits + HeaderBits : 8L * count;

    private static bool IsCoded(long bits, int count) => bits + HeaderBits < 8L * count - (8L * count >> GainShift);

    private void Start(int seed)
    {
        SmallRandom random = new((ulong)seed);
        long[] weights = new long[Symbols];
        foreach (ParsedText text in _texts)
            Add(text, weights);
        Train(0, weights);
        for (int table = 1; table < Tables; table++)
            Set(table, _lengths[0]);
        for (int table = 1; table < Tables; table++)
        {
            int worst = 0;
            double most = -1;
            for (int i = 0; i < Tries; i++)
            {
                int chosen = random.Next(_texts.Count);
                double excess = Best(_texts[chosen], out _) - Entropy(_texts[chosen]);
                if (excess > most)
                    (worst, most) = (chosen, excess);
            }
            weights.AsSpan().Clear();
            Add(_texts[worst], weights);
            Train(table, weights);
        }
    }

    private void Iterate()
    {
        Assign();
        ParsedText? worst = null;
        for (int table = 0; table < Tables; table++)
        {
            if (_members[table] == 0)
            {
                worst ??= _texts.MaxBy(text => Best(text, out _) - Entropy(text));
                Add(worst!, _weights[table]);
            }
            Train(table, _weights[table]);
        }
    }

    /// <summary>Assigns each text to its best table; returns what all texts' literals cost.</summary>
    private long Assign()
    {
        _cancellation.ThrowIfCancellationRequested();
        _members.AsSpan().Clear();
        foreach (long[] weights in _weights)
            weights.AsSpan().Clear();
        long total = 0;
        foreach (ParsedText text in _texts)
        {
            long bits = Best(text, out int table);
            total += Charge(bits, text.LiteralCount);
            if (!IsCoded(bits, text.LiteralCount))
                continue;
            _members[table]++;
            Add(text, _weights[table]);
        }
        return total;
    }

    /// <summary>Returns the fewest bits of a text's literals, and the table.</summary>
    private long Best(ParsedText text, out int table)
    {
        ReadOnlySpan<ushort> literals = text.Literals;
        ReadOnlySpan<int> costs = _costs;
        Vector128<int> a = default;
        Vector128<int> b = default;
        Vector128<int> c = default;
        Vector128<int> d = default;
        for (int i = 0; i < literals.Length; i += 2)
        {
            ReadOnlySpan<int> row = costs.Slice(literals[i] * PrefixTables.CostStride, PrefixTables.CostStride);
            Vector128<int> count = Vector128.Create((int)literals[i + 1]);
            a += count * Vector128.Create(row);
            b += count * Vector128.Create(row[4..]);
            c += count * Vector128.Create(row[8..]);
            d += count * Vector128.Create(row[12..]);
        }
        Span<int> sums = stackalloc int[PrefixTables.CostStride];
        a.CopyTo(sums);
        b.CopyTo(sums[4..]);
        c.CopyTo(sums[8..]);
        d.CopyTo(sums[12..]);
        table = 0;
        for (int i = 1; i < Tables; i++)
        {
            if (sums[i] < sums[table])
                table = i;
        }
        return sums[table];
    }

    private static void Add(ParsedText text, long[] weights)
    {
        ReadOnlySpan<ushort> literals = text.Literals;
        for (int i = 0; i < literals.Length; i += 2)
            weights[literals[i]] += literals[i + 1] * (long)Unit;
    }

    private static double Entropy(ParsedText text)
    {
        double bits = 0;
        for (int i = 1; i < text.Literals.Length; i += 2)
            bits -= text.Literals[i] * Math.Log2((double)text.Literals[i] / text.LiteralCount);
        return bits;
    }

    private void Train(int table, long[] weights)
    {
        // A value that never occurred may occur.
        long least = Math.Max(Unit / 32, weights.Sum() >> 20);
        for (int i = 0; i < Symbols; i++)
            weights[i] = Math.Max(weights[i], least);
        byte[] lengths = new byte[Symbols];
        PrefixCodeLengths.Compute(weights, LiteralCode.MaxBits, lengths);
        Set(table, lengths);
    }

    private void Set(int table, byte[] lengths)
    {
        _lengths[table] = lengths;
        for (int symbol = 0; symbol < Symbols; symbol++)
            _costs[symbol * PrefixTables.CostStride + table] = lengths[symbol];
    }
}
