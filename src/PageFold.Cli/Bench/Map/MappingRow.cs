namespace PageFold.Cli.Bench.Map;

/// <summary>The times to map an object by copying and through a window.</summary>
/// <param name="Size">Bytes in an object.</param>
/// <param name="FrameSize">Bytes in a frame.</param>
/// <param name="StraddlingPercent">The share of objects that lie in two frames which are not adjacent, in percent.</param>
/// <param name="Objects">The number of objects.</param>
/// <param name="Copy">The time by copying.</param>
/// <param name="Window">The time through a window; null if frames are larger than the system's pages, so that there is no window.</param>
internal sealed record MappingRow(int Size, int FrameSize, int StraddlingPercent, int Objects, MappingTime Copy, MappingTime? Window);

/// <summary>The time of one map and unmap.</summary>
/// <param name="Nanoseconds">The median of the rounds.</param>
/// <param name="Least">The fastest round.</param>
/// <param name="Most">The slowest round.</param>
internal sealed record MappingTime(double Nanoseconds, double Least, double Most)
{
    public static MappingTime Of(List<double> rounds)
    {
        Spread spread = Spread.Of(rounds);
        return new MappingTime(spread.Median, spread.Least, spread.Most);
    }
}
