using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Frames;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Trained boxes: they say every sequence, and the frequent ones with few bits.</summary>
public class BoxTrainerTests
{
    private static readonly int[] AllPlaces = [.. Places()];

    private static readonly Gen<long[]> Counts = Gen.Select(Gen.Int[0, AllPlaces.Length - 1], Gen.Long[1, 100_000]).Array[0, 400].Select(
        pairs =>
        {
            long[] counts = new long[Cells.MapLength];
            foreach ((int place, long count) in pairs)
                counts[AllPlaces[place]] += count;
            return counts;
        });

    [Fact]
    public void Trained_boxes_are_tables_and_never_cost_more_than_the_universal_ones()
    {
        Counts.Sample(
            counts =>
            {
                Box[] boxes = Train(counts, TestContext.Current.CancellationToken);
                Assert.NotNull(FoldDefinition.TryMake(1, boxes, [], [], default));
                Assert.True(boxes[0].IsRepeat);
                Assert.Equal(new Box(0, 16, 3, 15, 0, 0, 0, true), boxes[0]);
                Assert.Equal(new Box(0, 16, 3, 15, 0, 16, 0, false), boxes[1]);
                Assert.True(ExtraBits(boxes, counts) <= ExtraBits(boxes[..2], counts));
            },
            iter: 6, threads: 1);
    }

    [Fact]
    public void Few_kinds_of_sequences_have_a_box_each_that_fits_them_exactly()
    {
        Random random = new(5);
        long[] counts = new long[Cells.MapLength];
        for (int i = 0; i < 100; i++)
            counts[AllPlaces[random.Next(AllPlaces.Length)]] = random.Next(1, 1000);
        Box[] boxes = Train(counts, TestContext.Current.CancellationToken);
        Box[] exact = [.. AllPlaces.Where(place => counts[place] > 0).Select(Exact)];
        Assert.All(exact, box => Assert.True(box.IsValid));
        Assert.Equal(ExtraBits(exact, counts), ExtraBits(boxes, counts));
    }

    [Fact]
    public void Training_ends_when_it_is_cancelled()
    {
        long[] counts = new long[Cells.MapLength];
        counts[AllPlaces[7]] = 5;
        Assert.Throws<OperationCanceledException>(() => Train(counts, new CancellationToken(canceled: true)));
    }

    private static Box[] Train(long[] counts, CancellationToken cancellation)
    {
        // No more than it says that it takes.
        MemoryBudget budget = new(BoxTrainer.WorkBytes);
        using BorrowedMemory memory = new(budget, () => new InvalidOperationException("more memory than was said"));
        Box[] boxes = BoxTrainer.Train(counts, new TrainingWork(memory, null, cancellation));
        Assert.Equal(0, memory.Used);
        return boxes;
    }

    private static IEnumerable<int> Places() =>
        from distance in Enumerable.Range(0, Cells.DistanceCells)
        // Multiples of 8 are at least 8.
        where distance == Cells.Repeat || distance % 2 == 0 || distance / 2 >= Box.MultipleShift
        from literals in Enumerable.Range(0, Cells.LiteralCells)
        from match in Enumerable.Range(0, Cells.MatchCells - 1)
        select Cells.Place(distance, literals, match);

    private static (int Distance, int Literals, int Match) Split(int place) =>
        (place / Cells.DistanceStride, place % Cells.DistanceStride / Cells.LiteralStride, place % Cells.LiteralStride);

    /// <summary>Returns the smallest box of three cells.</summary>
    private static Box Exact(int place)
    {
        (int distance, int literals, int match) = Split(place);
        (int From, int To) run = Cells.Literals(literals);
        (int From, int To) length = Cells.Matches(match);
        (int From, int To) away = distance == Cells.Repeat ? (0, 0) : Cells.Distances(distance);
        int shift = distance != Cells.Repeat && distance % 2 != 0 ? Box.MultipleShift : 0;
        return new Box((ushort)run.From, Bits(run), (ushort)length.From, Bits(length), (ushort)away.From,
            Bits((away.From >> shift, away.To >> shift)), (byte)shift, distance == Cells.Repeat);
    }

    private static byte Bits((int From, int To) range) => (byte)int.Log2(range.To - range.From + 1);

    private static long ExtraBits(Box[] boxes, long[] counts)
    {
        long bits = 0;
        foreach (int place in AllPlaces.Where(place => counts[place] > 0))
        {
            (int distance, int literals, int match) = Split(place);
            bits += counts[place] * boxes.Where(box => box.HasDistances(distance) && box.HasLiterals(literals) && box.HasMatches(match))
                .Min(box => box.ExtraBits);
        }
        return bits;
    }
}
