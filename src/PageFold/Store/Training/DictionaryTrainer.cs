using PageFold.Compression;
using PageFold.Frames;
using PageFold.Store.Index;
using PageFold.Store.Paging;

namespace PageFold.Store.Training;

/// <summary>Trains dictionaries on some of the store's own pages.</summary>
/// <remarks>The library's call cannot be ended. So a write that finds no memory waits for a training before that call only.</remarks>
internal sealed class DictionaryTrainer(PageIndex index, PageReader reader)
{
    // The library's own advice: a hundred times as much content as the dictionary is to have.
    private const int SampleBytesPerByte = 100;
    private const int MinBytes = 1024;
    private const int MaxBytes = 1 << 20;

    private readonly PageSampler _sampler = new(index, reader);

    /// <summary>Trains a dictionary: see <see cref="PageStore.TrainDictionary"/>.</summary>
    public byte[]? Train(int bytes, int level, CancellationToken cancellationToken)
    {
        TrainingThrow.IfDictionarySizeInvalid(bytes, MinBytes, MaxBytes);
        CodecThrow.IfLevelInvalid(level, ZstdCodec.LowestLevel, ZstdCodec.HighestLevel);
        cancellationToken.ThrowIfCancellationRequested();
        long wanted = Math.Max(ZstdDictionary.MinSamples, (long)bytes * SampleBytesPerByte / index.PageSize);
        long stored = _sampler.Pages;
        if (stored < ZstdDictionary.MinSamples)
            return null;
        long work = ZstdDictionary.MaxWorkBytes((int)Math.Min(wanted, stored), index.PageSize, level, bytes);
        long least = work + ZstdDictionary.MinSamples * (long)index.PageSize;
        Func<Exception> refusal = () => TrainingThrow.NoMemoryToTrain(least, index.Budget.Limit, index.Log is not null);
        using MemoryLoan loan = index.Loans.Begin(refusal, cancellationToken);
        try
        {
            loan.Memory.Use(work);
            // The pages that are written meanwhile want memory too.
            long available = index.Budget.Available + index.Budget.Idle;
            wanted = Math.Min(Math.Min(wanted, stored), Math.Max(ZstdDictionary.MinSamples, available / 2 / index.PageSize));
            NativeBuffer samples = loan.Memory.Allocate(wanted * index.PageSize);
            int taken = _sampler.Take(samples.Span, stored / wanted, loan.Token);
            if (taken < ZstdDictionary.MinSamples)
                return null;
            loan.Keep();
            return ZstdDictionary.Train(samples.Span[..(taken * index.PageSize)], index.PageSize, level, bytes);
        }
        catch (OperationCanceledException e) when (e.CancellationToken == loan.Token)
        {
            // Whatever else has ended it, the caller hears of its own token, and then of a store that was disposed.
            cancellationToken.ThrowIfCancellationRequested();
            index.Enter().Dispose();
            throw TrainingThrow.GaveWay("a dictionary", index.Budget.Limit);
        }
    }
}
