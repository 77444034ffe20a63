using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Paths;
using PageFold.Frames;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Trained tables: valid, the same for the same samples, and better than others for texts like the samples.</summary>
public class FoldTrainerTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(300, 0)]
    [InlineData(4096, 0)]
    [InlineData(4096, 5000)]
    [InlineData(20_000, 0)]
    [InlineData(65536, 65536)]
    public void Trained_tables_come_back_from_their_bytes_and_texts_from_theirs(int length, int dictionaryBytes)
    {
        byte[] dictionary = new byte[dictionaryBytes];
        Contents.Fill(dictionary, Array.IndexOf(Contents.Kinds, "text"), 77, default);
        List<ReadOnlyMemory<byte>> samples = TrainingSamples.Mixed(length > 10_000 ? 30 : 150, length);
        FoldDefinition definition = FoldTrainer.Train(samples, length, dictionary, TestContext.Current.CancellationToken);
        Assert.Equal(length, definition.Length);
        Assert.Equal(dictionary, definition.Dictionary.ToArray());
        byte[] bytes = definition.ToArray();
        Assert.Equal(bytes, FoldDefinition.TryRead(bytes)!.ToArray());
        FoldTables tables = new(definition);
        foreach (FoldLevel level in (FoldLevel[])[FoldLevel.Fast, FoldLevel.Dense])
        {
            FoldCodec codec = new(level, tables, InstructionPaths.Best);
            TrainingSamples.Bytes(codec, samples, length);
            TrainingSamples.Bytes(codec, TrainingSamples.Mixed(30, length, seed: 2), length);
        }
    }

    [Fact]
    public void The_same_samples_give_the_same_bytes()
    {
        byte[] Train(int seed) => FoldTrainer.Train(
            TrainingSamples.Mixed(60, 2000, seed), 2000, default, TestContext.Current.CancellationToken).ToArray();
        byte[] first = Train(1);
        Assert.Equal(first, Train(1));
        Assert.NotEqual(first, Train(2));
    }

    [Theory]
    [InlineData(FoldLevel.Fast, 0.999)]
    [InlineData(FoldLevel.Dense, 0.97)]
    public void Texts_like_the_samples_are_shorter_than_with_tables_for_everything(FoldLevel level, double most)
    {
        List<ReadOnlyMemory<byte>> others = TrainingSamples.Documents(200, seed: 2);
        FoldDefinition definition =
            FoldTrainer.Train(TrainingSamples.Documents(400), 4096, default, TestContext.Current.CancellationToken);
        long trained = TrainingSamples.Bytes(new FoldCodec(level, new FoldTables(definition), InstructionPaths.Best), others, 4096);
        long builtIn = TrainingSamples.Bytes(PageCodec.Fold(level), others, 4096);
        Assert.InRange(trained, 1, builtIn * most);
    }

    [Fact]
    public void No_samples_and_samples_of_nothing_but_noise_give_tables_all_the_same()
    {
        foreach (List<ReadOnlyMemory<byte>> samples in (List<ReadOnlyMemory<byte>>[])
            [[], [default], [new byte[5000]], TrainingSamples.Noise(20, 4096), [new byte[1]]])
        {
            FoldDefinition definition = FoldTrainer.Train(samples, 4096, default, TestContext.Current.CancellationToken);
            FoldCodec codec = new(FoldLevel.Dense, new FoldTables(definition), InstructionPaths.Best);
            TrainingSamples.Bytes(codec, TrainingSamples.Mixed(40, 4096), 4096);
        }
    }

    [Fact]
    public void A_length_that_no_text_can_have_is_refused()
    {
        foreach (int length in (int[])[0, -1, FoldTrainer.MaxLength + 1])
        {
            Assert.Throws<ArgumentOutOfRangeException>(
                () => FoldTrainer.Train([], length, default, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public void Training_ends_when_it_is_cancelled()
    {
        Assert.Throws<OperationCanceledException>(
            () => FoldTrainer.Train(TrainingSamples.Mixed(3, 4096), 4096, default, new CancellationToken(canceled: true)));
    }

    /// <summary>Noise takes most: each of its symbols is counted. Of texts with matches each sequence is kept.</summary>
    [Theory]
    [InlineData(1000, 0)]
    [InlineData(4096, 0)]
    [InlineData(4096, 1024)]
    [InlineData(65536, 8192)]
    public void Training_takes_no_more_memory_than_it_says(int length, int dictionaryBytes)
    {
        int count = (1 << 20) / length;
        foreach (List<ReadOnlyMemory<byte>> samples in (List<ReadOnlyMemory<byte>>[])
            [TrainingSamples.Noise(count, length), TrainingSamples.Mixed(count, length)])
        {
            long most = FoldTrainer.MaxWorkBytes((long)count * length, length, dictionaryBytes);
            using BorrowedMemory memory = new(new MemoryBudget(most), () => new InvalidOperationException($"more than {most} bytes"));
            TrainingWork work = new(memory, null, TestContext.Current.CancellationToken);
            byte[] dictionary = dictionaryBytes == 0 ? [] : PrefixTrainer.Train(samples, length, dictionaryBytes, work);
            Assert.Equal(0, memory.Used);
            FoldTrainer.Train(samples, length, dictionary, work);
            Assert.Equal(0, memory.Used);
        }
    }
}
