using System.Diagnostics;
using HdrHistogram;

namespace PageFold.Shared;

/// <summary>Durations of many operations, with percentiles, in constant memory.</summary>
/// <remarks>Not thread-safe. Adding allocates nothing. A duration above an hour counts as an hour.</remarks>
/// <param name="significantDigits">
/// Precision of percentiles: 1 is to within a sixteenth and takes 6 KiB, 2 is to within a hundredth and takes 37 KiB.
/// </param>
internal sealed class LatencyHistogram(int significantDigits)
{
    private static readonly long MaxTicks = 3600 * Stopwatch.Frequency;

    private readonly LongHistogram _durations = new(MaxTicks, significantDigits);

    /// <summary>Number of durations.</summary>
    public long Count => _durations.TotalCount;

    /// <summary>Sum of all durations, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Ticks { get; private set; }

    /// <summary>Adds a duration, in ticks of <see cref="Stopwatch"/>.</summary>
    public void Add(long ticks)
    {
        Ticks += ticks;
        _durations.RecordValue(Math.Clamp(ticks, 0, MaxTicks));
    }

    /// <summary>Adds all durations of another histogram.</summary>
    public void Add(LatencyHistogram other)
    {
        Ticks += other.Ticks;
        _durations.Add(other._durations);
    }

    /// <summary>The duration that a share of all does not exceed, in microseconds; zero if there are none.</summary>
    public double Percentile(double share)
    {
        if (Count == 0)
            return 0;
        // The library rounds the rank to the nearest; half of three durations are two.
        double rank = Math.Ceiling(Count * share);
        return _durations.GetValueAtPercentile(100 * rank / Count) * 1e6 / Stopwatch.Frequency;
    }
}
