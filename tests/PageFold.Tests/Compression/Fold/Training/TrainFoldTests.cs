using System.Diagnostics.CodeAnalysis;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Paths;
using PageFold.Frames;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Training on texts that are not pages of a store: what it gains, what it takes, and what it refuses.</summary>
public class TrainFoldTests
{
    [Theory]
    [InlineData(FoldLevel.Fast)]
    [InlineData(FoldLevel.Dense)]
    public void Tables_that_half_of_the_values_trained_shrink_the_other_half(FoldLevel level)
    {
        (byte[] samples, int[] lengths) = Join(TrainingSamples.Documents(400));
        FoldTraining training = PageCodec.TrainFold(samples, lengths, new FoldTrainingOptions { Level = level },
            TestContext.Current.CancellationToken);
        List<ReadOnlyMemory<byte>> others = TrainingSamples.Documents(400, seed: 2);
        long trained = TrainingSamples.Bytes(PageCodec.Fold(level, training.Tables.Span), others, 4096);
        long builtIn = TrainingSamples.Bytes(PageCodec.Fold(level), others, 4096);
        Assert.Equal(400, training.Samples);
        Assert.InRange(trained, 1, builtIn / 2);
        Assert.InRange(training.Gain!.Value, 0.5, 1);
        // Values of the same kind have nothing more to gain.
        FoldTrainingOptions again = new() { Level = level, InUse = PageCodec.Fold(level, training.Tables.Span), LeastGain = 0.1 };
        FoldTraining second = PageCodec.TrainFold(samples, lengths, again, TestContext.Current.CancellationToken);
        Assert.True(second.Tables.IsEmpty);
        Assert.InRange(second.Gain!.Value, -1, 0.1);
    }

    [Fact]
    public void Too_few_samples_and_noise_give_no_tables()
    {
        (byte[] samples, int[] lengths) = Join([.. TrainingSamples.Documents(FoldTraining.MinSamples - 1), default, default]);
        FoldTraining few = PageCodec.TrainFold(samples, lengths, null, TestContext.Current.CancellationToken);
        Assert.Equal((true, FoldTraining.MinSamples - 1, (double?)null), (few.Tables.IsEmpty, few.Samples, few.Gain));
        (samples, lengths) = Join(TrainingSamples.Noise(100, 300));
        FoldTraining noise = PageCodec.TrainFold(samples, lengths, null, TestContext.Current.CancellationToken);
        Assert.True(noise.Tables.IsEmpty);
        Assert.InRange(noise.Gain!.Value, -1, 0.001);
        Assert.True(PageCodec.TrainFold([], [], null, TestContext.Current.CancellationToken).Tables.IsEmpty);
    }

    [Theory]
    [InlineData(400, 300, 4096, 32 << 10)]
    [InlineData(70, 20_000, 65536, 65536)]
    [InlineData(1000, 40, 16, 1024)]
    [InlineData(70, 20_000, 20_000, 0)]
    public void It_takes_no_more_memory_than_it_says(int count, int length, int sampleBytes, int dictionaryBytes)
    {
        (byte[] samples, int[] lengths) = Join(
            [.. TrainingSamples.Mixed(count / 2, length), .. TrainingSamples.Noise(count / 2, length)]);
        FoldTrainingOptions options = new() { SampleBytes = sampleBytes, DictionaryBytes = dictionaryBytes };
        long most = options.MemoryNeeded(lengths);
        using BorrowedMemory memory = new(new MemoryBudget(most), () => new InsufficientMemoryException("It takes more."));
        TablesTrainer.Run(samples, lengths, options, memory, TestContext.Current.CancellationToken);
        Assert.InRange(memory.Bytes, most / 3, most);
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void Freed_tables_serve_their_contexts_to_the_end_and_no_further_one()
    {
        FoldTables tables = new(FoldTrainer.Train(
            TrainingSamples.Documents(50), 4096, "a dictionary"u8.ToArray(), TestContext.Current.CancellationToken));
        FoldCodec codec = new(FoldLevel.Dense, tables, InstructionPaths.Best);
        byte[] text = TrainingSamples.Documents(1, seed: 3)[0].ToArray();
        byte[] packed = new byte[text.Length];
        byte[] back = new byte[text.Length];
        PageCodecContext first = codec.CreateContext(4096);
        using (PageCodecContext second = codec.CreateContext(65536))
        {
            codec.FreeShared();
            codec.FreeShared();
            Assert.Throws<ObjectDisposedException>(() => codec.CreateContext(4096));
            Assert.True(second.TryCompress(text, packed, out int written));
            Assert.True(first.TryDecompress(packed.AsSpan(0, written), back));
            Assert.Equal(text, back);
            first.Dispose();
            first.Dispose();
            Assert.False(tables.IsFreed);
        }
        Assert.True(tables.IsFreed);
        codec.FreeShared();
        FoldTables unused = new(tables.Definition);
        new FoldCodec(FoldLevel.Fast, unused, InstructionPaths.Best).FreeShared();
        Assert.True(unused.IsFreed);
        // What the library shares with other codecs stays.
        PageCodec.Fold().FreeShared();
        PageCodec.Lz4Managed.FreeShared();
        PageCodec.Fold().CreateContext(4096).Dispose();
    }

    [Fact]
    public async Task A_cancelled_training_ends()
    {
        (byte[] samples, int[] lengths) = Join(TrainingSamples.Mixed(2000, 4000));
        foreach (int milliseconds in (int[])[0, 30])
        {
            using CancellationTokenSource source = new();
            Task training = Task.Run(() => PageCodec.TrainFold(samples, lengths, null, source.Token), CancellationToken.None);
            await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training);
        }
    }

    [Fact]
    [SuppressMessage("Usage", "xUnit1051", Justification = "Nothing is trained.")]
    public void What_cannot_be_trained_on_is_refused_with_the_name_and_the_remedy()
    {
        AssertRefused("lengths", "pass the bytes of each sample", () => PageCodec.TrainFold(new byte[3], [4, -1]));
        AssertRefused("lengths", "add up to 4", () => PageCodec.TrainFold(new byte[3], [4]));
        AssertRefused("lengths", "add up to 2", () => PageCodec.TrainFold(new byte[3], [1, 1]));
        AssertRefused("lengths", "pass the bytes of each sample", () => new FoldTrainingOptions().MemoryNeeded([-1]));
        AssertRefused("Level", "choose Fast or Dense", () => PageCodec.TrainFold([], [], new() { Level = (FoldLevel)2 }));
        foreach (int bytes in (int[])[-1, 1, 1023, 65537])
            AssertRefused("DictionaryBytes", "0 is for none", () => PageCodec.TrainFold([], [], new() { DictionaryBytes = bytes }));
        foreach (int bytes in (int[])[-1, 0, 65537])
            AssertRefused("SampleBytes", "choose 1 to 65536", () => new FoldTrainingOptions { SampleBytes = bytes }.MemoryNeeded([]));
        foreach (double gain in (double[])[-0.1, 1, double.NaN])
            AssertRefused("LeastGain", "0 to less than 1", () => PageCodec.TrainFold([], [], new() { LeastGain = gain }));

        static void AssertRefused(string name, string remedy, Action train)
        {
            ArgumentException refusal = Assert.ThrowsAny<ArgumentException>(train);
            Assert.Equal(name, refusal.ParamName);
            Assert.Contains(remedy, refusal.Message, StringComparison.Ordinal);
        }
    }

    private static (byte[] Samples, int[] Lengths) Join(List<ReadOnlyMemory<byte>> texts) =>
        ([.. texts.SelectMany(text => text.ToArray())], [.. texts.Select(text => text.Length)]);
}
