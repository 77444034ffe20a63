using System.Diagnostics;
using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Values;
using PageFold.Cli;
using PageFold.Cli.Bench;

namespace PageFold.CacheBench.Throughput;

/// <summary>Compares the time of operations: gets that hit, gets that miss, sets, and a mixture after Zipf.</summary>
/// <remarks>
/// Values are JSON of 1 KiB. Caches that keep arrays are given arrays that exist, and hand out references; a cache that copies is given
/// the same bytes and copies them into a buffer. Keys exist in both forms. In each round all caches do the same operations, one after the
/// other, and the round's first cache changes, so that other activity of the machine affects all alike. Beside PageFold's cache its codec
/// alone does the gets that hit and the sets.
/// </remarks>
internal sealed class ThroughputBench : IDisposable
{
    private const int MostOperationsPerTurn = 1 << 17;
    private const int OperationsPerEntry = 32;
    private const int WarmUpRounds = 3;

    // While these are set, code is compiled.
    private const int MostFirstSets = 10_000;

    // The mixture asks for four times as many keys as a cache holds.
    private const int MixedShare = 4;
    private const double MixedExponent = 0.99;
    private const int ValueRoom = 2048;

    // Further entries have the values of earlier ones: more of them are for time, not for compression.
    private const int MostValues = 1_000_000;

    // Tables, checksums and rounding to classes, for a cache whose limit counts them too.
    private const long MemoryPerEntry = 2048;
    private const long LeastMemory = 64 << 20;

    // The time that the background compiler may need for code that has become hot.
    private static readonly TimeSpan s_compileTime = TimeSpan.FromMilliseconds(100);

    private readonly ThroughputOptions _options;
    private readonly WorkProgress _progress;
    private readonly CancellationToken _cancellation;
    private readonly int _operations;
    private readonly byte[][] _values;
    private readonly string[] _keys;
    private readonly byte[][] _utf8;
    private readonly Random _random;
    private readonly Zipf _zipf;
    private readonly int[] _places;
    private readonly int[] _order;
    private readonly byte[][] _buffers;
    private readonly long[] _found;
    private readonly long[] _times;
    private readonly CoderAlone? _coder;
    private readonly List<FillRow> _fills = [];
    private int _round;

    public ThroughputBench(ThroughputOptions options, WorkProgress progress, CancellationToken cancellation)
    {
        _options = options;
        _progress = progress;
        _cancellation = cancellation;
        progress.Begin("Making values", 1);
        _operations = Math.Min(MostOperationsPerTurn, OperationsPerEntry * options.Entries);
        _values = JsonValues.Kibibytes(Math.Min(options.Entries, MostValues), options.Seed);
        // The second half of the keys is never stored.
        _keys = [.. Enumerable.Range(0, 2 * options.Entries).Select(KeyText.Of)];
        _utf8 = [.. _keys.Select(System.Text.Encoding.UTF8.GetBytes)];
        _random = new Random(options.Seed);
        _zipf = new Zipf(options.Entries, MixedExponent);
        _places = [.. Enumerable.Range(0, options.Entries)];
        _random.Shuffle(_places);
        _order = new int[_operations * options.Threads.Max()];
        _buffers = [.. Enumerable.Range(0, options.Threads.Max()).Select(_ => new byte[ValueRoom])];
        _found = new long[options.Threads.Max()];
        _times = new long[options.Threads.Max()];
        if (options.Subjects.Any(kind => kind.LimitsMemory))
            _coder = new CoderAlone(_values, options.Entries, options.Threads.Max());
    }

    private enum Operation
    {
        GetHit,
        GetMiss,
        Set,
        Mixed,
    }

    public ThroughputReport Execute()
    {
        List<ThroughputRow> rows = [];
        foreach (int threads in _options.Threads)
        {
            foreach (Operation operation in Enum.GetValues<Operation>())
                rows.AddRange(Measure(operation, threads));
        }
        return new ThroughputReport
        {
            Entries = _options.Entries,
            ValueBytes = _values.Average(value => (double)value.Length),
            Rounds = _options.Rounds,
            Clock = ThreadClock.Description,
            Fills = _fills,
            Rows = rows,
        };
    }

    public void Dispose() => _coder?.Dispose();

    private IEnumerable<ThroughputRow> Measure(Operation operation, int threads)
    {
        string name = operation switch
        {
            Operation.GetHit => "getHit",
            Operation.GetMiss => "getMiss",
            Operation.Set => "set",
            _ => "mixed",
        };
        string[] names = [.. _options.Subjects.Select(kind => kind.Name)];
        if (_coder is not null && operation is Operation.GetHit or Operation.Set)
            names = [.. names, CoderAlone.Name];
        int subjects = names.Length;
        _progress.Begin($"{name}, {threads} thread{(threads > 1 ? "s" : string.Empty)}", (WarmUpRounds + _options.Rounds) * subjects);
        IValueCache[] caches = [.. _options.Subjects.Select(kind => Fill(kind, operation))];
        double[][] rounds = [.. names.Select(_ => new double[_options.Rounds])];
        double[][] elapsed = [.. names.Select(_ => new double[_options.Rounds])];
        double operations = (double)_operations * threads;
        double[] hits = new double[subjects];
        using Team team = new(threads);
        try
        {
            for (int round = -WarmUpRounds; round < _options.Rounds; round++)
            {
                _round = round + WarmUpRounds;
                Order(operation);
                for (int i = 0; i < subjects; i++)
                {
                    int number = (i + _round) % subjects;
                    _cancellation.ThrowIfCancellationRequested();
                    double seconds = team.Run(member =>
                    {
                        if (number < caches.Length)
                            Work(caches[number], operation, member);
                        else
                            WorkAlone(operation, member);
                    });
                    hits[number] = _found.Take(threads).Sum() / operations;
                    if (round >= 0)
                    {
                        rounds[number][round] = _times.Take(threads).Sum() / operations;
                        elapsed[number][round] = 1e9 * seconds / operations;
                    }
                    _progress.Add(1);
                }
                if (round < 0)
                    _cancellation.WaitHandle.WaitOne(s_compileTime);
            }
        }
        finally
        {
            foreach (IValueCache cache in caches)
                cache.Dispose();
        }
        for (int i = 0; i < subjects; i++)
        {
            Spread spread = Spread.Of(rounds[i]);
            yield return new ThroughputRow(
                names[i],
                name,
                threads,
                spread.Median,
                spread.Least,
                spread.Most,
                Ratio(rounds[i], rounds[0]),
                Spread.Of(elapsed[i]).Median,
                Ratio(elapsed[i], elapsed[0]),
                operation == Operation.Mixed ? hits[i] : null);
        }

        static double Ratio(double[] times, double[] first) => Spread.Of(times.Zip(first, (time, other) => time / other)).Median;
    }

    /// <summary>Draws the numbers of a round's operations: in a round that repeats the last one, a cache would know what comes.</summary>
    private void Order(Operation operation)
    {
        for (int i = 0; i < _order.Length; i++)
            _order[i] = operation == Operation.Mixed ? _places[_zipf.Next(_random)] : _random.Next(_options.Entries);
    }

    private IValueCache Fill(SubjectKind kind, Operation operation)
    {
        int entries = operation == Operation.Mixed ? _options.Entries / MixedShare : _options.Entries;
        // Some caches begin to evict before they are full.
        int room = operation == Operation.Mixed ? entries : 2 * entries;
        IValueCache cache = kind.ForValues(new ValueLimits(room, LeastMemory + entries * MemoryPerEntry));
        TimeSpan longest = default;
        int first = Math.Min(MostFirstSets, entries / 2);
        for (int i = 0; i < entries; i++)
        {
            long began = Stopwatch.GetTimestamp();
            cache.Set(_keys[i], _utf8[i], _values[i % _values.Length]);
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            longest = i >= first && took > longest ? took : longest;
        }
        if (operation == Operation.GetHit && !_fills.Any(fill => fill.Subject == kind.Name))
            _fills.Add(new FillRow(kind.Name, cache.Count, first, longest.TotalMilliseconds, (double?)cache.MetadataBytes / cache.Count));
        cache.Settle(_cancellation);
        return cache;
    }

    private void Work(IValueCache cache, Operation operation, int member)
    {
        ReadOnlySpan<int> order = _order.AsSpan(member * _operations, _operations);
        byte[] buffer = _buffers[member];
        int shift = operation == Operation.GetMiss ? _options.Entries : 0;
        long found = 0;
        long begin = ThreadClock.Nanoseconds;
        foreach (int number in order)
        {
            int place = number + shift;
            if (operation != Operation.Set && cache.Get(_keys[place], _utf8[place], buffer) >= 0)
                found++;
            else if (operation is Operation.Set or Operation.Mixed)
                cache.Set(_keys[place], _utf8[place], _values[(number + _round) % _values.Length]);
        }
        _times[member] = ThreadClock.Nanoseconds - begin;
        _found[member] = found;
    }

    private void WorkAlone(Operation operation, int member)
    {
        ReadOnlySpan<int> order = _order.AsSpan(member * _operations, _operations);
        byte[] buffer = _buffers[member];
        long found = 0;
        long begin = ThreadClock.Nanoseconds;
        foreach (int number in order)
        {
            if (operation == Operation.Set)
                _coder!.Set(_values[(number + _round) % _values.Length], member);
            else if (_coder!.Get(number, member, buffer) >= 0)
                found++;
        }
        _times[member] = ThreadClock.Nanoseconds - begin;
        _found[member] = found;
    }
}
