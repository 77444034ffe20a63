using System.Diagnostics;
using System.Numerics;

namespace PageFold.Cli.Measure;

/// <summary>Counts durations in buckets an eighth of a power of two wide, so that percentiles are exact to a sixteenth.</summary>
/// <remarks>Not thread-safe: each thread has its own, and they are added up afterwards.</remarks>
internal sealed class LatencyHistogram
{
    private const int StepsPerOctave = 8;

    private readonly long[] _counts = new long[64 * StepsPerOctave];

    public long Count { get; private set; }

    /// <summary>Sum of all durations, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Ticks { get; private set; }

    public void Add(long ticks)
    {
        Count++;
        Ticks += ticks;
        _counts[BucketOf(ticks)]++;
    }

    public void Add(LatencyHistogram other)
    {
        Count += other.Count;
        Ticks += other.Ticks;
        for (int i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
    }

    /// <summary>The duration that a share of all durations does not exceed, in microseconds.</summary>
    public double Percentile(double share)
    {
        long rank = (long)Math.Ceiling(Count * share);
        long seen = 0;
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank && seen > 0)
                return MiddleOf(bucket) * 1e6 / Stopwatch.Frequency;
        }
        return 0;
    }

    private static int BucketOf(long ticks)
    {
        ulong value = (ulong)Math.Max(ticks, 1);
        int octave = BitOperations.Log2(value);
        int step = octave >= 3 ? (int)(value >> octave - 3) & StepsPerOctave - 1 : (int)(value << 3 - octave) & StepsPerOctave - 1;
        return octave * StepsPerOctave + step;
    }

    private static double MiddleOf(int bucket)
    {
        double octave = Math.Pow(2, bucket / StepsPerOctave);
        return octave * (1 + (bucket % StepsPerOctave + 0.5) / StepsPerOctave);
    }
}
