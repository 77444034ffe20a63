using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PageFold.CacheBench.Density;
using PageFold.CacheBench.HitRatio;
using PageFold.CacheBench.Pauses;
using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Throughput;
using PageFold.CacheBench.Traces;
using PageFold.CacheBench.Values;
using PageFold.Cli;
using PageFold.Cli.Bench;

namespace PageFold.CacheBench;

/// <summary><c>pagefold bench cache</c>: compares caches by hit ratio on traces, by speed, by pauses and by density.</summary>
internal sealed class CacheBenchCommand
{
    private const int MaxEntries = 50_000_000;
    private const double MaxMinutes = 24 * 60;
    private const long MinLive = 1 << 20;
    private const long MaxLive = 1L << 40;

    private readonly Option<string[]> _traces = Several(
        "--trace", "FILE:FORMAT", $"Replay the trace in a file, plain, .gz or .xz. Formats: {TraceFormats.Names}.");

    private readonly Option<string[]> _generated = Several(
        "--generate", "STREAM", "Replay a seeded stream: zipf:KEYS:REQUESTS:EXPONENT, scan:KEYS:REQUESTS:LENGTH or loop:KEYS:REQUESTS.");

    private readonly Option<string[]> _capacities = Several(
        "--capacity", "PERCENT,PERCENT",
        "Capacities as shares of a trace's distinct keys, or of the bytes of their values where it states sizes.", "2%,10%,30%");

    private readonly Option<string[]> _objectives = Several(
        "--objective", "objects,bytes", "What a cache that has the choice optimises: hits, or bytes in hits.", "objects");

    private readonly Option<bool> _throughput = new("--throughput")
    {
        Description = "Measure times instead: get hit, get miss, set, mixed.",
    };

    private readonly Option<bool> _pauses = new("--pauses") { Description = "Measure pauses of the garbage collector instead." };

    private readonly Option<bool> _density = new("--density") { Description = "Measure entries by resident memory instead." };

    private readonly Option<string[]> _subjects = Several("--subject", "NAME,NAME", $"The caches, of {SubjectKind.Names}; without it all.");

    private readonly Option<string[]> _threads = Several(
        "--threads", "1|2", "Threads: that take the requests in turn, or that work at the same time (--throughput: 1,2).", "1");

    private readonly Option<string[]> _live = Several(
        "--live", "BYTES,BYTES", "With --pauses: bytes of values that each cache holds.", "1GiB,4GiB");

    private readonly Option<string[]> _collectors = Several(
        "--gc", "workstation,server", "With --pauses: the garbage collector.", "workstation");

    private readonly Option<string> _minutes = Single(
        "--minutes", "N", "With --pauses: minutes in which natural pauses are looked for.", "1");

    private readonly Option<string?> _entries = new("--entries")
    {
        Description = "With --throughput (100000) and --density (500000): entries in each cache.",
        HelpName = "N",
    };

    private readonly Option<string> _rounds = Single("--rounds", "N", "With --throughput: rounds in turns; the median is shown.", "5");

    private readonly Option<string[]> _values = Several(
        "--values", "FILE,FILE", "With --density: files of values, one a line, or in .bin files each with its length before it in 4 bytes, "
            + "the least significant first; those of 300 to 1,000 bytes are used (benchmarks/values.sh). Without it they are generated.");

    private readonly Option<string> _seed = Single("--seed", "N", "The seed of streams, orders and generated values.", "1");

    private readonly Option<string?> _json = new("--json")
    {
        Description = "Write the report as JSON to a file, or to standard output with -.",
        HelpName = "FILE|-",
    };

    private readonly Option<string?> _svg = new("--svg")
    {
        Description = "With --trace or --generate: draw the hit ratios into a file.",
        HelpName = "FILE",
    };

    private CacheBenchCommand()
    {
    }

    public static Command Create()
    {
        CacheBenchCommand options = new();
        Command command = new("cache", CacheBenchNotice.Answers)
        {
            options._traces, options._generated, options._capacities, options._objectives, options._throughput, options._pauses,
            options._density, options._subjects, options._threads, options._entries, options._rounds, options._live, options._collectors,
            options._minutes, options._values, options._seed, options._svg, options._json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(options.Run(parsed, cancellation)));
        return command;
    }

    private static Option<string[]> Several(string name, string helpName, string description, string? values = null)
    {
        Option<string[]> option = new(name) { AllowMultipleArgumentsPerToken = true, Description = description, HelpName = helpName };
        if (values is not null)
            option.DefaultValueFactory = _ => [values];
        return option;
    }

    private static Option<string> Single(string name, string helpName, string description, string value) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => value,
        HelpName = helpName,
    };

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private int Run(ParseResult parsed, CancellationToken outer)
    {
        Func<WorkProgress, CancellationToken, Outcome> measure = Choose(parsed);
        using ReportTarget? json = parsed.GetValue(_json) is { } target ? new ReportTarget(target) : null;
        using ReportTarget? svg = parsed.GetValue(_svg) is { } drawing ? new ReportTarget(drawing, "--svg", standardOutput: false) : null;
        if (json is not null && svg?.IsSameFile(json) == true)
            throw new UserErrorException($"--svg {parsed.GetValue(_svg)} and --json name the same file; choose two.");
        return Interruptible.Run(cancellation =>
        {
            WorkProgress progress = new();
            Outcome outcome = ProgressView.Watch(progress, () => measure(progress, cancellation));
            json?.Write(outcome.Json);
            svg?.Write(outcome.Svg!);
            if (json?.IsStandardOutput != true)
                outcome.Show();
            return ExitCodes.Success;
        }, outer);
    }

    /// <summary>Validates the options and returns what they ask for.</summary>
    private Func<WorkProgress, CancellationToken, Outcome> Choose(ParseResult parsed)
    {
        Option[] forms = [.. new Option[] { _traces, _generated, _throughput, _pauses, _density }.Where(form => IsGiven(parsed, form))];
        bool replays = forms.Any(form => form == _traces || form == _generated);
        if (forms.Length == 0)
        {
            throw new UserErrorException(
                "nothing to measure; name traces with --trace FILE:FORMAT or streams with --generate, or choose --throughput, --pauses or "
                    + "--density.");
        }
        if (forms.Length > 1 && forms.Any(form => form != _traces && form != _generated))
            throw new UserErrorException($"{forms[0].Name} and {forms[^1].Name} are two measurements; run the command once for each.");
        RefuseUnused(parsed, replays ? _traces : forms[0], forms[0]);
        IReadOnlyList<SubjectKind> subjects = SubjectKind.Parse(parsed.GetValue(_subjects) ?? []);
        int seed = Arguments.Integer("--seed", parsed.GetValue(_seed)!, 0, int.MaxValue, $"0 to {int.MaxValue}");
        if (replays)
            return Replays(parsed, subjects, seed);
        if (forms[0] == _throughput)
            return Times(parsed, subjects, seed);
        return forms[0] == _pauses ? Pauses(parsed, subjects, seed) : Densities(parsed, subjects, seed);
    }

    /// <summary>Refuses options that the chosen measurement would ignore.</summary>
    private void RefuseUnused(ParseResult parsed, Option form, Option given)
    {
        (Option Option, Option[] Forms)[] uses =
        [
            (_capacities, [_traces]), (_objectives, [_traces]), (_threads, [_traces, _throughput, _pauses]), (_live, [_pauses]),
            (_collectors, [_pauses]), (_minutes, [_pauses]), (_rounds, [_throughput]), (_entries, [_throughput, _density]),
            (_values, [_density]), (_svg, [_traces]),
        ];
        foreach ((Option option, Option[] users) in uses)
        {
            string names = string.Join(" or ", users.Select(user => user.Name));
            if (IsGiven(parsed, option) && !users.Contains(form))
                throw new UserErrorException($"{option.Name} goes with {names} and not with {given.Name}; leave it out.");
        }
    }

    private Func<WorkProgress, CancellationToken, Outcome> Replays(ParseResult parsed, IReadOnlyList<SubjectKind> subjects, int seed)
    {
        HitRatioOptions options = new()
        {
            Files = [.. (parsed.GetValue(_traces) ?? []).Select(TraceFile.Parse)],
            Generated = [.. (parsed.GetValue(_generated) ?? []).Select(GeneratedTrace.Parse)],
            Capacities = [.. Arguments.Several(parsed.GetValue(_capacities)!).Select(Capacity)],
            Objectives = [.. Arguments.Several(parsed.GetValue(_objectives)!).Select(Objective).Distinct()],
            Subjects = subjects,
            Threads = Arguments.Integer("--threads", string.Join(',', parsed.GetValue(_threads)!), 1, 2, "1 or 2"),
            Seed = seed,
        };
        return (progress, cancellation) =>
        {
            HitRatioReport report = new HitRatioBench(options, progress, cancellation).Execute();
            string json = JsonSerializer.Serialize(report, HitRatioJson.Default.HitRatioReport);
            return new Outcome(json, () => HitRatioView.Show(report), HitRatioDrawing.Draw(report));
        };
    }

    private Func<WorkProgress, CancellationToken, Outcome> Times(ParseResult parsed, IReadOnlyList<SubjectKind> subjects, int seed)
    {
        ThroughputOptions options = new()
        {
            Subjects = subjects,
            Threads = IsGiven(parsed, _threads) ? Arguments.Integers("--threads", parsed.GetValue(_threads)!, 1, 2, "1, 2 or 1,2") : [1, 2],
            Entries = Arguments.Integer("--entries", parsed.GetValue(_entries) ?? "100000", 100, MaxEntries, $"100 to {MaxEntries}"),
            Rounds = Arguments.Integer("--rounds", parsed.GetValue(_rounds)!, 1, 1000, "1 to 1000"),
            Seed = seed,
        };
        return (progress, cancellation) =>
        {
            using ThroughputBench bench = new(options, progress, cancellation);
            ThroughputReport report = bench.Execute();
            string json = JsonSerializer.Serialize(report, ThroughputJson.Default.ThroughputReport);
            return new Outcome(json, () => ThroughputView.Show(report));
        };
    }

    private Func<WorkProgress, CancellationToken, Outcome> Pauses(ParseResult parsed, IReadOnlyList<SubjectKind> subjects, int seed)
    {
        PauseOptions options = new()
        {
            Subjects = subjects,
            LiveBytes = [.. Arguments.Several(parsed.GetValue(_live)!).Select(Live)],
            ServerModes = [.. Arguments.Several(parsed.GetValue(_collectors)!).Select(IsServer).Distinct()],
            Minutes = Minutes(parsed.GetValue(_minutes)!),
            Threads = Arguments.Integer("--threads", string.Join(',', parsed.GetValue(_threads)!), 1, 2, "1 or 2"),
            Seed = seed,
        };
        return (progress, cancellation) =>
        {
            PauseReport report = new PauseBench(options, progress, cancellation).Execute();
            return new Outcome(JsonSerializer.Serialize(report, PauseJson.Default.PauseReport), () => PauseView.Show(report));
        };
    }

    private Func<WorkProgress, CancellationToken, Outcome> Densities(ParseResult parsed, IReadOnlyList<SubjectKind> subjects, int seed)
    {
        DensityOptions options = new()
        {
            Subjects = subjects,
            Entries = Arguments.Integer("--entries", parsed.GetValue(_entries) ?? "500000", 1000, MaxEntries, $"1000 to {MaxEntries}"),
            ValuesFiles = ValuesFiles(parsed.GetValue(_values) ?? []),
            Seed = seed,
        };
        return (progress, cancellation) =>
        {
            DensityReport report = new DensityBench(options, progress, cancellation).Execute();
            return new Outcome(JsonSerializer.Serialize(report, DensityJson.Default.DensityReport), () => DensityView.Show(report));
        };
    }

    private static double Capacity(string text) =>
        double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent)
            && percent is > 0 and <= 100
            ? percent
            : throw new UserErrorException(
                $"--capacity {Arguments.Shown(text)} is no share; choose more than 0% and up to 100%, as in 2%,10%.");

    private static CacheObjective Objective(string text) => text switch
    {
        "objects" => CacheObjective.Objects,
        "bytes" => CacheObjective.Bytes,
        _ => throw new UserErrorException($"--objective {Arguments.Shown(text)} is not possible; choose objects, bytes or both."),
    };

    private static long Live(string text) =>
        ByteSize.TryParse(text, out long bytes) && bytes is >= MinLive and <= MaxLive
            ? bytes
            : throw new UserErrorException(
                $"--live {Arguments.Shown(text)} is not possible; choose {ByteSize.Format(MinLive)} to {ByteSize.Format(MaxLive)}, "
                    + "as in 512MiB,4GiB.");

    private static bool IsServer(string text) => text switch
    {
        "workstation" => false,
        "server" => true,
        _ => throw new UserErrorException($"--gc {Arguments.Shown(text)} is not possible; choose workstation, server or both."),
    };

    private static double Minutes(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double minutes)
            && minutes is > 0 and <= MaxMinutes
            ? minutes
            : throw new UserErrorException($"--minutes {Arguments.Shown(text)} is not possible; choose more than 0 up to {MaxMinutes}.");

    private static string[] ValuesFiles(string[] texts)
    {
        string[] files = [.. (texts.Length == 0 ? [] : Arguments.Several(texts)).Select(ValuesFile.Check)];
        return files.DistinctBy(Path.GetFileName).Count() == files.Length ? files
            : throw new UserErrorException($"--values {string.Join(' ', texts)} has a name twice; name each file once, or rename one.");
    }

    /// <summary>A report, as JSON, for people, and as a drawing if it has one.</summary>
    private sealed record Outcome(string Json, Action Show, string? Svg = null);
}
