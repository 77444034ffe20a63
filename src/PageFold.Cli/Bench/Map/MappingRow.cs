namespace PageFold.Cli.Bench.Map;

/// <summary>What it costs to map an object by copying and through a window.</summary>
/// <param name="Size">Bytes in an object.</param>
/// <param name="FrameSize">Bytes in a frame.</param>
/// <param name="StraddlingPercent">Objects of a hundred that lie in two frames which are not neighbours.</param>
/// <param name="Objects">How many there were to choose from.</param>
/// <param name="Copy">By copying.</param>
/// <param name="Window">Through a window; null where there are none, since a window's pages are as large as the system's.</param>
internal sealed record MappingRow(int Size, int FrameSize, int StraddlingPercent, int Objects, MappingTime Copy, MappingTime? Window);

/// <summary>Times of one map and unmap.</summary>
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
