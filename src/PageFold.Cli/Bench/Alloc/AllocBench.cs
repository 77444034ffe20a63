using System.Diagnostics;

namespace PageFold.Cli.Bench.Alloc;

/// <summary>Compares a pool with the allocators of native libraries: objects of the same real sizes, in the same order.</summary>
/// <remarks>
/// First the memory of each allocator is measured, one after the other. Then speed is measured side by side: the allocators take turns
/// every some ten thousand operations, so that other activity of the machine affects all of them alike. A round fills all allocators,
/// replaces objects at full population (with content, as zeros and without initialization), and frees everything in random order.
/// </remarks>
internal sealed class AllocBench
{
    private const int OperationsPerTurn = 16384;
    private const int MinOperations = 1 << 17;
    private const int WarmUpObjects = 64;
    private const int WarmUpCycles = 4;
    private const int WarmUpRounds = 500;

    // The time that the background compiler may need for code that has become hot.
    private static readonly TimeSpan CompileTime = TimeSpan.FromMilliseconds(300);

    private static readonly string[] Phases = ["fill", "churnWithContent", "churnZeroed", "churn", "free"];

    private readonly AllocBenchOptions _options;
    private readonly int[] _sizes;
    private readonly IReadOnlyList<AllocatorKind> _kinds;
    private readonly Contents _contents;
    private readonly WorkProgress _progress;
    private readonly CancellationToken _cancellation;
    private readonly Batch _batch = new(OperationsPerTurn);
    private readonly Dictionary<(string Subject, string Phase), List<double>> _nanoseconds = [];

    /// <param name="options">The options of the comparison.</param>
    /// <param name="sizes">The sizes of the objects, in order.</param>
    /// <param name="kinds">The allocators.</param>
    /// <param name="progress">Receives the progress.</param>
    /// <param name="cancellation">Cancels the comparison.</param>
    public AllocBench(
        AllocBenchOptions options,
        int[] sizes,
        IReadOnlyList<AllocatorKind> kinds,
        WorkProgress progress,
        CancellationToken cancellation)
    {
        _options = options;
        _sizes = sizes;
        _kinds = kinds;
        _contents = new Contents(options.PageSize);
        _progress = progress;
        _cancellation = cancellation;
    }

    public AllocBenchReport Execute(string source, IReadOnlyDictionary<string, string> unavailable)
    {
        WarmUp();
        AllocMemory memory = new(_sizes, _contents, _progress, _cancellation);
        foreach (AllocatorKind kind in _kinds)
        {
            // All of them, because the pool's tables come from the C library.
            foreach (AllocatorKind any in _kinds)
                any.GiveBack();
            memory.Weigh(kind);
        }
        Population population = new(_sizes);
        _progress.Begin("Measuring in turns", (long)_options.Rounds * Phases.Sum(phase => Operations(phase, population.Count)));
        bool verified = Measure(population);
        return new AllocBenchReport
        {
            Source = source,
            Codec = _options.Codec.Algorithm,
            PageSize = _options.PageSize,
            Objects = _sizes.Length,
            AskedBytes = _sizes.Sum(size => (long)size),
            Rounds = _options.Rounds,
            Unavailable = unavailable,
            Verified = verified,
            Memory = memory.Found,
            Rows = [.. _nanoseconds.Select(entry =>
            {
                Spread spread = Spread.Of(entry.Value);
                return new AllocBenchRow(entry.Key.Subject, entry.Key.Phase, spread.Median, spread.Least, spread.Most);
            })],
        };
    }

    /// <summary>
    /// Runs everything that is timed later until the code is compiled, with few objects, so that libraries keep little memory.
    /// </summary>
    private void WarmUp()
    {
        _progress.Begin("Warming up", WarmUpCycles);
        Population few = new([.. _sizes.Take(WarmUpObjects)]);
        using Subjects subjects = new(_kinds, few.Count);
        for (int cycle = 0; cycle < WarmUpCycles; cycle++)
        {
            for (int round = 0; round < WarmUpRounds; round++)
            {
                foreach (string phase in Phases)
                    Run(subjects, few, phase, few.Count, round, static () => { });
                _cancellation.ThrowIfCancellationRequested();
            }
            _ = ResidentMemory.Measure();
            _cancellation.WaitHandle.WaitOne(CompileTime);
            _progress.Add(1);
        }
    }

    /// <summary>Runs all rounds; false if an object had the wrong content.</summary>
    private bool Measure(Population population)
    {
        bool verified = true;
        using Subjects subjects = new(_kinds, population.Count);
        for (int round = 0; round < _options.Rounds; round++)
        {
            foreach (string phase in Phases)
            {
                // After this phase there are objects without content.
                bool last = round == _options.Rounds - 1;
                int since = population.NextNumber;
                if (phase == "churnZeroed" && last)
                    verified = subjects.All(subject => population.IsHeldBy(subject, _contents));
                int operations = Operations(phase, population.Count);
                double[] seconds = Run(subjects, population, phase, operations, round, () =>
                {
                    _progress.Add(_batch.Count);
                    _cancellation.ThrowIfCancellationRequested();
                });
                if (phase == "churnZeroed" && last)
                    verified &= subjects.All(subject => population.IsZeroedBy(subject, since));
                for (int i = 0; i < subjects.Count; i++)
                    Record(subjects[i].Name, phase, 1e9 * seconds[i] / operations);
            }
        }
        return verified;
    }

    /// <summary>The number of operations of a phase; a small population is replaced more than once.</summary>
    private static int Operations(string phase, int objects) => phase is "fill" or "free" ? objects : Math.Max(objects, MinOperations);

    /// <summary>Runs one phase for all allocators, in turns, and returns the seconds of each.</summary>
    private double[] Run(Subjects subjects, Population population, string phase, int operations, int round, Action afterTurn)
    {
        double[] seconds = new double[subjects.Count];
        ReadOnlySpan<int> order = phase == "free" ? population.RandomOrder : subjects.InOrder;
        int turn = round;
        for (int from = 0; from < operations; from += _batch.Count, turn++)
        {
            int count = Math.Min(_batch.Capacity, operations - from);
            if (phase is "fill" or "free")
                population.ChooseFill(_batch, order.Slice(from, count));
            else
                population.ChooseChurn(_batch, count);
            // The first allocator of a turn is the last of the next turn.
            for (int i = 0; i < subjects.Count; i++)
            {
                int number = (i + turn) % subjects.Count;
                long begin = Stopwatch.GetTimestamp();
                Work(subjects[number], phase);
                seconds[number] += Stopwatch.GetElapsedTime(begin).TotalSeconds;
            }
            afterTurn();
        }
        return seconds;
    }

    private void Work(Allocator allocator, string phase)
    {
        switch (phase)
        {
            case "fill":
                allocator.Fill(_batch, _contents);
                break;
            case "free":
                allocator.Free(_batch.ChosenPlaces);
                break;
            case "churn" or "churnZeroed":
                allocator.Churn(_batch, zeroed: phase == "churnZeroed");
                break;
            default:
                allocator.Churn(_batch, _contents);
                break;
        }
    }

    private void Record(string subject, string phase, double nanoseconds)
    {
        if (!_nanoseconds.TryGetValue((subject, phase), out List<double>? rounds))
            _nanoseconds[(subject, phase)] = rounds = [];
        rounds.Add(nanoseconds);
    }

    /// <summary>The allocators that take turns.</summary>
    private sealed class Subjects : List<Allocator>, IDisposable
    {
        public Subjects(IReadOnlyList<AllocatorKind> kinds, int objects)
        {
            InOrder = [.. Enumerable.Range(0, objects)];
            foreach (AllocatorKind kind in kinds)
                Add(kind.Prepare(objects)());
        }

        public int[] InOrder { get; }

        public void Dispose()
        {
            foreach (Allocator allocator in this)
                allocator.Dispose();
        }
    }
}
