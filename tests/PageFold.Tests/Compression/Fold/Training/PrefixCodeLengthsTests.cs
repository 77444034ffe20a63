using PageFold.Compression.Fold.Training;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Lengths of codes: complete, within the limit, and none better.</summary>
public class PrefixCodeLengthsTests
{
    private static readonly Gen<long> Weight =
        Gen.OneOf(Gen.Const(0L), Gen.Long[0, 20], Gen.Long[0, 1_000_000], Gen.Int[0, 40].Select(power => 1L << power));

    [Fact]
    public void No_complete_code_within_the_limit_takes_fewer_bits()
    {
        Gen.Select(Weight.Array[2, 7], Gen.Int[3, 6]).Sample((weights, limit) =>
        {
            byte[] lengths = new byte[weights.Length];
            PrefixCodeLengths.Compute(weights, limit, lengths);
            Assert.Equal(1 << limit, lengths.Sum(length => 1 << limit - length));
            Assert.Equal(LeastBits(weights, limit), Bits(weights, lengths));
        });
    }

    [Fact]
    public void Codes_of_all_byte_values_are_complete_and_have_at_most_eleven_bits()
    {
        Weight.Array[256].Sample(weights =>
        {
            byte[] lengths = new byte[256];
            PrefixCodeLengths.Compute(weights, 11, lengths);
            Assert.All(lengths, length => Assert.InRange(length, 1, 11));
            Assert.Equal(1 << 11, lengths.Sum(length => 1 << 11 - length));
            // A symbol never has a longer code than one that is rarer.
            byte[] byWeight = [.. Enumerable.Range(0, 256).OrderBy(i => weights[i]).ThenBy(i => -lengths[i]).Select(i => lengths[i])];
            Assert.Equal(byWeight.OrderDescending(), byWeight);
        });
    }

    [Fact]
    public void Equal_weights_have_equal_codes()
    {
        byte[] lengths = new byte[256];
        PrefixCodeLengths.Compute(new long[256], 11, lengths);
        Assert.All(lengths, length => Assert.Equal(8, length));
    }

    private static long Bits(long[] weights, byte[] lengths) => weights.Zip(lengths, (weight, length) => weight * length).Sum();

    /// <summary>Tries all lengths.</summary>
    private static long LeastBits(long[] weights, int limit)
    {
        long least = long.MaxValue;
        Try(0, 1 << limit, 0);
        return least;

        void Try(int symbol, int room, long bits)
        {
            if (symbol == weights.Length)
            {
                if (room == 0)
                    least = Math.Min(least, bits);
                return;
            }
            for (int length = 1; length <= limit; length++)
            {
                if (1 << limit - length <= room)
                    Try(symbol + 1, room - (1 << limit - length), bits + weights[symbol] * length);
            }
        }
    }
}
