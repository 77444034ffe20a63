using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Trained codes: complete ones, of which each kind of segment has one that suits it.</summary>
public class PrefixCodeTrainerTests
{
    [Fact]
    public void Segments_of_different_kinds_get_codes_of_their_own()
    {
        // Each kind uses 16 values of its own, all as often, so that its code has 4 bits and a little for all other values.
        Random random = new(3);
        const int Kinds = 10;
        SymbolCounts[] segments =
        [
            .. Enumerable.Range(0, 300).Select(
                i => SymbolCounts.OfSegments([.. Enumerable.Range(0, 800).Select(_ => (byte)(i % Kinds * 16 + random.Next(16)))])[0]),
        ];
        byte[][] codes = PrefixCodeTrainer.Train(segments, 5, [], TestContext.Current.CancellationToken);
        Assert.InRange(codes.Length, Kinds, PrefixTables.Max);
        Assert.All(codes, code => Assert.True(LiteralCode.IsComplete(code)));
        Assert.All(segments, segment => Assert.InRange(PrefixCodeTrainer.Bits(segment, codes), 4 * 800, 5 * 800));
        // What is trained is not trained for the worse.
        byte[][] again = PrefixCodeTrainer.Train(segments, 5, codes, TestContext.Current.CancellationToken);
        long BitsOf(byte[][] trained) => segments.Sum(segment => PrefixCodeTrainer.Bits(segment, trained));
        Assert.InRange(BitsOf(again), 1, BitsOf(codes));
    }

    [Fact]
    public void Nothing_to_code_gives_no_codes()
    {
        Assert.Empty(PrefixCodeTrainer.Train([], 5, [], TestContext.Current.CancellationToken));
        Assert.Empty(PrefixCodeTrainer.Train(SymbolCounts.OfSegments("short"u8), 5, [], TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Random_bytes_give_codes_all_the_same()
    {
        SymbolCounts[] segments = [.. TrainingSamples.Noise(20, 4096).SelectMany(text => SymbolCounts.OfSegments(text.Span))];
        byte[][] codes = PrefixCodeTrainer.Train(segments, 5, [], TestContext.Current.CancellationToken);
        Assert.All(codes, code => Assert.True(LiteralCode.IsComplete(code)));
    }

    [Fact]
    public void Segments_are_counted_from_the_last_symbol()
    {
        Gen.Byte[0, 5].Array[0, 4000].Sample(symbols =>
        {
            SymbolCounts[] segments = SymbolCounts.OfSegments(symbols);
            Assert.Equal((symbols.Length + SymbolBlock.SegmentLength - 1) / SymbolBlock.SegmentLength, segments.Length);
            IEnumerable<byte> left = symbols.Reverse();
            foreach (SymbolCounts segment in segments)
            {
                byte[] expected = [.. left.Take(SymbolBlock.SegmentLength)];
                left = left.Skip(SymbolBlock.SegmentLength);
                Assert.Equal(expected.Length, segment.Total);
                ushort[] counts = [.. expected.GroupBy(symbol => symbol).OrderBy(group => group.Key)
                    .SelectMany(group => (ushort[])[group.Key, (ushort)group.Count()])];
                Assert.Equal(counts, segment.Counts.ToArray());
            }
        });
    }

    [Fact]
    public void Training_ends_when_it_is_cancelled()
    {
        SymbolCounts[] segments = SymbolCounts.OfSegments(new byte[2000]);
        Assert.Throws<OperationCanceledException>(
            () => PrefixCodeTrainer.Train(segments, 5, [], new CancellationToken(canceled: true)));
    }
}
