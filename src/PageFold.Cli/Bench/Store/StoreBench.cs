using System.Runtime.Versioning;
using PageFold.Cli.Data;

namespace PageFold.Cli.Bench.Store;

/// <summary>Writes and reads the same real pages with the codec alone, with PageFold and with the kernel's zram.</summary>
/// <remarks>
/// The subjects take turns every some ten thousand pages, a tenth of a second, so that other activity of the machine, and changes of its
/// clock rate, affect all of them alike. The memory of all subjects is full and warm: a write replaces a page by another page of the image,
/// so objects of other sizes come and go. Before each write the image is shifted against the places. A random order visits places, and so
/// contents, at random; reading has another random order than writing. With <c>--cold</c> each round starts empty and measures only the
/// first write.
/// </remarks>
internal sealed class StoreBench
{
    private const int Seed = 2026;
    private const int PagesPerTurn = 32768;
    private const int WarmUpShift = 2;
    private const int WarmUpRounds = 4;

    // The time that the background compiler may need for code that has become hot.
    private static readonly TimeSpan CompileTime = TimeSpan.FromMilliseconds(300);

    private readonly StoreBenchOptions _options;
    private readonly PageImage _image;
    private readonly string _source;
    private readonly ZramSelection _zram;
    private readonly WorkProgress _progress;
    private readonly CancellationToken _cancellation;
    private readonly int[] _sequential;
    private readonly int[] _randomToWrite;
    private readonly int[] _randomToRead;
    private readonly int[] _holds;
    private readonly int[] _contents;
    private readonly Dictionary<(string Subject, string Algorithm, Step Step), List<double>> _speeds = [];
    private int _shift;

    public StoreBench(
        StoreBenchOptions options,
        PageImage image,
        string source,
        ZramSelection zram,
        WorkProgress progress,
        CancellationToken cancellation)
    {
        _options = options;
        _image = image;
        _source = source;
        _zram = zram;
        _progress = progress;
        _cancellation = cancellation;
        _sequential = [.. Enumerable.Range(0, image.Count)];
        _randomToWrite = [.. _sequential];
        _randomToRead = [.. _sequential];
        // A fixed seed, so that the order is the same each time.
        Random random = new(Seed);
        random.Shuffle(_randomToWrite);
        random.Shuffle(_randomToRead);
        _holds = [.. _sequential];
        _contents = new int[image.Count];
    }

    /// <summary>The number of passes over a small image that make a round long enough.</summary>
    private int Passes => _options.Cold ? 1 : Math.Max(1, _options.RoundPages / _image.Count);

    public StoreBenchReport Execute()
    {
        _progress.Begin("Warming up", WarmUpRounds * Steps().Count());
        using (PageImage few = _image.First(Math.Max(1, _options.RoundPages >> WarmUpShift)))
            new StoreBench(_options, few, _source, _zram, _progress, _cancellation).WarmUp();
        _progress.Begin("Measuring in turns", (long)_options.Rounds * Steps().Count() * Passes * _image.Count);
        return _options.Cold ? ExecuteCold() : ExecuteWarm();
    }

    private StoreBenchReport ExecuteWarm()
    {
        using Subjects subjects = new(this, warm: true);
        Fill(subjects);
        List<(long Compressed, long Total)> fresh = [.. subjects.Select(subject => subject.Memory)];
        for (int round = 0; round < _options.Rounds; round++)
        {
            foreach (Step step in Steps())
                Record(subjects, step, Measure(subjects, step, round, Passes));
        }
        bool verified = subjects.All(Verify);
        return Report(verified, [.. subjects.Select((subject, i) =>
            new StoreBenchMemory(subject.Name, subject.Algorithm, fresh[i].Compressed, fresh[i].Total, subject.Memory.Total))]);
    }

    private StoreBenchReport ExecuteCold()
    {
        IReadOnlyList<StoreBenchMemory> memory = [];
        bool verified = true;
        for (int round = 0; round < _options.Rounds; round++)
        {
            foreach (Step step in Steps())
            {
                (bool same, memory) = MeasureCold(step, round);
                verified &= same;
            }
        }
        return Report(verified, memory);
    }

    private (bool Verified, StoreBenchMemory[] Memory) MeasureCold(Step step, int round)
    {
        using Subjects subjects = new(this, warm: false);
        Record(subjects, step, Measure(subjects, step, round, Passes));
        StoreBenchMemory[] memory = [.. subjects.Select(subject => new StoreBenchMemory(
            subject.Name, subject.Algorithm, subject.Memory.Compressed, subject.Memory.Total, null))];
        return (subjects.All(Verify), memory);
    }

    private StoreBenchReport Report(bool verified, IReadOnlyList<StoreBenchMemory> memory) => new()
    {
        Source = _source,
        PageSize = _image.PageSize,
        Pages = _image.Count,
        SameFilledLeftOut = _image.SameFilled,
        Rounds = _options.Rounds,
        Cold = _options.Cold,
        Implementations = _options.Codecs.ToDictionary(codec => codec.Algorithm, codec => codec.Implementation),
        ZramUnavailable = _zram.Unavailable,
        ZramMissing = _zram.Missing,
        Verified = verified,
        Memory = memory,
        Rows = [.. _speeds.Select(entry =>
        {
            Spread spread = Spread.Of(entry.Value);
            (string subject, string algorithm, Step step) = entry.Key;
            return new StoreBenchRow(
                subject, algorithm, step.OperationName, step.OrderName, step.Threads, spread.Median, spread.Least, spread.Most);
        })],
    };

    /// <summary>Runs everything that is timed later, until the code is compiled.</summary>
    private void WarmUp()
    {
        using Subjects subjects = new(this, warm: true);
        Fill(subjects);
        for (int round = 0; round < WarmUpRounds; round++)
        {
            foreach (Step step in Steps())
                Measure(subjects, step, round, passes: 1);
            _cancellation.WaitHandle.WaitOne(CompileTime);
            _cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Writes every page once, so that all subjects hold the same pages and their memory is resident.</summary>
    private void Fill(Subjects subjects)
    {
        _sequential.CopyTo(_holds, 0);
        _shift = 0;
        using Team one = new(1);
        foreach (Subject subject in subjects)
        {
            subject.Prepare(_holds);
            Turn(one, subjects.Workers(subject, 1), Operation.Write, _sequential, _holds);
        }
    }

    private IEnumerable<Step> Steps()
    {
        foreach (int threads in _options.Threads)
        {
            yield return new Step(Operation.Write, Order.Sequential, threads);
            if (_options.Cold)
                continue;
            yield return new Step(Operation.Read, Order.Sequential, threads);
            yield return new Step(Operation.Write, Order.Random, threads);
            yield return new Step(Operation.Read, Order.Random, threads);
        }
    }

    /// <summary>Runs one operation for all subjects, in turns, and returns the pages per second of each.</summary>
    private double[] Measure(Subjects subjects, Step step, int round, int passes)
    {
        double[] seconds = new double[subjects.Count];
        using Team team = new(step.Threads);
        for (int pass = 0; pass < passes; pass++)
        {
            int[] order = Prepare(subjects, step);
            int turn = 0;
            for (int from = 0; from < order.Length; from += PagesPerTurn, turn++)
            {
                int length = Math.Min(PagesPerTurn, order.Length - from);
                // The first subject of a turn is the last of the next turn.
                for (int i = 0; i < subjects.Count; i++)
                {
                    int number = (i + turn + round) % subjects.Count;
                    seconds[number] += Turn(
                        team,
                        subjects.Workers(subjects[number], step.Threads),
                        step.Operation,
                        order.AsMemory(from, length),
                        _contents.AsMemory(from, length));
                }
                _progress.Add(length);
                _cancellation.ThrowIfCancellationRequested();
            }
            for (int i = 0; i < order.Length; i++)
                _holds[order[i]] = _contents[i];
        }
        return [.. seconds.Select(spent => (double)passes * _image.Count / spent)];
    }

    /// <summary>Chooses the order of the places and their contents in that order, so that no look-up is timed.</summary>
    private int[] Prepare(Subjects subjects, Step step)
    {
        bool writes = step.Operation == Operation.Write;
        int[] order = step.Order == Order.Sequential ? _sequential : writes ? _randomToWrite : _randomToRead;
        if (writes && !_options.Cold)
            _shift = (_shift + _image.Count / 3 + 1) % _image.Count;
        for (int i = 0; i < order.Length; i++)
            _contents[i] = writes ? (order[i] + _shift) % _image.Count : _holds[order[i]];
        if (writes)
        {
            foreach (Subject subject in subjects)
                subject.Prepare(_contents);
        }
        return order;
    }

    private static double Turn(
        Team team, SubjectWorker[] workers, Operation operation, ReadOnlyMemory<int> places, ReadOnlyMemory<int> contents)
    {
        return team.Run(number =>
        {
            int from = (int)((long)places.Length * number / team.Size);
            int length = (int)((long)places.Length * (number + 1) / team.Size) - from;
            if (operation == Operation.Write)
                workers[number].Write(places.Span.Slice(from, length), contents.Span.Slice(from, length));
            else
                workers[number].Read(places.Span.Slice(from, length), contents.Span.Slice(from, length));
        });
    }

    private void Record(Subjects subjects, Step step, double[] speeds)
    {
        for (int i = 0; i < subjects.Count; i++)
        {
            (string, string, Step) key = (subjects[i].Name, subjects[i].Algorithm, step);
            if (!_speeds.TryGetValue(key, out List<double>? rounds))
                _speeds[key] = rounds = [];
            rounds.Add(speeds[i]);
        }
    }

    /// <summary>Reads every page of a subject once more and compares it.</summary>
    private bool Verify(Subject subject)
    {
        using SubjectWorker worker = subject.CreateWorker();
        for (int place = 0; place < _holds.Length; place++)
        {
            worker.Read([place], [_holds[place]]);
            if (!worker.LastRead.SequenceEqual(_image[_holds[place]]))
                return false;
        }
        return true;
    }

    private enum Operation
    {
        Write,
        Read,
    }

    private enum Order
    {
        Sequential,
        Random,
    }

    private readonly record struct Step(Operation Operation, Order Order, int Threads)
    {
        public string OperationName => Operation == Operation.Write ? "write" : "read";

        public string OrderName => Order == Order.Sequential ? "sequential" : "random";
    }

    /// <summary>The subjects that take turns, and their workers, which are kept.</summary>
    private sealed class Subjects : List<Subject>, IDisposable
    {
        private readonly Dictionary<Subject, SubjectWorker[]> _workers = [];

        public Subjects(StoreBench bench, bool warm)
        {
            bool complete = false;
            try
            {
                foreach (NamedCodec codec in bench._options.Codecs)
                {
                    Add(new CodecSubject(bench._image, codec, warm));
                    Add(new PageStoreSubject(bench._image, codec, bench._options.HugePages));
                }
                if (OperatingSystem.IsLinux())
                {
                    foreach (string algorithm in bench._zram.Algorithms)
                        Add(MakeZram(bench, algorithm));
                }
                complete = true;
            }
            finally
            {
                if (!complete)
                    Dispose();
            }
        }

        public SubjectWorker[] Workers(Subject subject, int threads)
        {
            if (!_workers.TryGetValue(subject, out SubjectWorker[]? workers) || workers.Length < threads)
            {
                workers = [.. workers ?? [], .. Enumerable.Range(0, threads - (workers?.Length ?? 0)).Select(_ => subject.CreateWorker())];
                _workers[subject] = workers;
            }
            return workers;
        }

        public void Dispose()
        {
            foreach (SubjectWorker worker in _workers.Values.SelectMany(workers => workers))
                worker.Dispose();
            foreach (Subject subject in this)
                subject.Dispose();
        }

        [SupportedOSPlatform("linux")]
        private static ZramSubject MakeZram(StoreBench bench, string algorithm) => new(bench._image, algorithm);
    }
}
