using System.Diagnostics;
using System.Globalization;

namespace PageFold.Compare;

/// <summary>What is measured of two versions, in turns of some hundredths of a second.</summary>
/// <param name="Name">What is done.</param>
/// <param name="Order">In which order of the places.</param>
/// <param name="Places">The places.</param>
/// <param name="Writes">True to write, false to read.</param>
internal sealed record Operation(string Name, string Order, int[] Places, bool Writes)
{
    private const int PagesPerTurn = 8192;

    // Each round has other contents in the places.
    private const int Shift = 20011;

    private readonly List<double[]> _nanoseconds = [];
    private int _turn;

    /// <summary>The speed of the second version as a multiple of the first: the median over the rounds.</summary>
    public double Ratio => Median(_nanoseconds.Select(round => round[0] / round[1]));

    public void Measure(LibraryVersion[] versions, int threads, int round, bool isWarmUp)
    {
        TimeSpan[] spent = new TimeSpan[versions.Length];
        foreach (int[] turn in Places.Chunk(PagesPerTurn))
        {
            // The first of a turn is the last of the next.
            _turn++;
            for (int i = 0; i < versions.Length; i++)
            {
                int number = (i + _turn) % versions.Length;
                spent[number] += Time(versions[number], turn, threads, (round & 0xFF) * Shift);
            }
        }
        if (!isWarmUp)
            _nanoseconds.Add([.. spent.Select(time => time.TotalNanoseconds / Places.Length)]);
    }

    public string Report(int threads)
    {
        double[] ratios = [.. _nanoseconds.Select(round => round[0] / round[1]).Order()];
        return string.Create(CultureInfo.InvariantCulture,
            $"{threads} {(threads == 1 ? "thread " : "threads")} {Name,-5} {Order,-10} "
            + $"{Median(_nanoseconds.Select(round => round[0])),16:F0} {Median(_nanoseconds.Select(round => round[1])),8:F0}"
            + $"   {Ratio,16:F3}  ({ratios[0]:F3} to {ratios[^1]:F3})");
    }

    private TimeSpan Time(LibraryVersion version, int[] places, int threads, int shift)
    {
        int[][] parts = [.. places.Chunk((places.Length + threads - 1) / threads)];
        Action<int[]> work = Writes ? part => version.Write(part, shift) : version.Read;
        Thread[] others = [.. parts.Skip(1).Select(part => new Thread(() => work(part)))];
        long begun = Stopwatch.GetTimestamp();
        foreach (Thread thread in others)
            thread.Start();
        work(parts[0]);
        foreach (Thread thread in others)
            thread.Join();
        return Stopwatch.GetElapsedTime(begun);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
