using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Trained dictionaries: within their length, made of the samples, and worth it where texts have something in common.</summary>
public class PrefixTrainerTests
{
    [Theory]
    [InlineData(FoldLevel.Fast)]
    [InlineData(FoldLevel.Dense)]
    public void Texts_with_content_in_common_are_less_than_two_thirds_as_long(FoldLevel level)
    {
        List<ReadOnlyMemory<byte>> samples = TrainingSamples.Documents(600);
        List<ReadOnlyMemory<byte>> others = TrainingSamples.Documents(200, seed: 2);
        byte[] dictionary = PrefixTrainer.Train(samples, 1000, 8192, TestContext.Current.CancellationToken);
        Assert.InRange(dictionary.Length, 100, 8192);
        long[] bytes =
        [
            .. ((byte[][])[[], dictionary]).Select(content =>
            {
                FoldDefinition tables = FoldTrainer.Train(samples, 1000, content, TestContext.Current.CancellationToken);
                return TrainingSamples.Bytes(new FoldCodec(level, new FoldTables(tables), InstructionPaths.Best), others, 1000);
            }),
        ];
        Assert.InRange(bytes[1], 1, bytes[0] * 2 / 3);
    }

    [Fact]
    public void A_dictionary_is_made_of_parts_of_the_samples_and_never_longer_than_asked()
    {
        List<ReadOnlyMemory<byte>> samples = [.. TrainingSamples.Documents(200), .. TrainingSamples.Mixed(200, 3000)];
        string all = Latin(samples.SelectMany(sample => sample.ToArray()));
        foreach (int bytes in (int[])[1024, 3000, 65536])
        {
            byte[] dictionary = PrefixTrainer.Train(samples, 3000, bytes, TestContext.Current.CancellationToken);
            Assert.InRange(dictionary.Length, 1, bytes);
            // Parts of samples, of which some may be short.
            for (int at = 0; at < dictionary.Length;)
            {
                int length = Math.Min(64, dictionary.Length - at);
                while (!all.Contains(Latin(dictionary.AsSpan(at, length).ToArray()), StringComparison.Ordinal))
                    length--;
                Assert.NotEqual(0, length);
                at += length;
            }
        }
    }

    [Fact]
    public void The_same_samples_give_the_same_dictionary()
    {
        byte[] Train(int seed) =>
            PrefixTrainer.Train(TrainingSamples.Documents(200, seed), 1000, 4096, TestContext.Current.CancellationToken);
        byte[] first = Train(1);
        Assert.Equal(first, Train(1));
        Assert.NotEqual(first, Train(2));
    }

    /// <summary>What most samples have is nearest to the text, at the end.</summary>
    [Fact]
    public void What_most_samples_have_comes_last()
    {
        List<ReadOnlyMemory<byte>> noise = TrainingSamples.Noise(200, 300);
        byte[] frequent = TrainingSamples.Noise(1, 40)[0].ToArray();
        byte[] rare = [.. frequent.Reverse()];
        List<ReadOnlyMemory<byte>> samples =
            [.. noise.Select((text, i) => (ReadOnlyMemory<byte>)(byte[])[.. text.Span, .. i % 5 == 0 ? rare : frequent, .. text.Span])];
        byte[] dictionary = PrefixTrainer.Train(samples, 1000, 1024, TestContext.Current.CancellationToken);
        int atFrequent = dictionary.AsSpan().IndexOf(frequent);
        int atRare = dictionary.AsSpan().IndexOf(rare);
        Assert.InRange(atRare, 0, atFrequent);
        Assert.InRange(atFrequent, dictionary.Length - 128, dictionary.Length);
    }

    [Fact]
    public void Samples_that_have_nothing_in_common_or_are_few_give_none()
    {
        Assert.Empty(PrefixTrainer.Train(TrainingSamples.Noise(100, 500), 1000, 4096, TestContext.Current.CancellationToken));
        Assert.Empty(PrefixTrainer.Train(
            TrainingSamples.Documents(PrefixTrainer.MinSamples - 1), 1000, 4096, TestContext.Current.CancellationToken));
        Assert.Empty(PrefixTrainer.Train([.. Enumerable.Repeat((ReadOnlyMemory<byte>)new byte[7], 100)], 1000, 4096,
            TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_length_that_no_dictionary_can_have_is_refused()
    {
        foreach (int bytes in (int[])[0, PrefixTrainer.MinBytes - 1, 65537])
        {
            Assert.Throws<ArgumentOutOfRangeException>(
                () => PrefixTrainer.Train(TrainingSamples.Documents(50), 1000, bytes, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public void Training_ends_when_it_is_cancelled()
    {
        Assert.Throws<OperationCanceledException>(
            () => PrefixTrainer.Train(TrainingSamples.Documents(50), 1000, 4096, new CancellationToken(canceled: true)));
    }

    private static string Latin(IEnumerable<byte> bytes) => new([.. bytes.Select(value => (char)value)]);
}
