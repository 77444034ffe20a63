using PageFold.Compression;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
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

    // When sampling ends, of all the time.
    private const double EndOfSampling = 0.03;

    private readonly PageSampler _sampler = new(index, reader);

    /// <summary>The most bytes that a training on so many samples takes.</summary>
    private long MaxBytes(long samples, int dictionaryBytes) =>
        samples * index.PageSize + TablesTrainer.MaxBytes(samples, index.PageSize, dictionaryBytes);

    /// <summary>Trains tables: see <see cref="PageStore.RunFoldTraining"/>.</summary>
    public FoldTraining Train(
        FoldLevel level, int dictionaryBytes, double leastGain, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        CodecThrow.IfLevelInvalid(level, nameof(level));
        CodecThrow.IfPrefixSizeInvalid(dictionaryBytes, nameof(dictionaryBytes));
        CodecThrow.IfGainInvalid(leastGain, nameof(leastGain));
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
            if (taken < MinSamples)
                return new FoldTraining { Samples = taken };
            TablesTrainer trainer = new(Split(buffer, taken), index.PageSize, level, incompressibleAbove);
            return trainer.Train(InUse(level), dictionaryBytes, leastGain, work.Part(EndOfSampling, 1));
        }
        catch (OperationCanceledException e) when (e.CancellationToken == loan.Token)
        {
            // Whatever else has ended it, the caller hears of its own token, and then of a store that was disposed.
            cancellationToken.ThrowIfCancellationRequested();
            index.Enter().Dispose();
            throw TrainingThrow.GaveWay("tables", index.Budget.Limit);
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

    private IEnumerable<ReadOnlyMemory<byte>> Split(NativeBuffer buffer, int count)
    {
        ReadOnlyMemory<byte> all = new BufferMemory(buffer).Memory;
        for (int i = 0; i < count; i++)
            yield return all.Slice(i * index.PageSize, index.PageSize);
    }
}
