using System.Diagnostics;
using PageFold.Shared;

namespace PageFold.Nbd.Tests;

/// <summary>Percentiles have the precision that is stated, and nothing that is added can fail.</summary>
public class LatencyHistogramTests
{
    [Theory]
    [InlineData(1, 16)]
    [InlineData(2, 100)]
    public void Percentiles_have_the_stated_precision(int digits, int part) =>
        Gen.Long[1, 10_000_000].Array[1, 300].Sample(ticks =>
        {
            LatencyHistogram first = new(digits);
            LatencyHistogram all = new(digits);
            for (int i = 0; i < ticks.Length; i++)
                (i % 3 == 0 ? first : all).Add(ticks[i]);
            all.Add(first);
            Assert.Equal(ticks.Length, all.Count);
            Assert.Equal(ticks.Sum(), all.Ticks);
            long[] sorted = [.. ticks.Order()];
            foreach (double share in (double[])[0.5, 0.99, 1])
            {
                double exact = sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
                double told = Math.Round(all.Percentile(share) * Stopwatch.Frequency / 1e6);
                Assert.InRange(told, exact, exact * (1 + 1.0 / part));
            }
        });

    [Fact]
    public void A_duration_beyond_all_bounds_counts_as_the_nearest()
    {
        LatencyHistogram histogram = new(1);
        Assert.Equal(0, histogram.Percentile(0.5));
        histogram.Add(-1);
        Assert.Equal(0, histogram.Percentile(1));
        histogram.Add(long.MaxValue / 2);
        Assert.Equal(2, histogram.Count);
        Assert.InRange(histogram.Percentile(1), 3600e6 * (1 - 1.0 / 16), 3600e6 * (1 + 1.0 / 16));
    }
}
