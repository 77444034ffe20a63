using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Frames;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Trained codes: complete ones, of which each kind of segment has one that suits it.</summary>
public sealed class PrefixCodeTrainerTests : IDisposable
{
    private readonly BorrowedMemory _memory = BorrowedMemory.Unlimited();
    private readonly TrainingBlocks _blocks;

    public PrefixCodeTrainerTests() => _blocks = new TrainingBlocks(_memory);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Segments_of_different_kinds_get_codes_of_their_own()
    {
        // Each kind uses 16 values of its own, all as often, so that its code has 4 bits and a little for all other values.
        Random random = new(3);
        const int Kinds = 10;
        SymbolCounts[] segments =
        [
            .. Enumerable.Range(0, 300).Select(
                i => OfSegments([.. Enumerable.Range(0, 800).Select(_ => (byte)(i % Kinds * 16 + random.Next(16)))])[0]),
        ];
        byte[][] codes = Train(segments, []);
        Assert.InRange(codes.Length, Kinds, PrefixTables.Max);
        Assert.All(codes, code => Assert.True(PrefixCode.IsComplete(code)));
        Assert.All(segments, segment => Assert.InRange(PrefixCodeTrainer.Bits(segment, codes), 4 * 800, 5 * 800));
        // What is trained is not trained for the worse.
        byte[][] again = Train(segments, codes);
        long before = segments.Sum(segment => PrefixCodeTrainer.Bits(segment, codes));
        Assert.True(segments.Sum(segment => PrefixCodeTrainer.Bits(segment, again)) <= before);
    }

    [Fact]
    public void Nothing_to_code_gives_no_codes()
    {
        Assert.Empty(Train([], []));
        Assert.DoesNotContain(OfSegments("short"u8), segment => PrefixCodeTrainer.IsLong(segment));
    }

    [Fact]
    public void Random_bytes_give_codes_all_the_same()
    {
        SymbolCounts[] segments = [.. TrainingSamples.Noise(20, 4096).SelectMany(text => OfSegments(text.Span))];
        byte[][] codes = Train(segments, []);
        Assert.All(codes, code => Assert.True(PrefixCode.IsComplete(code)));
    }

    [Fact]
    public void Segments_are_counted_from_the_last_symbol()
    {
        Gen.Byte[0, 5].Array[0, 4000].Sample(symbols =>
        {
            _blocks.Clear();
            SymbolCounts[] segments = OfSegments(symbols);
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
        }, threads: 1);
    }

    [Fact]
    public void Training_ends_when_it_is_cancelled()
    {
        SymbolCounts[] segments = OfSegments(new byte[2000]);
        Assert.Throws<OperationCanceledException>(
            () => Train(segments, [], new CancellationToken(canceled: true)));
    }

    private byte[][] Train(SymbolCounts[] segments, byte[][] start, CancellationToken? cancellation = null) => PrefixCodeTrainer.Train(
        segments, 5, start, new TrainingWork(_memory, null, cancellation ?? TestContext.Current.CancellationToken));

    private unsafe SymbolCounts[] OfSegments(ReadOnlySpan<byte> symbols) =>
        new ReadOnlySpan<SymbolCounts>(SymbolCounts.OfSegments(symbols, _blocks, out int count), count).ToArray();
}
