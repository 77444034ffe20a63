using PageFold.Cli.Measure;

namespace PageFold.Cli.Tests;

public class ByteSizeTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("4KiB", 4096)]
    [InlineData("4k", 4096)]
    [InlineData("1.5 GiB", 1610612736)]
    [InlineData("100MB", 100000000)]
    [InlineData("7b", 7)]
    public void Reads_what_people_write(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out long parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-4k")]
    [InlineData("4 parsecs")]
    [InlineData("9999999999TiB")]
    [InlineData("1e9")]
    public void Refuses_what_is_no_number_of_bytes(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Fact]
    public void Never_throws_whatever_the_text() => Gen.String.Sample(text => ByteSize.TryParse(text, out long bytes) ? bytes >= 0 : bytes == 0);

    [Fact]
    public void Percentiles_are_right_to_within_a_sixteenth() =>
        Gen.Long[1, 10_000_000].Array[1, 300].Sample(ticks =>
        {
            LatencyHistogram histogram = new();
            foreach (long value in ticks)
                histogram.Add(value);
            long[] sorted = [.. ticks.Order()];
            foreach (double share in (double[])[0.5, 0.99, 1])
            {
                double exact = sorted[(int)Math.Ceiling(share * sorted.Length) - 1] * 1e6 / System.Diagnostics.Stopwatch.Frequency;
                Assert.InRange(histogram.Percentile(share) / exact, 1 - 1 / 15.0, 1 + 1 / 15.0 + 0.5 / sorted[(int)Math.Ceiling(share * sorted.Length) - 1]);
            }
        });
}
