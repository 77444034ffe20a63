using System.Diagnostics;

namespace PageFold.Cli.Bench.Map;

/// <summary>Compares pools that map by copying with pools that map through windows, for several frame sizes, in turns.</summary>
/// <remarks>
/// All pools have the same number of objects, so that the cache affects all alike. The method is that of zsmapbench, which compared the
/// kernel's two forms in 2012: objects of 1632 bytes, of which a third straddle two frames, are mapped for reading and writing, and
/// unmapped. In addition the first byte is touched, and the case that all objects straddle is measured.
/// </remarks>
internal sealed class MappingBench(MapBenchOptions options, Contents contents, WorkProgress progress, CancellationToken cancellation)
{
    private const int Seed = 2012;
    private const int Hundred = 100;
    private const int AccessesPerRound = 1 << 15;
    private const int AccessesPerTurn = 1 << 10;
    private const long MaxWorkingSet = 32 << 20;

    private static readonly int[] Shares = [33, 100];

    private readonly List<MappingRow> _rows = [];
    private ulong _sink;

    /// <summary>True unless an object was changed.</summary>
    public bool Verified { get; private set; } = true;

    public List<string> Notes { get; } = [];

    public IReadOnlyList<MappingRow> Execute()
    {
        foreach (int size in options.WindowSizes)
            Measure(size);
        GC.KeepAlive(_sink);
        return _rows;
    }

    private void Measure(int size)
    {
        progress.Begin($"Placing objects of {size} bytes", options.FrameSizes.Count);
        int wanted = (int)(Math.Min(options.WorkingSetBytes, MaxWorkingSet) / size) / Hundred * Hundred;
        List<Subject> subjects = [];
        try
        {
            foreach (int frameSize in options.FrameSizes)
            {
                subjects.Add(new Subject(MappingKind.Copy, frameSize, size, wanted, contents, cancellation));
                if (HasWindows(frameSize))
                    subjects.Add(new Subject(MappingKind.Window, frameSize, size, wanted, contents, cancellation));
                progress.Add(1);
            }
            foreach (int percent in Shares)
            {
                // Frame sizes with too few straddling objects are left out, so that they do not reduce the others.
                ILookup<bool, Subject> byEnough = subjects.ToLookup(subject => MapBench.Count(subject.Placed, percent) >= Hundred);
                foreach (int frameSize in byEnough[false].Select(subject => subject.FrameSize).Distinct())
                {
                    Notes.Add(
                        $"copy and window: {size} bytes in frames of {ByteSize.Format(frameSize)}, {percent} % straddling was not "
                            + "measured: too few straddle; a larger --working-set has more");
                }
                List<Subject> enough = [.. byEnough[true]];
                if (enough.Count > 0)
                    Measure(enough, size, Math.Min(wanted, enough.Min(subject => MapBench.Count(subject.Placed, percent))), percent);
            }
        }
        finally
        {
            foreach (Subject subject in subjects)
                subject.Dispose();
        }
    }

    private void Measure(List<Subject> subjects, int size, int count, int percent)
    {
        progress.Begin($"Mapping objects of {size} bytes", (long)options.Rounds * subjects.Count * AccessesPerRound);
        Sample[] samples = [.. subjects.Select(subject => new Sample(subject.Placed, count, percent, 0, new Random(Seed)))];
        List<double>[] nanoseconds = [.. subjects.Select(_ => new List<double>())];
        Random random = new(Seed);
        int[] order = [.. Enumerable.Range(0, count)];
        // The first round lets the code be compiled and the memory be touched.
        for (int round = -1; round < options.Rounds; round++)
        {
            double[] seconds = new double[samples.Length];
            for (int turn = 0; turn < AccessesPerRound / AccessesPerTurn; turn++)
            {
                random.Shuffle(order);
                ReadOnlySpan<int> items = order.AsSpan(0, Math.Min(count, AccessesPerTurn));
                for (int i = 0; i < samples.Length; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int subject = (i + turn) % samples.Length;
                    seconds[subject] += Time(samples[subject], items) / items.Length;
                    progress.Add(round < 0 ? 0 : AccessesPerTurn);
                }
            }
            for (int subject = 0; subject < samples.Length && round >= 0; subject++)
                nanoseconds[subject].Add(1e9 * seconds[subject] / (AccessesPerRound / AccessesPerTurn));
        }
        foreach (Sample sample in samples)
        {
            Verified &= sample.IsAsItWas();
            sample.Dispose();
        }
        for (int subject = 0; subject < subjects.Count; subject++)
        {
            if (subjects[subject].Mapping != MappingKind.Copy)
                continue;
            int frameSize = subjects[subject].FrameSize;
            int window = subjects.FindIndex(other => other.Mapping == MappingKind.Window && other.FrameSize == frameSize);
            MappingTime? through = window < 0 ? null : MappingTime.Of(nanoseconds[window]);
            _rows.Add(new MappingRow(size, frameSize, percent, count, MappingTime.Of(nanoseconds[subject]), through));
        }
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

    /// <summary>A pool that maps in one way.</summary>
    private sealed class Subject(
        MappingKind mapping, int frameSize, int size, int wanted, Contents contents, CancellationToken cancellation) : IDisposable
    {
        public MappingKind Mapping => mapping;

        public int FrameSize => frameSize;

        public PlacedObjects Placed { get; } =
            new(size, wanted, contents, cancellation, new ZsPoolOptions { Mapping = mapping, FrameSize = frameSize });

        public void Dispose() => Placed.Dispose();
    }
}
