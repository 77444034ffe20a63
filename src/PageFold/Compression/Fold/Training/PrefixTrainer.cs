using PageFold.Compression.Matching;

namespace PageFold.Compression.Fold.Training;

/// <summary>Trains the dictionary that precedes each text: content that many texts have in common.</summary>
/// <remarks>
/// <para>
/// Segments of samples are chosen by <see cref="SegmentChooser"/>, for several lengths of strings and segments; what serves other samples
/// best is taken. Then the samples are parsed with the dictionary, which tells how many bytes each segment really saves: what saves
/// little is replaced, several times.
/// </para>
/// <para>The segments that save most come last, nearest to the text: the distances to them have the fewest bits.</para>
/// </remarks>
internal sealed class PrefixTrainer
{
    /// <summary>The shortest dictionary that is trained.</summary>
    public const int MinBytes = 1 << 10;

    /// <summary>The fewest samples: of fewer it is not known what is common.</summary>
    public const int MinSamples = 16;

    // More samples than this make no better dictionary, and fewer are enough to choose a shape.
    private const int MaxBytes = 16 << 20;
    private const int MaxBytesOfChoice = 3 << 20;

    // One of so many of these is held out.
    private const int HeldOut = 4;
    private const int Refinements = 4;

    // About what a token and its extra bits cost without those of the distance.
    private const int TokenBits = 10;

    // What a match saves against literals, in bytes, is at least this much less than its length.
    private const int MatchCost = 2;

    // A byte of the dictionary is left out if it saves less than this part of the mean, unless so few bytes are between two that are kept.
    private const int LeastShare = 16;
    private const int MaxGap = 4;

    // Of the segments this part is replaced first; later less.
    private const int Replaced = 4;

    private static readonly (int StringLength, int SegmentLength)[] Shapes = [(6, 48), (8, 64), (8, 128), (8, 256), (8, 512)];

    private readonly List<ReadOnlyMemory<byte>> _samples;
    private readonly int _length;
    private readonly CancellationToken _cancellation;

    private PrefixTrainer(List<ReadOnlyMemory<byte>> samples, int length, CancellationToken cancellation)
    {
        (_samples, _length, _cancellation) = (samples, length, cancellation);
    }

    /// <summary>The most bytes that training takes beside the samples.</summary>
    /// <param name="sampleBytes">Bytes of all samples.</param>
    /// <param name="bytes">The most bytes of the dictionary.</param>
    public static long MaxWorkBytes(long sampleBytes, int bytes)
    {
        // Segments, and dictionaries that are joined of them.
        const int Copies = 16;
        // The tables of one shape, and those of the one before that may not be collected yet.
        return 2 * SubstringCounts.MaxWorkBytes(sampleBytes) + (long)Copies * bytes;
    }

    /// <summary>Trains a dictionary; empty if the samples have too little in common, or are too few.</summary>
    /// <param name="samples">Typical texts.</param>
    /// <param name="length">The most bytes of a text; longer samples are not used.</param>
    /// <param name="bytes">The most bytes of the dictionary.</param>
    /// <param name="cancellation">Ends the training.</param>
    public static byte[] Train(IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, int bytes, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, MinBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MatchDictionary.MaxLength);
        List<ReadOnlyMemory<byte>> used =
            Limit([.. samples.Where(sample => sample.Length >= sizeof(ulong) && sample.Length <= length)], MaxBytes);
        if (used.Count < MinSamples)
            return [];
        List<ReadOnlyMemory<byte>> few = Limit(used, MaxBytesOfChoice);
        List<ReadOnlyMemory<byte>> heldOut = [.. few.Where((_, i) => i % HeldOut == 0)];
        PrefixTrainer others = new([.. few.Where((_, i) => i % HeldOut != 0)], length, cancellation);
        double least = others.Cost([], heldOut);
        (int, int)? best = null;
        foreach ((int, int) shape in Shapes)
        {
            double cost = others.Cost(others.Make(shape, bytes), heldOut);
            if (cost < least)
                (least, best) = (cost, shape);
        }
        return best is null ? [] : new PrefixTrainer(used, length, cancellation).Make(best.Value, bytes);
    }

    /// <summary>Takes every second sample, or every third and so on, so that all have about so many bytes at most.</summary>
    private static List<ReadOnlyMemory<byte>> Limit(List<ReadOnlyMemory<byte>> samples, int bytes)
    {
        long all = samples.Sum(sample => (long)sample.Length);
        long step = (all + bytes - 1) / bytes;
        return step <= 1 ? samples : [.. samples.Where((_, i) => i % step == 0)];
    }

    private byte[] Make((int StringLength, int SegmentLength) shape, int bytes)
    {
        SegmentChooser chooser = new(_samples, shape.StringLength, shape.SegmentLength, bytes, _cancellation);
        List<PrefixSegment> segments = chooser.Choose(bytes, _cancellation);
        segments = [.. segments.OrderBy(segment => segment.Worth)];
        for (int i = 0; i < Refinements && segments.Count > 0; i++)
        {
            segments = Use(segments);
            List<PrefixSegment> kept = segments[(segments.Count / Replaced / (i + 1))..];
            List<PrefixSegment> more = chooser.Choose(bytes - kept.Sum(segment => segment.Bytes.Length), _cancellation);
            segments = Use([.. more.OrderBy(segment => segment.Worth), .. kept]);
        }
        return Join(segments);
    }

    /// <summary>Returns the segments in order of what they save when all samples are parsed with them, the least first.</summary>
    private List<PrefixSegment> Use(List<PrefixSegment> segments)
    {
        byte[] dictionary = Join(segments);
        long[] saved = new long[dictionary.Length + 1];
        using (TextParser parser = TextParser.Create(_length, dictionary))
        {
            foreach (ReadOnlyMemory<byte> sample in _samples)
            {
                _cancellation.ThrowIfCancellationRequested();
                foreach (TextMatch match in parser.FindMatches(sample.Span))
                {
                    int from = dictionary.Length + match.Position - match.Distance;
                    if (from >= dictionary.Length)
                        continue;
                    // Each byte of the match saves the same.
                    int to = Math.Min(dictionary.Length, from + match.Length);
                    long each = Math.Max(0, match.Length - MatchCost) * 16L / match.Length;
                    saved[from] += each;
                    saved[to] -= each;
                }
            }
        }
        long total = 0;
        long running = 0;
        for (int i = 0; i < dictionary.Length; i++)
            total += saved[i] = running += saved[i];
        long least = total / Math.Max(1, dictionary.Length) / LeastShare;
        List<PrefixSegment> used = new(segments.Count);
        int start = 0;
        foreach (PrefixSegment segment in segments)
        {
            AddUsed(used, segment.Bytes, saved.AsSpan(start, segment.Bytes.Length), least);
            start += segment.Bytes.Length;
        }
        return [.. used.OrderBy(segment => segment.Worth)];
    }

    /// <summary>Adds the parts of a segment whose bytes save more than a bound.</summary>
    private static void AddUsed(List<PrefixSegment> used, ReadOnlyMemory<byte> bytes, ReadOnlySpan<long> saved, long least)
    {
        int start = -1;
        int end = 0;
        long worth = 0;
        for (int i = 0; i < saved.Length; i++)
        {
            if (saved[i] <= least)
                continue;
            if (start >= 0 && i - end > MaxGap)
            {
                used.Add(new PrefixSegment(bytes[start..end], worth));
                (start, worth) = (-1, 0);
            }
            if (start < 0)
                start = i;
            end = i + 1;
            worth += saved[i];
        }
        if (start >= 0)
            used.Add(new PrefixSegment(bytes[start..end], worth));
    }

    /// <summary>Returns about how many bits texts take with a dictionary.</summary>
    private double Cost(byte[] dictionary, List<ReadOnlyMemory<byte>> texts)
    {
        using TextParser parser = TextParser.Create(_length, dictionary);
        double bits = 0;
        long[] counts = new long[PrefixCode.Symbols];
        foreach (ReadOnlyMemory<byte> text in texts)
        {
            _cancellation.ThrowIfCancellationRequested();
            ParsedText parsed = parser.Parse(text.Span);
            foreach (SymbolCounts literals in parsed.Literals)
            {
                for (int i = 0; i < literals.Counts.Length; i += 2)
                    counts[literals.Counts[i]] += literals.Counts[i + 1];
            }
            foreach (ushort place in parsed.Sequences)
            {
                int distance = place / Cells.DistanceStride;
                bits += TokenBits + (distance == Cells.Repeat ? 0 : distance / 2);
            }
        }
        // Literals are coded.
        double all = counts.Sum();
        foreach (long count in counts)
            bits -= count == 0 ? 0 : count * Math.Log2(count / all);
        return bits;
    }

    private static byte[] Join(List<PrefixSegment> segments)
    {
        byte[] joined = new byte[segments.Sum(segment => segment.Bytes.Length)];
        int at = 0;
        foreach (PrefixSegment segment in segments)
        {
            segment.Bytes.CopyTo(joined.AsMemory(at));
            at += segment.Bytes.Length;
        }
        return joined;
    }
}
