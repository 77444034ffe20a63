using System.Diagnostics;

namespace PageFold.Cli.Bench.Map;

/// <summary>Accesses objects of a pool in random order in every way, and the same objects in a plain array.</summary>
/// <remarks>
/// The ways take turns every some thousand objects, so that other activity of the machine affects all of them alike. Each way is at another
/// place of the order, so that none finds in the cache what the previous one has read.
/// </remarks>
internal sealed class MapBench(MapBenchOptions options, WorkProgress progress, CancellationToken cancellation)
{
    private const int Seed = 2026;
    private const int AccessesPerRound = 1 << 17;
    private const int AccessesPerTurn = 8192;
    private const int MinTurns = 16;
    private const int WarmUpCycles = 3;
    private const int WarmUpRounds = 20;
    private const int WarmUpObjects = 1000;

    // Shares are percentages, so the number of objects is a multiple of a hundred.
    private const int Hundred = 100;

    // The time that the background compiler may need for code that has become hot.
    private static readonly TimeSpan CompileTime = TimeSpan.FromMilliseconds(300);

    private readonly Contents _contents = new(ZsPool.MaxFrameSize);
    private readonly Random _random = new(Seed);
    private readonly List<MapBenchRow> _rows = [];
    private readonly List<string> _notes = [];
    private bool _verified = true;
    private ulong _sink;

    public MapBenchReport Execute()
    {
        WarmUp();
        foreach (int size in options.Sizes)
            Measure(size);
        GC.KeepAlive(_sink);
        MappingBench mapping = new(options, _contents, progress, cancellation);
        IReadOnlyList<MappingRow> mappings = mapping.Execute();
        _notes.AddRange(mapping.Notes);
        _verified &= mapping.Verified;
        if (_rows.Count == 0)
        {
            throw new UserErrorException(
                $"nothing could be measured: {string.Join("; ", _notes)}. Choose other --sizes or --straddling, "
                    + "or a larger --working-set.");
        }
        return new MapBenchReport
        {
            WorkingSetBytes = options.WorkingSetBytes,
            Rounds = options.Rounds,
            Notes = _notes,
            Verified = _verified,
            Rows = _rows,
            Mappings = mappings,
        };
    }

    /// <summary>Runs everything that is timed later, until the code is compiled.</summary>
    private void WarmUp()
    {
        progress.Begin("Warming up", WarmUpCycles);
        using PlacedObjects placed = new(2000, WarmUpObjects, _contents, cancellation);
        using Sample sample = new(placed, Count(placed, 50), 50, 0, _random);
        for (int cycle = 0; cycle < WarmUpCycles; cycle++)
        {
            for (int round = 0; round < WarmUpRounds; round++)
                Run(sample, round, new Dictionary<(Access, bool), List<double>>());
            cancellation.WaitHandle.WaitOne(CompileTime);
            progress.Add(1);
        }
    }

    private void Measure(int size)
    {
        progress.Begin($"Placing objects of {size} bytes", 1);
        int wanted = (int)Math.Min(Math.Max(Hundred, options.WorkingSetBytes / size), Array.MaxLength / 8);
        using PlacedObjects placed = new(size, wanted, _contents, cancellation);
        List<int> shares = [];
        foreach (int percent in options.Straddling)
        {
            if (Count(placed, percent) >= Hundred)
                shares.Add(percent);
            else
                _notes.Add($"{size} bytes, {percent} % straddling was not measured: {WhyNot(placed, percent)}");
        }
        if (shares.Count == 0)
            return;
        // The same number of objects for each share, so that the shares can be compared.
        int count = Math.Min(wanted / Hundred * Hundred, shares.Min(percent => Count(placed, percent)));
        if (count < wanted / Hundred * Hundred)
        {
            _notes.Add(
                $"{size} bytes: only {count:N0} objects, {ByteSize.Format((double)count * size)}, since a pool has no more that straddle, "
                    + "or no more that do not");
        }
        long accesses = (long)options.Rounds * shares.Count * 2 * Math.Min(count, AccessesPerRound);
        progress.Begin($"Measuring objects of {size} bytes in turns", accesses);
        foreach (int percent in shares)
            Measure(placed, count, percent);
    }

    private void Measure(PlacedObjects placed, int count, int percent)
    {
        using Sample sample = new(placed, count, percent, options.WorkingSetBytes, _random);
        Dictionary<(Access Access, bool All), List<double>> nanoseconds = [];
        for (int round = 0; round < options.Rounds; round++)
            Run(sample, round, nanoseconds);
        _verified &= sample.IsAsItWas();
        foreach (((Access access, bool all), List<double> rounds) in nanoseconds)
        {
            Spread spread = Spread.Of(rounds);
            _rows.Add(new MapBenchRow(
                access.Name, sample.Size, percent, all ? "all" : "first", count, spread.Median, spread.Least, spread.Most));
        }
    }

    /// <summary>The maximum number of objects, in hundreds, of which this share straddles.</summary>
    public static int Count(PlacedObjects placed, int percent)
    {
        int hundreds = Array.MaxLength / Hundred;
        if (percent > 0)
            hundreds = Math.Min(hundreds, placed.Straddling / percent);
        if (percent < Hundred)
            hundreds = Math.Min(hundreds, placed.Contiguous / (Hundred - percent));
        return hundreds * Hundred;
    }

    private static string WhyNot(PlacedObjects placed, int percent)
    {
        bool fewStraddle = percent > 0 && placed.Straddling < percent;
        int few = fewStraddle ? placed.Straddling : placed.Contiguous;
        return $"{few:N0} of {placed.Straddling + placed.Contiguous:N0} objects {(fewStraddle ? "straddle" : "lie whole")}";
    }

    /// <summary>Runs one round of a sample: first bytes, then all bytes, each in every way.</summary>
    private void Run(Sample sample, int round, Dictionary<(Access Access, bool All), List<double>> nanoseconds)
    {
        int[] order = [.. Enumerable.Range(0, sample.Count)];
        _random.Shuffle(order);
        ReadOnlySpan<int> chosen = order.AsSpan(0, Math.Min(order.Length, AccessesPerRound));
        // Writing all bytes comes after writing the first ones and restores the content.
        foreach (bool all in (bool[])[false, true])
        {
            double[] seconds = Turns(sample, chosen, all, round);
            for (int way = 0; way < seconds.Length; way++)
            {
                if (!nanoseconds.TryGetValue((Access.Every[way], all), out List<double>? rounds))
                    nanoseconds[(Access.Every[way], all)] = rounds = [];
                rounds.Add(1e9 * seconds[way] / chosen.Length);
            }
        }
    }

    private double[] Turns(Sample sample, ReadOnlySpan<int> order, bool all, int round)
    {
        int ways = Access.Every.Count;
        double[] seconds = new double[ways];
        int length = Math.Clamp(order.Length / MinTurns, 1, AccessesPerTurn);
        int turns = (order.Length + length - 1) / length;
        for (int turn = 0; turn < turns; turn++)
        {
            // The first way of a turn is the last of the next turn.
            for (int i = 0; i < ways; i++)
            {
                int way = (i + turn + round) % ways;
                int from = (turn + way * turns / ways) % turns * length;
                ReadOnlySpan<int> items = order.Slice(from, Math.Min(length, order.Length - from));
                long begin = Stopwatch.GetTimestamp();
                _sink += all ? Access.Every[way].All(sample, items) : Access.Every[way].First(sample, items);
                seconds[way] += Stopwatch.GetElapsedTime(begin).TotalSeconds;
            }
            progress.Add(length);
            cancellation.ThrowIfCancellationRequested();
        }
        return seconds;
    }
}
