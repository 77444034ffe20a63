using PageFold.Compression;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;
using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;
using PageFold.Store.Paging;

namespace PageFold.Store.Training;

/// <summary>Trains tables of <see cref="PageCodec.Fold"/> on some of the store's own pages, and returns them if they gain enough.</summary>
/// <remarks>
/// A part of the samples trains; the other part, which training does not see, is compressed with the new tables and with those in use.
/// </remarks>
internal sealed class FoldTablesTrainer(PageIndex index, PageReader reader, StoreCodecs codecs, int incompressibleAbove)
{
    /// <summary>The least number of samples: fewer are not representative.</summary>
    public const int MinSamples = FoldTraining.MinSamples;

    // More train hardly better tables: 16 MiB make pages a few thousandths smaller.
    private const int MaxSampleBytes = 12 << 20;

    // One of so many samples decides; the others train.
    private const int HeldOut = 4;

    // When the parts of a training end, of all its time.
    private const double EndOfSampling = 0.03;
    private const double EndOfTablesAlone = 0.2;
    private const double EndOfDictionary = 0.8;

    private readonly PageSampler _sampler = new(index, reader);

    /// <summary>The most bytes that a training on so many samples takes.</summary>
    private long MaxBytes(long samples, int dictionaryBytes)
    {
        long bytes = samples * index.PageSize;
        // A context has what a parser has; a codec in use may have a longer dictionary than the new one.
        long deciding = FoldCodec.MaxSharedBytes(dictionaryBytes) + TextParser.MaxBytes(index.PageSize, MatchDictionary.MaxLength);
        long training = samples - samples / HeldOut;
        return bytes + Math.Max(deciding, FoldTrainer.MaxWorkBytes(training * index.PageSize, index.PageSize, dictionaryBytes));
    }

    /// <summary>Trains tables: see <see cref="PageStore.RunFoldTraining"/>.</summary>
    public FoldTraining Train(
        FoldLevel level, int dictionaryBytes, double leastGain, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        CodecThrow.IfLevelInvalid(level);
        TrainingThrow.IfPrefixSizeInvalid(dictionaryBytes);
        TrainingThrow.IfGainInvalid(leastGain);
        cancellationToken.ThrowIfCancellationRequested();
        long stored = _sampler.Pages;
        if (stored < MinSamples)
            return new FoldTraining { Samples = (int)Math.Max(0, stored) };
        long wanted = Math.Min(stored, Math.Max(MinSamples, MaxSampleBytes / index.PageSize));
        long most = wanted;
        // The pages that are written meanwhile want memory too.
        long available = index.Budget.Available + index.Budget.Idle;
        while (wanted > MinSamples && MaxBytes(wanted, dictionaryBytes) > available / 2)
            wanted = Math.Max(MinSamples, wanted / 2);
        FoldTraining training = Train(stored, wanted, level, dictionaryBytes, leastGain, progress, cancellationToken);
        // When the memory is back: what is called may write pages.
        progress?.Report(1);
        return training with { IsShortOfMemory = wanted < most };
    }

    private FoldTraining Train(long stored, long wanted, FoldLevel level, int dictionaryBytes, double leastGain,
        IProgress<double>? progress, CancellationToken cancellationToken)
    {
        long least = MaxBytes(MinSamples, dictionaryBytes);
        Func<Exception> refusal = () => TrainingThrow.NoMemoryToTrainTables(
            least, index.Budget.Limit, index.Log is not null,
            mayOmitDictionary: dictionaryBytes > 0 && MaxBytes(MinSamples, 0) <= index.Budget.Limit);
        using MemoryLoan loan = index.Loans.Begin(refusal, cancellationToken);
        try
        {
            // All of it: where writers take what is free meanwhile, and pages leave memory for them, the training goes on.
            loan.Memory.Reserve(MaxBytes(wanted, dictionaryBytes));
            TrainingWork work = new(loan.Memory, progress, loan.Token);
            NativeBuffer buffer = loan.Memory.Allocate(wanted * index.PageSize);
            int taken = _sampler.Take(buffer.Span, stored / wanted, loan.Token);
            work.Tell(EndOfSampling);
            return taken < MinSamples ? new FoldTraining { Samples = taken }
                : Train(Split(buffer, taken), level, dictionaryBytes, leastGain, work.Part(EndOfSampling, 1)) with { Samples = taken };
        }
        catch (OperationCanceledException e) when (e.CancellationToken == loan.Token)
        {
            // Whatever else has ended it, the caller hears of its own token, and then of a store that was disposed.
            cancellationToken.ThrowIfCancellationRequested();
            index.Enter().Dispose();
            throw TrainingThrow.GaveWay("tables", index.Budget.Limit);
        }
    }

    private FoldTraining Train(Samples samples, FoldLevel level, int dictionaryBytes, double leastGain, TrainingWork work)
    {
        long before = InUse(level).Min(codec => BytesWith(codec, samples.Deciding, work));
        byte[]? best = null;
        long enough = Math.Max(1, (long)Math.Ceiling(before * leastGain));
        long most = long.MinValue;
        // Without a dictionary first, and that is all if none is asked for.
        TrainingWork alone = dictionaryBytes == 0 ? work : work.Part(0, EndOfTablesAlone);
        Keep(FoldTrainer.Train(samples.Training, index.PageSize, default, alone));
        if (dictionaryBytes > 0)
        {
            byte[] dictionary = PrefixTrainer.Train(
                samples.Training, index.PageSize, dictionaryBytes, work.Part(EndOfTablesAlone, EndOfDictionary));
            if (dictionary.Length > 0)
                Keep(FoldTrainer.Train(samples.Training, index.PageSize, dictionary, work.Part(EndOfDictionary, 1)));
        }
        return new FoldTraining
        {
            Tables = best,
            Samples = samples.Training.Count + samples.Deciding.Count,
            Gain = before > 0 ? (double)most / before : null,
        };

        void Keep(FoldDefinition definition)
        {
            long saved = before - BytesWith(definition, level, samples.Deciding, work);
            // Of two that save as much, the one with the dictionary: it may save more of other pages.
            if (saved >= Math.Max(enough, most))
                best = definition.ToArray();
            most = Math.Max(most, saved);
        }
    }

    /// <summary>
    /// The codecs of the level: the one with the built-in tables, and those of the store with others, which its caller or another version
    /// of the library has made.
    /// </summary>
    private IEnumerable<PageCodec> InUse(FoldLevel level)
    {
        PageCodec builtIn = PageCodec.Fold(level);
        yield return builtIn;
        CodecDescription known = builtIn.Describe(index.PageSize)!;
        for (int number = 0; number < PageWord.MaxCodecs; number++)
        {
            if (codecs.Table[number] is { Name: FoldCodec.CodecName } codec && codec.Describe(index.PageSize) is { } description
                && description.Level == (int)level && !known.IsEquivalent(description))
                yield return codec;
        }
    }

    /// <summary>Returns the bytes that a store keeps of pages with tables that no codec has yet.</summary>
    private long BytesWith(FoldDefinition definition, FoldLevel level, List<ReadOnlyMemory<byte>> pages, TrainingWork work)
    {
        long bytes = FoldTables.MaxBytes + FoldTables.DictionaryBytes(definition.Dictionary.Length);
        work.Memory.Use(bytes);
        FoldTables tables = new(definition);
        try
        {
            return BytesWith(new FoldCodec(level, tables, InstructionPaths.Best), pages, work);
        }
        finally
        {
            tables.Free();
            work.Memory.EndUse(bytes);
        }
    }

    /// <summary>Returns the bytes that a store keeps of pages with a codec.</summary>
    private long BytesWith(PageCodec codec, List<ReadOnlyMemory<byte>> pages, TrainingWork work)
    {
        long bytes = codec.MaxContextBytes(index.PageSize);
        work.Memory.Use(bytes);
        NativeBuffer packed = work.Memory.Allocate(codec.MaxCompressedLength(index.PageSize));
        try
        {
            using PageCodecContext context = codec.CreateContext(index.PageSize);
            long all = 0;
            foreach (ReadOnlyMemory<byte> page in pages)
            {
                work.Check();
                all += context.TryCompress(page.Span, packed.Span, out int size) && size <= incompressibleAbove ? size : index.PageSize;
            }
            return all;
        }
        finally
        {
            work.Memory.Free(packed);
            work.Memory.EndUse(bytes);
        }
    }

    private Samples Split(NativeBuffer buffer, int count)
    {
        Samples samples = new([], []);
        ReadOnlyMemory<byte> all = new BufferMemory(buffer).Memory;
        for (int i = 0; i < count; i++)
            (i % HeldOut == 0 ? samples.Deciding : samples.Training).Add(all.Slice(i * index.PageSize, index.PageSize));
        return samples;
    }

    private sealed record Samples(List<ReadOnlyMemory<byte>> Training, List<ReadOnlyMemory<byte>> Deciding);
}
