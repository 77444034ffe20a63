using System.Diagnostics;

namespace PageFold.Cli.Bench.Map;

/// <summary>
/// Maps objects of two pools that differ in how they map, by copying and through windows, in the same order, in turns. In the manner of zsmapbench, with which the kernel's two forms were compared in 2012: objects of 1632 bytes, of which a third straddle two frames, mapped
/// to read and write, and unmapped. Here the first byte is touched besides, and what it costs when all straddle is measured too.
/// </summary>
internal sealed class MappingBench(MapBenchOptions options, Contents contents, WorkProgress progress, CancellationToken cancellation)
{
    private const int Seed = 2012;
    private const int Hundred = 100;
    private const int AccessesPerRound = 1 << 14;
    private const int AccessesPerTurn = 1 << 10;

    // Enough that neither frames nor tables stay in the cache, and not much to prepare for each line.
    private const long MostWorkingSet = 32 << 20;

    private static readonly int[] Shares = [33, 100];

    private readonly List<MappingRow> _rows = [];
    private ulong _sink;

    /// <summary>True unless an object was changed.</summary>
    public bool Verified { get; private set; } = true;

    public List<string> Notes { get; } = [];

    public IReadOnlyList<MappingRow> Execute()
    {
        foreach (int frameSize in options.FrameSizes)
        {
            foreach (int size in options.WindowSizes)
                Measure(size, frameSize);
        }
        GC.KeepAlive(_sink);
        return _rows;
    }

    private void Measure(int size, int frameSize)
    {
        progress.Begin($"Placing objects of {size} bytes in frames of {ByteSize.Format(frameSize)}", 1);
        int wanted = (int)(Math.Min(options.WorkingSetBytes, MostWorkingSet) / size) / Hundred * Hundred;
        using PlacedObjects copied = new(size, wanted, contents, cancellation, new ZsPoolOptions { FrameSize = frameSize });
        using PlacedObjects? shown = HasWindows(frameSize) ? new(size, wanted, contents, cancellation, new ZsPoolOptions { FrameSize = frameSize, Mapping = MappingKind.Window }) : null;
        foreach (int percent in Shares)
        {
            int count = Math.Min(wanted, Math.Min(MapBench.Count(copied, percent), shown is null ? int.MaxValue : MapBench.Count(shown, percent)));
            if (count < Hundred)
            {
                Notes.Add($"copy and window: {size} bytes in frames of {ByteSize.Format(frameSize)}, {percent} % straddling was not measured: too few straddle");
                continue;
            }
            progress.Begin($"Mapping objects of {size} bytes in frames of {ByteSize.Format(frameSize)}", (long)options.Rounds * Math.Min(count, AccessesPerRound));
            Measure(copied, shown, count, percent, frameSize);
        }
    }

    private void Measure(PlacedObjects copied, PlacedObjects? shown, int count, int percent, int frameSize)
    {
        // The same choices for both.
        using Sample copies = new(copied, count, percent, 0, new Random(Seed));
        using Sample? windows = shown is null ? null : new Sample(shown, count, percent, 0, new Random(Seed));
        List<double> copyTimes = [];
        List<double> windowTimes = [];
        Random random = new(Seed);
        // The first round is for the code to be compiled and the memory to be touched.
        for (int round = -1; round < options.Rounds; round++)
        {
            int[] order = [.. Enumerable.Range(0, count)];
            random.Shuffle(order);
            ReadOnlySpan<int> chosen = order.AsSpan(0, Math.Min(count, AccessesPerRound));
            double copySeconds = 0;
            double windowSeconds = 0;
            for (int turn = 0; turn * AccessesPerTurn < chosen.Length; turn++)
            {
                cancellation.ThrowIfCancellationRequested();
                ReadOnlySpan<int> items = chosen.Slice(turn * AccessesPerTurn, Math.Min(AccessesPerTurn, chosen.Length - turn * AccessesPerTurn));
                // Whoever was first is second in the next turn.
                if (turn % 2 == 0)
                    copySeconds += Time(copies, items);
                windowSeconds += windows is null ? 0 : Time(windows, items);
                if (turn % 2 != 0)
                    copySeconds += Time(copies, items);
                progress.Add(round < 0 ? 0 : items.Length);
            }
            if (round < 0)
                continue;
            copyTimes.Add(1e9 * copySeconds / chosen.Length);
            windowTimes.Add(1e9 * windowSeconds / chosen.Length);
        }
        Verified &= copies.IsAsItWas() && windows?.IsAsItWas() != false;
        _rows.Add(new MappingRow(copied.Size, frameSize, percent, count, MappingTime.Of(copyTimes), windows is null ? null : MappingTime.Of(windowTimes)));
    }

    private double Time(Sample sample, ReadOnlySpan<int> items)
    {
        long begin = Stopwatch.GetTimestamp();
        ulong sum = 0;
        foreach (int item in items)
        {
            using ZsMap map = sample.Pool.Map(sample.Handles[item], MapMode.ReadWrite);
            sum += map.Span[0];
        }
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        _sink += sum;
        return seconds;
    }

    private bool HasWindows(int frameSize)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
        {
            const string Elsewhere = "windows need 64-bit Linux; only copies were measured";
            if (!Notes.Contains(Elsewhere))
                Notes.Add(Elsewhere);
            return false;
        }
        return frameSize == Environment.SystemPageSize;
    }
}
