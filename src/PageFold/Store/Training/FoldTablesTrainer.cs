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
    public const int MinSamples = 64;

    // More train hardly better tables.
    private const int MaxSampleBytes = 16 << 20;

    // One of so many samples decides; the others train.
    private const int HeldOut = 4;

    private readonly PageSampler _sampler = new(index, reader);

    /// <summary>Trains tables: see <see cref="PageStore.TrainFoldTables"/>.</summary>
    public byte[]? Train(FoldLevel level, int dictionaryBytes, double leastGain, CancellationToken cancellationToken)
    {
        CodecThrow.IfLevelInvalid(level);
        TrainingThrow.IfPrefixSizeInvalid(dictionaryBytes);
        TrainingThrow.IfGainInvalid(leastGain);
        cancellationToken.ThrowIfCancellationRequested();
        long stored = _sampler.Pages;
        if (stored < MinSamples)
            return null;
        long wanted = Math.Min(stored, Math.Max(MinSamples, MaxSampleBytes / index.PageSize));
        long work = FoldTrainer.MaxWorkBytes(wanted * index.PageSize, index.PageSize, dictionaryBytes);
        // The pages that are written meanwhile want memory too.
        while (wanted > MinSamples && work + wanted * index.PageSize > index.Budget.Available / 2)
        {
            wanted = Math.Max(MinSamples, wanted / 2);
            work = FoldTrainer.MaxWorkBytes(wanted * index.PageSize, index.PageSize, dictionaryBytes);
        }
        long least = work + MinSamples * (long)index.PageSize;
        if (index.Budget.Faults?.ShouldRefuse() == true || !index.Budget.TryCharge(work))
            throw TrainingThrow.NoMemoryToTrainTables(least, index.Budget.Limit, dictionaryBytes > 0);
        NativeBuffer buffer = default;
        try
        {
            if (!NativeBuffer.TryAllocate(index.Budget, wanted * index.PageSize, out buffer))
                throw TrainingThrow.NoMemoryToTrainTables(least, index.Budget.Limit, dictionaryBytes > 0);
            int taken = _sampler.Take(buffer.Span, stored / wanted, cancellationToken);
            return taken < MinSamples ? null : Train(Split(buffer, taken), level, dictionaryBytes, leastGain, cancellationToken);
        }
        finally
        {
            buffer.Free(index.Budget);
            index.Budget.Release(work);
        }
    }

    private byte[]? Train(Samples samples, FoldLevel level, int dictionaryBytes, double leastGain, CancellationToken cancellation)
    {
        long before = InUse(level).Min(codec => BytesWith(codec, samples.Deciding, cancellation));
        byte[]? best = null;
        long bestGain = Math.Max(1, (long)Math.Ceiling(before * leastGain));
        foreach (bool hasDictionary in dictionaryBytes > 0 ? (bool[])[false, true] : [false])
        {
            byte[] dictionary = hasDictionary ? PrefixTrainer.Train(samples.Training, index.PageSize, dictionaryBytes, cancellation) : [];
            if (hasDictionary && dictionary.Length == 0)
                continue;
            byte[] tables = FoldTrainer.Train(samples.Training, index.PageSize, dictionary, cancellation).ToArray();
            long gain = before - BytesWith(PageCodec.Fold(level, tables), samples.Deciding, cancellation);
            if (gain >= bestGain)
                (best, bestGain) = (tables, gain);
        }
        return best;
    }

    /// <summary>The codecs of the level: the one with the built-in tables, and those of the store with tables of their own.</summary>
    private IEnumerable<PageCodec> InUse(FoldLevel level)
    {
        yield return PageCodec.Fold(level);
        for (int number = 0; number < PageWord.MaxCodecs; number++)
        {
            if (codecs.Table[number] is { Name: FoldCodec.CodecName } codec
                && codec.Describe(index.PageSize) is { TrainedBytes: > 0 } description && description.Level == (int)level)
                yield return codec;
        }
    }

    /// <summary>Returns the bytes that a store keeps of pages with a codec.</summary>
    private long BytesWith(PageCodec codec, List<ReadOnlyMemory<byte>> pages, CancellationToken cancellation)
    {
        using PageCodecContext context = codec.CreateContext(index.PageSize);
        byte[] packed = new byte[codec.MaxCompressedLength(index.PageSize)];
        long bytes = 0;
        foreach (ReadOnlyMemory<byte> page in pages)
        {
            cancellation.ThrowIfCancellationRequested();
            bytes += context.TryCompress(page.Span, packed, out int size) && size <= incompressibleAbove ? size : index.PageSize;
        }
        return bytes;
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
