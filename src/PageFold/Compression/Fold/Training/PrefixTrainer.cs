using System.Runtime.InteropServices;
using PageFold.Compression.Matching;
using PageFold.Frames;

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

    // How long it takes to choose a shape, of all the time.
    private const double ShareOfChoice = 0.55;

    private readonly List<ReadOnlyMemory<byte>> _samples;
    private readonly int _length;
    private readonly int _bytes;
    private readonly TrainingWork _work;
    private long[] _keys = [];

    private PrefixTrainer(List<ReadOnlyMemory<byte>> samples, int length, int bytes, TrainingWork work) =>
        (_samples, _length, _bytes, _work) = (samples, length, bytes, work);

    /// <summary>The most bytes that training takes beside the samples.</summary>
    /// <param name="sampleBytes">Bytes of all samples.</param>
    /// <param name="length">The most bytes of a text.</param>
    /// <param name="bytes">The most bytes of the dictionary.</param>
    public static long MaxWorkBytes(long sampleBytes, int length, int bytes) =>
        SubstringCounts.WorkBytes(Math.Min(sampleBytes, MaxBytes)) + UseBytes(bytes)
            + TextParser.MaxBytes(length, bytes) + TrainingBlocks.BlockBytes;

    /// <summary>Trains a dictionary outside of a store.</summary>
    /// <inheritdoc cref="Train(IReadOnlyList{ReadOnlyMemory{byte}}, int, int, TrainingWork)"/>
    public static byte[] Train(IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, int bytes, CancellationToken cancellation)
    {
        using BorrowedMemory memory = BorrowedMemory.Unlimited();
        return Train(samples, length, bytes, new TrainingWork(memory, null, cancellation));
    }

    /// <summary>Trains a dictionary; empty if the samples have too little in common, or are too few.</summary>
    /// <param name="samples">Typical texts.</param>
    /// <param name="length">The most bytes of a text; longer samples are not used.</param>
    /// <param name="bytes">The most bytes of the dictionary.</param>
    /// <param name="work">The training.</param>
    public static byte[] Train(IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, int bytes, TrainingWork work)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, MinBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MatchDictionary.MaxLength);
        work.Check();
        List<ReadOnlyMemory<byte>> used =
            Limit([.. samples.Where(sample => sample.Length >= sizeof(ulong) && sample.Length <= length)], MaxBytes);
        if (used.Count < MinSamples)
            return [];
        List<ReadOnlyMemory<byte>> few = Limit(used, MaxBytesOfChoice);
        List<ReadOnlyMemory<byte>> heldOut = [.. few.Where((_, i) => i % HeldOut == 0)];
        List<ReadOnlyMemory<byte>> others = [.. few.Where((_, i) => i % HeldOut != 0)];
        double least = new PrefixTrainer(others, length, bytes, work).Cost([], heldOut);
        (int, int)? best = null;
        for (int i = 0; i < Shapes.Length; i++)
        {
            TrainingWork part = work.Part(ShareOfChoice * i / Shapes.Length, ShareOfChoice * (i + 1) / Shapes.Length);
            PrefixTrainer trainer = new(others, length, bytes, part);
            double cost = trainer.Cost(trainer.Make(Shapes[i]), heldOut);
            if (cost < least)
                (least, best) = (cost, Shapes[i]);
        }
        return best is null ? [] : new PrefixTrainer(used, length, bytes, work.Part(ShareOfChoice, 1)).Make(best.Value);
    }

    /// <summary>Takes every second sample, or every third and so on, so that all have about so many bytes at most.</summary>
    private static List<ReadOnlyMemory<byte>> Limit(List<ReadOnlyMemory<byte>> samples, int bytes)
    {
        long all = samples.Sum(sample => (long)sample.Length);
        long step = (all + bytes - 1) / bytes;
        return step <= 1 ? samples : [.. samples.Where((_, i) => i % step == 0)];
    }

    private static long UseBytes(int bytes) => bytes + ((long)bytes + 2) * sizeof(long);

    private byte[] Make((int StringLength, int SegmentLength) shape)
    {
        using SegmentChooser chooser = new(_samples, shape.StringLength, shape.SegmentLength, _bytes, _work);
        List<PrefixSegment> segments = chooser.Choose(_bytes);
        SortByWorth(segments);
        for (int i = 0; i < Refinements && segments.Count > 0; i++)
        {
            segments = Use(segments);
            List<PrefixSegment> kept = segments[(segments.Count / Replaced / (i + 1))..];
            List<PrefixSegment> more = chooser.Choose(_bytes - BytesOf(kept));
            SortByWorth(more);
            more.AddRange(kept);
            segments = Use(more);
            _work.Tell((i + 1.0) / Refinements);
        }
        byte[] dictionary = new byte[BytesOf(segments)];
        Join(segments, dictionary);
        return dictionary;
    }

    /// <summary>Returns the segments in order of what they save when all samples are parsed with them, the least first.</summary>
    private List<PrefixSegment> Use(List<PrefixSegment> segments)
    {
        int length = BytesOf(segments);
        NativeBuffer memory = _work.Memory.Allocate(UseBytes(length));
        try
        {
            Span<long> saved = MemoryMarshal.Cast<byte, long>(memory.Span)[..(length + 1)];
            Span<byte> dictionary = memory.Span[^length..];
            Join(segments, dictionary);
            return Use(segments, dictionary, saved);
        }
        finally
        {
            _work.Memory.Free(memory);
        }
    }

    private List<PrefixSegment> Use(List<PrefixSegment> segments, ReadOnlySpan<byte> dictionary, Span<long> saved)
    {
        using (TextParser parser = TextParser.Create(_length, dictionary, _work.Memory))
        {
            foreach (ReadOnlyMemory<byte> sample in _samples)
            {
                _work.Check();
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
            AddUsed(used, segment.Bytes, saved.Slice(start, segment.Bytes.Length), least);
            start += segment.Bytes.Length;
        }
        SortByWorth(used);
        return used;
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
        using TextParser parser = TextParser.Create(_length, dictionary, _work.Memory);
        using TrainingBlocks blocks = new(_work.Memory);
        double bits = 0;
        Span<long> counts = stackalloc long[PrefixCode.Symbols];
        counts.Clear();
        foreach (ReadOnlyMemory<byte> text in texts)
        {
            _work.Check();
            blocks.Clear();
            ParsedText parsed = parser.Parse(text.Span, blocks);
            foreach (ref readonly SymbolCounts literals in parsed.Literals)
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
        long all = 0;
        foreach (long count in counts)
            all += count;
        foreach (long count in counts)
            bits -= count == 0 ? 0 : count * Math.Log2((double)count / all);
        return bits;
    }

    /// <summary>Sorts segments by their worth; those of the same worth stay in their order.</summary>
    private void SortByWorth(List<PrefixSegment> segments)
    {
        const int PlaceBits = 20;
        if (_keys.Length < segments.Count)
            _keys = new long[Math.Max(segments.Count, 2 * _keys.Length)];
        Span<long> keys = _keys.AsSpan(0, segments.Count);
        for (int i = 0; i < keys.Length; i++)
            keys[i] = segments[i].Worth << PlaceBits | (uint)i;
        keys.Sort(CollectionsMarshal.AsSpan(segments));
    }

    private static int BytesOf(List<PrefixSegment> segments)
    {
        int bytes = 0;
        foreach (PrefixSegment segment in segments)
            bytes += segment.Bytes.Length;
        return bytes;
    }

    private static void Join(List<PrefixSegment> segments, Span<byte> joined)
    {
        foreach (PrefixSegment segment in segments)
        {
            segment.Bytes.Span.CopyTo(joined);
            joined = joined[segment.Bytes.Length..];
        }
    }
}
