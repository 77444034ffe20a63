namespace PageFold.Compression.Fold.Training;

/// <summary>Trains boxes and prefix codes on samples.</summary>
/// <remarks>The result depends on nothing but the samples, the length and the dictionary.</remarks>
internal static class FoldTrainer
{
    /// <summary>The longest sample.</summary>
    public const int MaxLength = FoldCodec.MaxPageSize;

    private const int Rounds = 2;

    // The shares that literals and tokens must gain to be coded, as powers of two: 5 for a 32nd.
    private const int LiteralGainShift = 5;
    private const int TokenGainShift = 4;

    /// <summary>Trains a set of tables.</summary>
    /// <param name="samples">Typical texts.</param>
    /// <param name="length">The most bytes of a text that will be encoded; longer samples are not used.</param>
    /// <param name="dictionary">What precedes each text; empty for nothing.</param>
    /// <param name="cancellation">Ends the training.</param>
    public static FoldDefinition Train(
        IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, ReadOnlyMemory<byte> dictionary, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
        List<ParsedText> parsed = Parse(samples, length, dictionary.Span, cancellation);
        List<ParsedText> used = parsed;
        Box[] boxes = [];
        byte[][] literals = [];
        for (int round = 0; round < Rounds; round++)
        {
            boxes = BoxTrainer.Train(Count(used), cancellation);
            literals = PrefixCodeTrainer.Train(used.SelectMany(text => text.Literals), LiteralGainShift, literals, cancellation);
            // A text that is not made shorter is stored as it is, so it must not shape what the others need.
            byte[] map = MapOf(boxes, []);
            used = parsed.FindAll(text => Bytes(text, boxes, map, literals) < text.Length);
        }
        return FoldDefinition.TryMake(length, boxes, literals, TrainTokens(used, boxes, cancellation), dictionary)
            ?? throw new InvalidOperationException("training made tables that are none");
    }

    /// <summary>The most bytes that training takes beside the samples, that of a dictionary included.</summary>
    /// <param name="sampleBytes">Bytes of all samples.</param>
    /// <param name="length">The most bytes of a text.</param>
    /// <param name="dictionaryBytes">The most bytes of the dictionary; zero for none.</param>
    public static long MaxWorkBytes(long sampleBytes, int length, int dictionaryBytes)
    {
        // What is known of a text: two bytes for each sequence, and the counts of literals and tokens, up to 1 KiB a segment.
        const long CountsAndObjects = 2560;
        long parsed = (sampleBytes + length - 1) / length * (2L * length + CountsAndObjects);
        // A context has a copy of the dictionary and of the distances to its positions' candidates.
        long context = FoldCodec.MaxSharedBytes(dictionaryBytes) + 16L * length + 3L * dictionaryBytes;
        return parsed + 2 * context
            + Math.Max(BoxTrainer.MaxWorkBytes, dictionaryBytes > 0 ? PrefixTrainer.MaxWorkBytes(sampleBytes, dictionaryBytes) : 0);
    }

    /// <summary>Returns how many sequences have the cells at each place of a map.</summary>
    public static long[] Count(IEnumerable<ParsedText> texts)
    {
        long[] counts = new long[Cells.MapLength];
        foreach (ParsedText text in texts)
        {
            foreach (ushort place in text.Sequences)
                counts[place]++;
        }
        return counts;
    }

    private static List<ParsedText> Parse(
        IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, ReadOnlySpan<byte> dictionary, CancellationToken cancellation)
    {
        List<ParsedText> parsed = new(samples.Count);
        using TextParser parser = TextParser.Create(length, dictionary);
        foreach (ReadOnlyMemory<byte> sample in samples)
        {
            cancellation.ThrowIfCancellationRequested();
            if (sample.Length > 0 && sample.Length <= length)
                parsed.Add(parser.Parse(sample.Span));
        }
        return parsed;
    }

    /// <summary>Chooses the codes of tokens.</summary>
    /// <remarks>Which box an encoder chooses depends on what the boxes' tokens cost, and that on how often they are chosen.</remarks>
    private static byte[][] TrainTokens(List<ParsedText> texts, Box[] boxes, CancellationToken cancellation)
    {
        byte[][] codes = [];
        for (int round = 0; round <= Rounds; round++)
        {
            byte[] map = MapOf(boxes, codes);
            codes = PrefixCodeTrainer.Train(texts.SelectMany(text => TokensOf(text, map)), TokenGainShift, codes, cancellation);
        }
        return codes;
    }

    private static SymbolCounts[] TokensOf(ParsedText text, byte[] map) =>
        SymbolCounts.OfSegments(Array.ConvertAll(text.Sequences, place => map[place]));

    /// <summary>Returns for each place of a map the token that an encoder takes.</summary>
    private static unsafe byte[] MapOf(Box[] boxes, byte[][] codes)
    {
        FoldTables tables = new(FoldDefinition.TryMake(1, boxes, [], codes, default)!);
        byte[] map = new ReadOnlySpan<byte>(codes.Length > 0 ? tables.CodedMap : tables.Map, Cells.MapLength).ToArray();
        GC.KeepAlive(tables);
        return map;
    }

    private static long Bytes(ParsedText text, Box[] boxes, byte[] map, byte[][] literals)
    {
        long bits = FoldHeader.MaxRawBytes * 8L;
        foreach (SymbolCounts segment in text.Literals)
            bits += PrefixCodeTrainer.Bits(segment, literals);
        foreach (ushort place in text.Sequences)
            bits += 8 + boxes[map[place]].ExtraBits;
        return (bits + 7) / 8;
    }
}
