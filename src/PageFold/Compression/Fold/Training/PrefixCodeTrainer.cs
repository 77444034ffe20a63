using System.Runtime.Intrinsics;

namespace PageFold.Compression.Fold.Training;

/// <summary>Chooses the prefix codes that code given segments of symbols, each by the best one, with the fewest bits.</summary>
/// <remarks>
/// Lloyd's k-means: each segment goes to the code that is shortest for it, and each code becomes the optimal one of its segments.
/// Segments that no code makes shorter count for none. The result depends on the start, so several are tried: the first code is that of
/// all segments, and each further one is that of the segment, of a random few, that the codes so far serve worst. The best result is then
/// improved by giving one code up for another, many times.
/// </remarks>
internal sealed class PrefixCodeTrainer
{
    private const int Codes = PrefixTables.Max;
    private const int Stride = PrefixTables.CostStride;
    private const int Symbols = PrefixCode.Symbols;
    private const int Starts = 3;
    private const int Iterations = 8;
    private const int Replacements = 32;
    private const int IterationsOfReplacement = 2;

    // Of so many random segments the one that is served worst; the worst of all are of no kind that others are of.
    private const int Tries = 4;

    // Fewer symbols are hardly coded.
    private const int MinSymbols = 32;

    // More segments than this make no better codes, and fewer are enough to choose among starts and replacements.
    private const int MaxSegments = 16384;
    private const int MaxSegmentsOfChoice = 6144;

    // What a code costs a text in addition to its bits.
    private const int HeaderBits = 6 * 8;

    // A symbol's weight counts so many for each time that it occurs.
    private const int Unit = 4096;

    private readonly SymbolCounts[] _segments;
    private readonly int _gainShift;
    private readonly CancellationToken _cancellation;
    private readonly byte[][] _lengths = new byte[Codes][];

    // For each symbol its length in each of the codes.
    private readonly int[] _costs = new int[Symbols * Stride];
    private readonly long[][] _weights = new long[Codes][];
    private readonly int[] _members = new int[Codes];

    // What the segments of each code would have more without it.
    private readonly long[] _losses = new long[Codes];
    private SmallRandom _random = new(1);

    private PrefixCodeTrainer(SymbolCounts[] segments, int gainShift, CancellationToken cancellation)
    {
        (_segments, _gainShift, _cancellation) = (segments, gainShift, cancellation);
        for (int code = 0; code < Codes; code++)
            _weights[code] = new long[Symbols];
    }

    /// <summary>Chooses the codes; none if there is nothing to code.</summary>
    /// <param name="segments">The segments.</param>
    /// <param name="gainShift">The share of its bytes that a segment must gain to be coded, as a power of two: 5 for a 32nd.</param>
    /// <param name="start">Codes to improve; fewer than 15 to choose anew.</param>
    /// <param name="cancellation">Ends the training.</param>
    public static byte[][] Train(
        IEnumerable<SymbolCounts> segments, int gainShift, byte[][] start, CancellationToken cancellation)
    {
        SymbolCounts[] used = Limit([.. segments.Where(segment => segment.Total >= MinSymbols)], MaxSegments);
        if (used.Length == 0)
            return [];
        byte[][] best = start.Length == Codes ? start : Choose(Limit(used, MaxSegmentsOfChoice), gainShift, cancellation);
        PrefixCodeTrainer trainer = new(used, gainShift, cancellation);
        trainer.Set(best);
        long bits = long.MaxValue;
        trainer.Keep(Iterations, ref best, ref bits);
        return best;
    }

    /// <summary>Chooses codes anew.</summary>
    private static byte[][] Choose(SymbolCounts[] segments, int gainShift, CancellationToken cancellation)
    {
        PrefixCodeTrainer trainer = new(segments, gainShift, cancellation);
        byte[][] best = [];
        long bits = long.MaxValue;
        for (int i = 0; i < Starts; i++)
        {
            trainer.Start();
            trainer.Keep(Iterations, ref best, ref bits);
        }
        for (int i = 0; i < Replacements; i++)
        {
            trainer.Set(best);
            trainer.Replace();
            trainer.Keep(IterationsOfReplacement, ref best, ref bits);
        }
        return best;
    }

    private static SymbolCounts[] Limit(SymbolCounts[] segments, int most) => segments.Length <= most
        ? segments
        : [.. Enumerable.Range(0, most).Select(i => segments[(int)((long)i * segments.Length / most)])];

    /// <summary>Returns the bits of a segment: as it is, or by the best of some codes.</summary>
    public static long Bits(SymbolCounts segment, IReadOnlyList<byte[]> codes)
    {
        long least = 8L * segment.Total;
        foreach (byte[] lengths in codes)
        {
            long bits = 0;
            for (int i = 0; i < segment.Counts.Length; i += 2)
                bits += (long)segment.Counts[i + 1] * lengths[segment.Counts[i]];
            least = Math.Min(least, bits);
        }
        return least;
    }

    private bool IsCoded(long bits, int count) => bits + HeaderBits < 8L * count - (8L * count >> _gainShift);

    /// <summary>Chooses codes to begin with.</summary>
    private void Start()
    {
        long[] weights = new long[Symbols];
        foreach (SymbolCounts segment in _segments)
            Add(segment, weights);
        Make(0, weights);
        for (int code = 1; code < Codes; code++)
            Set(code, _lengths[0]);
        for (int code = 1; code < Codes; code++)
            MakeOfSegment(code);
    }

    /// <summary>Gives the code up whose loss costs least, for that of a segment that is served badly.</summary>
    private void Replace()
    {
        Assign();
        MakeOfSegment(Array.IndexOf(_losses, _losses.Min()));
    }

    /// <summary>Makes a code of a segment for which the codes so far are long.</summary>
    private void MakeOfSegment(int code)
    {
        SymbolCounts? worst = null;
        double most = double.MinValue;
        for (int i = 0; i < Tries; i++)
        {
            SymbolCounts chosen = _segments[_random.Next(_segments.Length)];
            double excess = Excess(chosen);
            if (excess > most)
                (worst, most) = (chosen, excess);
        }
        long[] weights = new long[Symbols];
        Add(worst!, weights);
        Make(code, weights);
    }

    /// <summary>Improves the codes, and keeps them if they are better than the best ones.</summary>
    private void Keep(int iterations, ref byte[][] best, ref long bestBits)
    {
        long bits = Improve(iterations);
        if (bits < bestBits)
            (best, bestBits) = ([.. _lengths], bits);
    }

    /// <summary>Improves the codes some times; returns the bits of all segments.</summary>
    private long Improve(int iterations)
    {
        long before = Assign();
        for (int i = 0; i < iterations; i++)
        {
            for (int code = 0; code < Codes; code++)
            {
                if (_members[code] > 0)
                    Make(code, _weights[code]);
                else
                    MakeOfSegment(code);
            }
            long bits = Assign();
            if (bits == before)
                break;
            before = bits;
        }
        return before;
    }

    /// <summary>Assigns each segment to its best code; returns the bits of all segments.</summary>
    private long Assign()
    {
        _cancellation.ThrowIfCancellationRequested();
        _members.AsSpan().Clear();
        foreach (long[] weights in _weights)
            weights.AsSpan().Clear();
        _losses.AsSpan().Clear();
        long total = 0;
        foreach (SymbolCounts segment in _segments)
        {
            long bits = Best(segment, out int code, out long second);
            bool isCoded = IsCoded(bits, segment.Total);
            total += isCoded ? bits + HeaderBits : 8L * segment.Total;
            if (!isCoded)
                continue;
            _members[code]++;
            _losses[code] += Math.Min(second, 8L * segment.Total) - bits;
            Add(segment, _weights[code]);
        }
        return total;
    }

    /// <summary>Returns the fewest bits of a segment, the code, and the bits of the second best one.</summary>
    private long Best(SymbolCounts segment, out int code, out long second)
    {
        ReadOnlySpan<ushort> counts = segment.Counts;
        ReadOnlySpan<int> costs = _costs;
        Vector128<int> a = default;
        Vector128<int> b = default;
        Vector128<int> c = default;
        Vector128<int> d = default;
        for (int i = 0; i < counts.Length; i += 2)
        {
            ReadOnlySpan<int> row = costs.Slice(counts[i] * Stride, Stride);
            Vector128<int> count = Vector128.Create((int)counts[i + 1]);
            a += count * Vector128.Create(row);
            b += count * Vector128.Create(row[4..]);
            c += count * Vector128.Create(row[8..]);
            d += count * Vector128.Create(row[12..]);
        }
        Span<int> sums = stackalloc int[Stride];
        a.CopyTo(sums);
        b.CopyTo(sums[4..]);
        c.CopyTo(sums[8..]);
        d.CopyTo(sums[12..]);
        code = 0;
        second = long.MaxValue;
        for (int i = 1; i < Codes; i++)
        {
            if (sums[i] < sums[code])
                (code, second) = (i, sums[code]);
            else
                second = Math.Min(second, sums[i]);
        }
        return sums[code];
    }

    /// <summary>Returns how many more bits the best code takes than a code of the segment's own would.</summary>
    private double Excess(SymbolCounts segment) => Best(segment, out _, out _) - segment.Entropy;

    private static void Add(SymbolCounts segment, long[] weights)
    {
        for (int i = 0; i < segment.Counts.Length; i += 2)
            weights[segment.Counts[i]] += segment.Counts[i + 1] * (long)Unit;
    }

    private void Make(int code, long[] weights)
    {
        // A symbol that never occurred may occur.
        long least = Math.Max(Unit / 32, weights.Sum() >> 20);
        for (int i = 0; i < Symbols; i++)
            weights[i] = Math.Max(weights[i], least);
        byte[] lengths = new byte[Symbols];
        PrefixCodeLengths.Compute(weights, PrefixCode.MaxBits, lengths);
        Set(code, lengths);
    }

    private void Set(byte[][] codes)
    {
        for (int code = 0; code < Codes; code++)
            Set(code, codes[code]);
    }

    private void Set(int code, byte[] lengths)
    {
        _lengths[code] = lengths;
        for (int symbol = 0; symbol < Symbols; symbol++)
            _costs[symbol * Stride + code] = lengths[symbol];
    }
}
