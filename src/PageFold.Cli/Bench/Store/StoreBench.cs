using System.Runtime.Versioning;
using PageFold.Cli.Data;

namespace PageFold.Cli.Bench.Store;

/// <summary>
/// Writes and reads the same real pages with the codec alone, with PageFold and with the kernel's zram, in turns, so that whatever else the machine does meets all of
/// them.
/// </summary>
/// <remarks>
/// Everybody's memory is full and warm: a write replaces the page that is there by another page of the image, so objects of other sizes come and go. Before each write the image is shifted
/// against the places; a random order visits the places, and so the contents, at random. With <c>--cold</c> each round begins with nothing and measures the first write alone.
/// </remarks>
internal sealed class StoreBench
{
    private const int Seed = 2026;
    private const int WarmUpPages = 16384;
    private const int WarmUpRounds = 4;
    private const int Stretch = 4096;

    // What the compiler in the background may need to finish with what it found hot.
    private static readonly TimeSpan CompileTime = TimeSpan.FromMilliseconds(300);

    private readonly StoreBenchOptions _options;
    private readonly PageImage _image;
    private readonly string _source;
    private readonly string? _zramUnavailable;
    private readonly WorkProgress _progress;
    private readonly CancellationToken _cancellation;
    private readonly int[] _sequential;
    private readonly int[] _random;
    private readonly int[] _contents;
    private readonly Dictionary<(string Subject, string Algorithm, Step Step), List<double>> _seconds = [];
    private int _shift;

    public StoreBench(StoreBenchOptions options, PageImage image, string source, string? zramUnavailable, WorkProgress progress, CancellationToken cancellation)
    {
        _options = options;
        _image = image;
        _source = source;
        _zramUnavailable = zramUnavailable;
        _progress = progress;
        _cancellation = cancellation;
        _sequential = [.. Enumerable.Range(0, image.Count)];
        _random = [.. _sequential];
        // A fixed seed: the same order each time.
        new Random(Seed).Shuffle(_random);
        _contents = new int[image.Count];
    }

    public StoreBenchReport Execute()
    {
        WarmUp();
        _progress.Begin("Measuring in turns", (long)_options.Rounds * Steps().Count() * SubjectCount);
        return _options.Cold ? ExecuteCold() : ExecuteWarm();
    }

    private int SubjectCount => _options.Codecs.Count * 2 + (_zramUnavailable is null ? 1 : 0);

    private StoreBenchReport ExecuteWarm()
    {
        using Subjects subjects = MakeSubjects(warm: true);
        foreach (Subject subject in subjects)
            Run(subject, new Step(Operation.Write, Order.Sequential, _options.Threads.Max()), _image.Count);
        List<(long Compressed, long Total)> fresh = [.. subjects.Select(subject => subject.Memory)];
        for (int round = 0; round < _options.Rounds; round++)
            Round(subjects, round, _image.Count, record: true);
        bool verified = subjects.All(Verify);
        return Report(verified, [.. subjects.Select((subject, i) =>
            new StoreBenchMemory(subject.Name, subject.Algorithm, fresh[i].Compressed, fresh[i].Total, subject.Memory.Total))]);
    }

    private StoreBenchReport ExecuteCold()
    {
        List<StoreBenchMemory> memory = [];
        bool verified = true;
        for (int round = 0; round < _options.Rounds; round++)
        {
            foreach (Step step in Steps())
            {
                using Subjects subjects = MakeSubjects(warm: false);
                PrepareContents(shift: 0);
                foreach (Subject subject in InTurn(subjects, round))
                    Record(subject, step, Run(subject, step, _image.Count));
                if (memory.Count > 0)
                    continue;
                verified = subjects.All(Verify);
                memory.AddRange(subjects.Select(subject => new StoreBenchMemory(subject.Name, subject.Algorithm, subject.Memory.Compressed, subject.Memory.Total, null)));
            }
        }
        return Report(verified, memory);
    }

    private StoreBenchReport Report(bool verified, IReadOnlyList<StoreBenchMemory> memory) => new()
    {
        Source = _source,
        PageSize = _image.PageSize,
        Pages = _image.Count,
        SameFilledLeftOut = _image.SameFilled,
        Rounds = _options.Rounds,
        Cold = _options.Cold,
        Implementations = _options.Codecs.ToDictionary(codec => codec.Name, codec => codec.Implementation),
        ZramUnavailable = _zramUnavailable,
        Verified = verified,
        Memory = memory,
        Rows = [.. _seconds.Select(entry =>
        {
            Spread spread = Spread.Of(entry.Value.Select(seconds => _image.Count / seconds));
            (string subject, string algorithm, Step step) = entry.Key;
            return new StoreBenchRow(subject, algorithm, step.OperationName, step.OrderName, step.Threads, spread.Median, spread.Least, spread.Most);
        })],
    };

    /// <summary>Does all that is timed later on a small part of the pages, until the code is compiled for good.</summary>
    private void WarmUp()
    {
        int pages = Math.Min(WarmUpPages, _image.Count);
        _progress.Begin("Warming up", WarmUpRounds);
        using Subjects subjects = MakeSubjects(warm: true);
        for (int round = 0; round < WarmUpRounds; round++)
        {
            if (!_options.Cold)
                Round(subjects, round, pages, record: false);
            else
                Run(subjects[round % subjects.Count], Steps().First(), pages);
            _cancellation.WaitHandle.WaitOne(CompileTime);
            _cancellation.ThrowIfCancellationRequested();
            _progress.Add(1);
        }
        _seconds.Clear();
        _shift = 0;
        PrepareContents(0);
    }

    private void Round(Subjects subjects, int round, int pages, bool record)
    {
        foreach (Step step in Steps())
        {
            if (step.Operation == Operation.Write)
                PrepareContents(_shift + (_image.Count / 3) + 1);
            foreach (Subject subject in InTurn(subjects, round))
            {
                double seconds = Run(subject, step, pages);
                if (record)
                    Record(subject, step, seconds);
            }
        }
    }

    /// <summary>Whoever was first in the last round is last in the next.</summary>
    private static IEnumerable<Subject> InTurn(Subjects subjects, int round) => subjects.Select((_, i) => subjects[(i + round) % subjects.Count]);

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

    /// <summary>Which page of the image each place holds once the next write is over.</summary>
    private void PrepareContents(int shift)
    {
        _shift = shift % _image.Count;
        for (int place = 0; place < _contents.Length; place++)
            _contents[place] = (place + _shift) % _image.Count;
    }

    private void Record(Subject subject, Step step, double seconds)
    {
        if (!_seconds.TryGetValue((subject.Name, subject.Algorithm, step), out List<double>? rounds))
            _seconds[(subject.Name, subject.Algorithm, step)] = rounds = [];
        rounds.Add(seconds);
        _progress.Add(1);
    }

    private double Run(Subject subject, Step step, int pages)
    {
        int[] order = step.Order == Order.Sequential ? _sequential : _random;
        // The contents in the order of the places, so that no look-up of ours is timed.
        int[] contents = [.. order.Take(pages).Select(place => _contents[place])];
        SubjectWorker[] workers = [.. Enumerable.Range(0, step.Threads).Select(_ => subject.CreateWorker())];
        try
        {
            double seconds = Team.Run(step.Threads, number =>
            {
                int end = (int)((long)pages * (number + 1) / step.Threads);
                for (int from = (int)((long)pages * number / step.Threads); from < end; from += Stretch)
                {
                    int length = Math.Min(Stretch, end - from);
                    if (step.Operation == Operation.Write)
                        workers[number].Write(order.AsSpan(from, length), contents.AsSpan(from, length));
                    else
                        workers[number].Read(order.AsSpan(from, length), contents.AsSpan(from, length));
                    if (_cancellation.IsCancellationRequested)
                        return;
                }
            });
            _cancellation.ThrowIfCancellationRequested();
            return seconds;
        }
        finally
        {
            foreach (SubjectWorker worker in workers)
                worker.Dispose();
        }
    }

    /// <summary>Reads every page of a subject once more and compares.</summary>
    private bool Verify(Subject subject)
    {
        using SubjectWorker worker = subject.CreateWorker();
        for (int place = 0; place < _contents.Length; place++)
        {
            worker.Read([place], [_contents[place]]);
            if (!worker.LastRead.SequenceEqual(_image[_contents[place]]))
                return false;
        }
        return true;
    }

    private Subjects MakeSubjects(bool warm)
    {
        Subjects subjects = [];
        try
        {
            foreach (PageCodec codec in _options.Codecs)
            {
                subjects.Add(new CodecSubject(_image, codec, warm));
                subjects.Add(new PageStoreSubject(_image, codec));
            }
            if (_zramUnavailable is null && OperatingSystem.IsLinux())
                subjects.Add(MakeZram());
            return subjects;
        }
        catch
        {
            subjects.Dispose();
            throw;
        }
    }

    [SupportedOSPlatform("linux")]
    private ZramSubject MakeZram() => new(_image, ZramAlgorithm(_options.Codecs));

    /// <summary>The kernel's name for what the codecs have in common.</summary>
    public static string ZramAlgorithm(IReadOnlyList<PageCodec> codecs) => codecs[0].Name.Split('-')[0];

    internal enum Operation
    {
        Write,
        Read,
    }

    internal enum Order
    {
        Sequential,
        Random,
    }

    private readonly record struct Step(Operation Operation, Order Order, int Threads)
    {
        public string OperationName => Operation == Operation.Write ? "write" : "read";

        public string OrderName => Order == Order.Sequential ? "sequential" : "random";
    }

    private sealed class Subjects : List<Subject>, IDisposable
    {
        public void Dispose()
        {
            foreach (Subject subject in this)
                subject.Dispose();
        }
    }
}
