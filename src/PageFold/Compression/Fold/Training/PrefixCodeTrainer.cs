using System.Runtime.Intrinsics;

namespace PageFold.Compression.Fold.Training;

/// <summary>Chooses the prefix codes that code given segments of symbols, each by the best one, with the fewest bits.</summary>
/// <remarks>
/// Lloyd's k-means: each segment goes to the code that is shortest for it, and each code becomes the optimal one of its segments.
/// Segments that no code makes shorter count for none. The result depends on the start, so several are tried: the first code is that of
/// all segments, and each further one is that of the segment, of a random few, that the codes so far serve worst. The best result is then
/// improved by giving one code up for another, many times.
/// </remarks>
internal sealed unsafe class PrefixCodeTrainer
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

    /// <summary>The most segments: more make no better codes.</summary>
    public const int MaxSegments = 16384;

    // Fewer are enough to choose among starts and replacements.
    private const int MaxSegmentsOfChoice = 6144;
    private const int SegmentsBetweenChecks = 1024;

    // Of the time that a choice takes.
    private const double ShareOfStart = 0.1;
    private const double ShareOfReplacement = 0.02;

    // What a code costs a text in addition to its bits.
    private const int HeaderBits = 6 * 8;

    // A symbol's weight counts so many for each time that it occurs.
    private const int Unit = 4096;

    private readonly TrainingWork _work;
    private readonly byte[] _lengths = new byte[Codes * Symbols];
    private readonly byte[] _best = new byte[Codes * Symbols];

    // For each symbol its length in each of the codes.
    private readonly int[] _costs = new int[Symbols * Stride];
    private readonly long[] _weights = new long[Codes * Symbols];
    private readonly long[] _weightsOfOne = new long[Symbols];
    private readonly int[] _members = new int[Codes];

    // What the segments of each code would have more without it.
    private readonly long[] _losses = new long[Codes];

    // Of all segments so many are used, evenly.
    private readonly SymbolCounts* _all;
    private readonly int _count;
    private int _used;
    private readonly int _gainShift;
    private SmallRandom _random = new(1);

    private PrefixCodeTrainer(SymbolCounts* all, int count, int gainShift, TrainingWork work)
    {
        _all = all;
        _count = _used = count;
        _gainShift = gainShift;
        _work = work;
    }

    /// <summary>True if a segment has so many symbols that training looks at it.</summary>
    public static bool IsLong(in SymbolCounts segment) => segment.Total >= MinSymbols;

    /// <summary>Chooses the codes; none if there is nothing to code.</summary>
    /// <param name="segments">Long segments, at most <see cref="MaxSegments"/>.</param>
    /// <param name="gainShift">The share of its bytes that a segment must gain to be coded, as a power of two: 5 for a 32nd.</param>
    /// <param name="start">Codes to improve; fewer than 15 to choose anew.</param>
    /// <param name="work">The training.</param>
    public static byte[][] Train(ReadOnlySpan<SymbolCounts> segments, int gainShift, byte[][] start, TrainingWork work)
    {
        if (segments.IsEmpty)
            return [];
        fixed (SymbolCounts* all = segments)
        {
            PrefixCodeTrainer trainer = new(all, segments.Length, gainShift, work);
            if (start.Length == Codes)
                trainer.Set(start);
            else
                trainer.Choose();
            long bits = long.MaxValue;
            trainer.Use(segments.Length);
            trainer.Keep(Iterations, ref bits);
            return [.. Enumerable.Range(0, Codes).Select(code => trainer._best.AsSpan(code * Symbols, Symbols).ToArray())];
        }
    }

    /// <summary>Returns the bits of a segment: as it is, or by the best of some codes.</summary>
    public static long Bits(in SymbolCounts segment, byte[][] codes)
    {
        long least = 8L * segment.Total;
        ReadOnlySpan<ushort> counts = segment.Counts;
        foreach (byte[] lengths in codes)
        {
            long bits = 0;
            for (int i = 0; i < counts.Length; i += 2)
                bits += (long)counts[i + 1] * lengths[counts[i]];
            least = Math.Min(least, bits);
        }
        return least;
    }

    /// <summary>Chooses codes anew, on a part of the segments, and sets the best.</summary>
    private void Choose()
    {
        Use(Math.Min(_count, MaxSegmentsOfChoice));
        long bits = long.MaxValue;
        for (int i = 0; i < Starts; i++)
        {
            Start();
            Keep(Iterations, ref bits);
            _work.Tell((i + 1) * ShareOfStart);
        }
        for (int i = 0; i < Replacements; i++)
        {
            Set(_best);
            Replace();
            Keep(IterationsOfReplacement, ref bits);
            _work.Tell(Starts * ShareOfStart + i * ShareOfReplacement);
        }
        Set(_best);
    }

    /// <summary>Works on so many of the segments from now on.</summary>
    private void Use(int count)
    {
        _used = count;
        _random = new SmallRandom(1);
    }

    private ref readonly SymbolCounts Segment(int number) => ref _all[(long)number * _count / _used];

    private bool IsCoded(long bits, int count) => bits + HeaderBits < 8L * count - (8L * count >> _gainShift);

    /// <summary>Chooses codes to begin with.</summary>
    private void Start()
    {
        _weightsOfOne.AsSpan().Clear();
        for (int i = 0; i < _used; i++)
            Add(Segment(i), _weightsOfOne);
        Make(0, _weightsOfOne);
        for (int code = 1; code < Codes; code++)
            Set(code, _lengths.AsSpan(0, Symbols));
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
        int worst = 0;
        double most = double.MinValue;
        for (int i = 0; i < Tries; i++)
        {
            int chosen = _random.Next(_used);
            double excess = Excess(Segment(chosen));
            if (excess > most)
                (worst, most) = (chosen, excess);
        }
        _weightsOfOne.AsSpan().Clear();
        Add(Segment(worst), _weightsOfOne);
        Make(code, _weightsOfOne);
    }

    /// <summary>Improves the codes, and keeps them if they are better than the best ones.</summary>
    private void Keep(int iterations, ref long bestBits)
    {
        long bits = Improve(iterations);
        if (bits >= bestBits)
            return;
        bestBits = bits;
        _lengths.CopyTo(_best.AsSpan());
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
                    Make(code, _weights.AsSpan(code * Symbols, Symbols));
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
        _members.AsSpan().Clear();
        _weights.AsSpan().Clear();
        _losses.AsSpan().Clear();
        long total = 0;
        for (int i = 0; i < _used; i++)
        {
            if (i % SegmentsBetweenChecks == 0)
                _work.Check();
            ref readonly SymbolCounts segment = ref Segment(i);
            long bits = Best(segment, out int code, out long second);
            bool isCoded = IsCoded(bits, segment.Total);
            total += isCoded ? bits + HeaderBits : 8L * segment.Total;
            if (!isCoded)
                continue;
            _members[code]++;
            _losses[code] += Math.Min(second, 8L * segment.Total) - bits;
            Add(segment, _weights.AsSpan(code * Symbols, Symbols));
        }
        return total;
    }

    /// <summary>Returns the fewest bits of a segment, the code, and the bits of the second best one.</summary>
    private long Best(in SymbolCounts segment, out int code, out long second)
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
    private double Excess(in SymbolCounts segment) => Best(segment, out _, out _) - segment.Entropy;

    private static void Add(in SymbolCounts segment, Span<long> weights)
    {
        ReadOnlySpan<ushort> counts = segment.Counts;
        for (int i = 0; i < counts.Length; i += 2)
            weights[counts[i]] += counts[i + 1] * (long)Unit;
    }

    private void Make(int code, Span<long> weights)
    {
        long sum = 0;
        foreach (long weight in weights)
            sum += weight;
        // A symbol that never occurred may occur.
        long least = Math.Max(Unit / 32, sum >> 20);
        for (int i = 0; i < Symbols; i++)
            weights[i] = Math.Max(weights[i], least);
        Span<byte> lengths = stackalloc byte[Symbols];
        PrefixCodeLengths.Compute(weights, PrefixCode.MaxBits, lengths);
        Set(code, lengths);
    }

    private void Set(byte[][] codes)
    {
        for (int code = 0; code < Codes; code++)
            Set(code, codes[code]);
    }

    private void Set(ReadOnlySpan<byte> codes)
    {
        for (int code = 0; code < Codes; code++)
            Set(code, codes.Slice(code * Symbols, Symbols));
    }

    private void Set(int code, ReadOnlySpan<byte> lengths)
    {
        lengths.CopyTo(_lengths.AsSpan(code * Symbols));
        for (int symbol = 0; symbol < Symbols; symbol++)
            _costs[symbol * Stride + code] = lengths[symbol];
    }
}
