using PageFold.Compression.Matching;
using PageFold.Compression.Paths;
using PageFold.Frames;

namespace PageFold.Compression.Fold.Training;

/// <summary>Trains tables on a part of some samples, and returns them if the other part shows that they gain enough.</summary>
/// <remarks>
/// Tables without a dictionary are trained first, and then, if one is asked for, tables with it. The part that decides is compressed with
/// both and with the codecs in use.
/// </remarks>
internal sealed class TablesTrainer
{
    // One of so many samples decides; the others train.
    private const int HeldOut = 4;

    // When the parts of a training end, of all its time.
    private const double EndOfTablesAlone = 0.2;
    private const double EndOfDictionary = 0.8;

    // Lists of samples: each has 16 bytes a sample, and as a list grows there is an old and a new array.
    private const int ListBytesPerSample = 12 * 16;

    // Maps, prefix codes and other small tables on the GC heap.
    private const long SmallTables = Cells.MapLength * (sizeof(byte) + sizeof(long)) + (256 << 10);

    private readonly FoldLevel _level;
    private readonly int _length;
    private readonly int _packedLimit;
    private readonly List<ReadOnlyMemory<byte>> _training = [];
    private readonly List<ReadOnlyMemory<byte>> _deciding = [];

    /// <param name="samples">Typical texts.</param>
    /// <param name="length">The maximum length of a sample.</param>
    /// <param name="level">The level that decides.</param>
    /// <param name="packedLimit">What takes more bytes than this is kept as it is.</param>
    public TablesTrainer(IEnumerable<ReadOnlyMemory<byte>> samples, int length, FoldLevel level, int packedLimit)
    {
        (_level, _length, _packedLimit) = (level, length, packedLimit);
        int number = 0;
        foreach (ReadOnlyMemory<byte> sample in samples)
            (number++ % HeldOut == 0 ? _deciding : _training).Add(sample);
    }

    /// <summary>The maximum of bytes that a training takes beside samples that all have the same length.</summary>
    public static long MaxBytes(long samples, int length, int dictionaryBytes)
    {
        // A context has what a parser has; a codec in use may have a longer dictionary than the new one.
        long deciding = FoldCodec.MaxSharedBytes(dictionaryBytes) + TextParser.MaxBytes(length, MatchDictionary.MaxLength);
        long training = samples - samples / HeldOut;
        return Math.Max(deciding, FoldTrainer.MaxWorkBytes(training * length, length, dictionaryBytes));
    }

    /// <summary>The maximum of bytes that <see cref="Run"/> takes in addition to samples of these lengths.</summary>
    public static long MaxBytes(ReadOnlySpan<int> lengths, FoldTrainingOptions options)
    {
        int most = options.SampleBytes;
        int dictionary = options.DictionaryBytes;
        long texts = TrainingTexts.MaxBytes(lengths, most);
        long bytes = 0;
        foreach (int length in lengths)
            bytes += Math.Min(length, most);
        long deciding = FoldCodec.MaxSharedBytes(dictionary) + TextParser.MaxBytes(most, MatchDictionary.MaxLength)
            + FoldCodec.MaxPackedBytes(most);
        long training = texts + BoxTrainer.WorkBytes + TextParser.MaxBytes(most, dictionary);
        if (dictionary > 0)
            training = Math.Max(training, PrefixTrainer.MaxWorkBytes(bytes, most, dictionary));
        return Math.Max(deciding, training) + lengths.Length * (long)ListBytesPerSample + SmallTables
            + 4L * (FoldDefinition.MaxBytes - MatchDictionary.MaxLength + dictionary);
    }

    /// <summary>Trains on samples that lie one after the other: see <see cref="PageCodec.TrainFold"/>.</summary>
    public static unsafe FoldTraining Run(
        ReadOnlySpan<byte> samples, ReadOnlySpan<int> lengths, FoldTrainingOptions options, BorrowedMemory memory,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        int filled = lengths.Length - lengths.Count(0);
        if (filled < FoldTraining.MinSamples)
            return new FoldTraining { Samples = filled };
        fixed (byte* start = samples)
        {
            ReadOnlyMemory<byte> all = new PinnedBytes(start, samples.Length).Memory;
            List<ReadOnlyMemory<byte>> texts = new(filled);
            foreach (int length in lengths)
            {
                if (length > 0)
                    texts.Add(all[..Math.Min(length, options.SampleBytes)]);
                all = all[length..];
            }
            TablesTrainer trainer = new(texts, options.SampleBytes, options.Level, packedLimit: int.MaxValue);
            List<PageCodec> inUse = [PageCodec.Fold(options.Level)];
            if (options.InUse is { } other)
                inUse.Add(other);
            return trainer.Train(inUse, options.DictionaryBytes, options.LeastGain, new TrainingWork(memory, null, cancellation));
        }
    }

    /// <summary>Trains, and returns what was found.</summary>
    /// <param name="inUse">The codecs in use: what the best of them takes is what the tables must save of.</param>
    /// <param name="dictionaryBytes">The maximum length of the dictionary; zero for none.</param>
    /// <param name="leastGain">The part of the bytes that the tables must save.</param>
    /// <param name="work">The training.</param>
    public FoldTraining Train(IEnumerable<PageCodec> inUse, int dictionaryBytes, double leastGain, TrainingWork work)
    {
        long before = inUse.Min(codec => BytesWith(codec, work));
        byte[]? best = null;
        long enough = Math.Max(1, (long)Math.Ceiling(before * leastGain));
        long most = long.MinValue;
        // Without a dictionary first, and that is all if none is asked for.
        TrainingWork alone = dictionaryBytes == 0 ? work : work.Part(0, EndOfTablesAlone);
        Keep(FoldTrainer.Train(_training, _length, default, alone));
        if (dictionaryBytes > 0)
        {
            byte[] dictionary = PrefixTrainer.Train(_training, _length, dictionaryBytes, work.Part(EndOfTablesAlone, EndOfDictionary));
            if (dictionary.Length > 0)
                Keep(FoldTrainer.Train(_training, _length, dictionary, work.Part(EndOfDictionary, 1)));
        }
        return new FoldTraining
        {
            Tables = best,
            Samples = _training.Count + _deciding.Count,
            Gain = before > 0 ? (double)most / before : null,
        };

        void Keep(FoldDefinition definition)
        {
            long saved = before - BytesWith(definition, work);
            // Of two that save as much, the one with the dictionary: it may save more of other texts.
            if (saved >= Math.Max(enough, most))
                best = definition.ToArray();
            most = Math.Max(most, saved);
        }
    }

    /// <summary>Returns the bytes of the texts that decide, with tables that no codec has yet.</summary>
    private long BytesWith(FoldDefinition definition, TrainingWork work)
    {
        long bytes = FoldTables.MaxBytes + FoldTables.DictionaryBytes(definition.Dictionary.Length);
        work.Memory.Use(bytes);
        FoldTables tables = new(definition);
        try
        {
            return BytesWith(new FoldCodec(_level, tables, InstructionPaths.Best), work);
        }
        finally
        {
            tables.Free();
            work.Memory.EndUse(bytes);
        }
    }

    /// <summary>Returns the bytes of the texts that decide, with a codec.</summary>
    private long BytesWith(PageCodec codec, TrainingWork work)
    {
        long bytes = codec.MaxContextBytes(_length);
        work.Memory.Use(bytes);
        NativeBuffer packed = work.Memory.Allocate(codec.MaxCompressedLength(_length));
        try
        {
            using PageCodecContext context = codec.CreateContext(_length);
            long all = 0;
            foreach (ReadOnlyMemory<byte> text in _deciding)
            {
                work.Check();
                bool isShorter = context.TryCompress(text.Span, packed.Span, out int size) && size <= _packedLimit && size < text.Length;
                all += isShorter ? size : text.Length;
            }
            return all;
        }
        finally
        {
            work.Memory.Free(packed);
            work.Memory.EndUse(bytes);
        }
    }
}
