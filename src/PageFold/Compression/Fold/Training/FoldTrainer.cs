using PageFold.Frames;

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

    // When the parts of a training end, of all its time.
    private const double EndOfParsing = 0.1;
    private const double EndOfRound = 0.4;
    private const double EndOfRounds = 0.7;

    /// <summary>Trains a set of tables outside of a store.</summary>
    /// <inheritdoc cref="Train(IReadOnlyList{ReadOnlyMemory{byte}}, int, ReadOnlyMemory{byte}, TrainingWork)"/>
    public static FoldDefinition Train(
        IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, ReadOnlyMemory<byte> dictionary, CancellationToken cancellation)
    {
        using BorrowedMemory memory = BorrowedMemory.Unlimited();
        return Train(samples, length, dictionary, new TrainingWork(memory, null, cancellation));
    }

    /// <summary>Trains a set of tables.</summary>
    /// <param name="samples">Typical texts.</param>
    /// <param name="length">The most bytes of a text that will be encoded; longer samples are not used.</param>
    /// <param name="dictionary">What precedes each text; empty for nothing.</param>
    /// <param name="work">The training.</param>
    public static FoldDefinition Train(
        IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, ReadOnlyMemory<byte> dictionary, TrainingWork work)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
        using TrainingTexts texts = new(samples.Count, work.Memory);
        texts.Parse(samples, length, dictionary.Span, work.Part(0, EndOfParsing));
        byte[] map = new byte[Cells.MapLength];
        long[] counts = new long[Cells.MapLength];
        Box[] boxes = [];
        byte[][] literals = [];
        for (int round = 0; round < Rounds; round++)
        {
            TrainingWork part = round == 0 ? work.Part(EndOfParsing, EndOfRound) : work.Part(EndOfRound, EndOfRounds);
            texts.Count(counts);
            boxes = BoxTrainer.Train(counts, part.Part(0, 0.5));
            literals = texts.TrainLiterals(LiteralGainShift, literals, part.Part(0.5, 1));
            // A text that is not made shorter is stored as it is, so it must not shape what the others need.
            FoldTables.MakeMap(boxes, [], map);
            foreach (ref ParsedText text in texts.All)
                text.IsUsed = Bytes(text, boxes, map, literals) < text.Length;
        }
        byte[][] tokens = TrainTokens(texts, boxes, map, work.Part(EndOfRounds, 1));
        return FoldDefinition.TryMake(length, boxes, literals, tokens, dictionary)
            ?? throw new InvalidOperationException("training made tables that are none");
    }

    /// <summary>The most bytes that training takes beside the samples, that of a dictionary included.</summary>
    /// <param name="sampleBytes">Bytes of all samples.</param>
    /// <param name="length">The most bytes of a text.</param>
    /// <param name="dictionaryBytes">The most bytes of the dictionary; zero for none.</param>
    public static long MaxWorkBytes(long sampleBytes, int length, int dictionaryBytes)
    {
        long texts = TrainingTexts.MaxBytes((sampleBytes + length - 1) / length, length) + BoxTrainer.WorkBytes
            + TextParser.MaxBytes(length, dictionaryBytes);
        return dictionaryBytes == 0 ? texts : Math.Max(texts, PrefixTrainer.MaxWorkBytes(sampleBytes, length, dictionaryBytes));
    }

    /// <summary>Chooses the codes of tokens.</summary>
    /// <remarks>Which box an encoder chooses depends on what the boxes' tokens cost, and that on how often they are chosen.</remarks>
    private static byte[][] TrainTokens(TrainingTexts texts, Box[] boxes, byte[] map, TrainingWork work)
    {
        byte[][] codes = [];
        for (int round = 0; round <= Rounds; round++)
        {
            FoldTables.MakeMap(boxes, codes, map);
            codes = texts.TrainTokens(map, TokenGainShift, codes, work.Part((double)round / (Rounds + 1), (round + 1.0) / (Rounds + 1)));
        }
        return codes;
    }

    private static long Bytes(in ParsedText text, Box[] boxes, byte[] map, byte[][] literals)
    {
        long bits = FoldHeader.MaxRawBytes * 8L;
        foreach (ref readonly SymbolCounts segment in text.Literals)
            bits += PrefixCodeTrainer.Bits(segment, literals);
        foreach (ushort place in text.Sequences)
            bits += 8 + boxes[map[place]].ExtraBits;
        return (bits + 7) / 8;
    }
}
