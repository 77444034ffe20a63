using PageFold.Compression;
using PageFold.Frames;
using PageFold.Store;

namespace PageFold;

/// <summary>Dictionaries trained on the store's own pages.</summary>
public sealed unsafe partial class PageStore
{
    // The library's own advice: a hundred times as much content as the dictionary is to have.
    private const int SampleBytesPerByte = 100;
    private const int LeastDictionary = 1024;
    private const int LargestDictionary = 1 << 20;

    /// <summary>
    /// Trains a Zstandard dictionary on some of the store's pages, chosen evenly, for <see cref="PageCodec.Zstd"/>. Pages of text, records or code have much in common that a single
    /// page is too small to show.
    /// </summary>
    /// <param name="bytes">Bytes of the dictionary at most, 1 KiB to 1 MiB. Every codec that uses it holds it digested, which takes several times as much.</param>
    /// <param name="level">The level that the pages will be compressed at.</param>
    /// <param name="cancellation">Ends the reading of samples.</param>
    /// <returns>The dictionary; null if too few pages are stored, or they have too little in common.</returns>
    /// <remarks>
    /// While it works it holds, within the memory limit, what the library needs (some 12 MiB, and several times what the dictionary takes
    /// digested at that level) and samples of up to a hundred times the
    /// dictionary's bytes, fewer where the limit leaves less. The dictionary itself belongs to the caller. Reading a sample counts as an
    /// access.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The size or the level is out of range.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for the work and a few samples.</exception>
    /// <exception cref="PageCorruptException">A sample does not match its check.</exception>
    /// <exception cref="WritebackReadException">A sample is in the writeback file and cannot be read from there.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public byte[]? TrainDictionary(int bytes = 32 << 10, int level = ZstdCodec.DefaultLevel, CancellationToken cancellation = default)
    {
        Throw.IfDictionarySizeInvalid(bytes, LeastDictionary, LargestDictionary);
        Throw.IfLevelInvalid(level, ZstdCodec.LowestLevel, ZstdCodec.HighestLevel);
        long wanted = Math.Max(ZstdDictionary.LeastSamples, (long)bytes * SampleBytesPerByte / PageSize);
        long stored = _counters.Read(StoreCounter.Pages) - _counters.Read(StoreCounter.SameFilled) - _counters.Read(StoreCounter.WrittenBack);
        if (stored < ZstdDictionary.LeastSamples)
            return null;
        long work = ZstdDictionary.MostWorkBytes((int)Math.Min(wanted, stored), PageSize, level, bytes);
        long least = work + ZstdDictionary.LeastSamples * (long)PageSize;
        if (Budget.Faults?.ShouldRefuse() == true || !Budget.TryCharge(work))
            throw Throw.NoMemoryToTrain(least, MemoryLimit);
        NativeBuffer samples = default;
        try
        {
            // The pages that are written meanwhile want memory too.
            wanted = Math.Min(Math.Min(wanted, stored), Math.Max(ZstdDictionary.LeastSamples, Budget.Available / 2 / PageSize));
            if (!NativeBuffer.TryAllocate(Budget, wanted * PageSize, out samples))
                throw Throw.NoMemoryToTrain(least, MemoryLimit);
            int taken = TakeSamples(samples.Span, stored / wanted, cancellation);
            return taken < ZstdDictionary.LeastSamples ? null : ZstdDictionary.Train(samples.Span[..(taken * PageSize)], PageSize, level, bytes);
        }
        finally
        {
            samples.Free(Budget);
            Budget.Release(work);
        }
    }

    /// <summary>Reads every so-many-th page, until there is no more room; returns how many.</summary>
    private int TakeSamples(Span<byte> samples, long step, CancellationToken cancellation)
    {
        int taken = 0;
        long seen = 0;
        for (long from = 0; !samples.IsEmpty && from <= MaxPage && TryFindNext(from, out long number); from = number + 1)
        {
            cancellation.ThrowIfCancellationRequested();
            if (StateOf(number) is null or PageState.SameFilled or PageState.WrittenBack || seen++ % step != 0 || !TryRead(number, samples[..PageSize]))
                continue;
            samples = samples[PageSize..];
            taken++;
        }
        return taken;
    }
}
