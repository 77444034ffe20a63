namespace PageFold.Cli.Bench;

/// <summary>The median and the extremes of a figure over several rounds.</summary>
internal readonly record struct Spread(double Median, double Least, double Most)
{
    /// <summary>The distance between the extremes, as a share of the median.</summary>
    public double Width => Median == 0 ? 0 : (Most - Least) / Median;

    public static Spread Of(IEnumerable<double> rounds)
    {
        double[] sorted = [.. rounds.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }
}
