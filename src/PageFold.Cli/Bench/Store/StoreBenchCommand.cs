using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PageFold.Cli.Data;

namespace PageFold.Cli.Bench.Store;

/// <summary><c>pagefold bench store</c>: compares the codec alone, PageFold and the kernel's zram on the same real pages.</summary>
internal static class StoreBenchCommand
{
    private const string DefaultSample = "1GiB";
    private const int MaxRoundPages = 1 << 24;
    private const string DefaultThreads = "1,2";
    private const string DefaultZram = "lz4,zstd";

    public static Command Create()
    {
        Option<string[]> data = new("--data")
        {
            Description = "Files, folders, block devices and pipes (- for standard input) whose pages are written. Without any, and "
                + "without --pid, the .NET SDK's own folder.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> pid = new("--pid")
        {
            Description = "Use the present pages of a running process's private memory instead (Linux).",
            HelpName = "N",
        };
        Option<string[]> codec = new("--codec")
        {
            Description = $"{CodecNames.All}; several with commas between. Both LZ4s, lz4,lz4-managed, are the default.",
            HelpName = "NAME[:LEVEL]",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> level = new("--level") { Description = CodecNames.LevelHelp, HelpName = "N" };
        Option<string[]> zram = new("--zram")
        {
            Description = $"Algorithms of the kernel's zram; {ZramSelection.All} for those the kernel offers, {ZramSelection.Without} to "
                + "leave zram out.",
            DefaultValueFactory = _ => [DefaultZram],
            HelpName = "NAME,NAME",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string> pageSize = new("--page-size")
        {
            Description = "Bytes in a page: 4KiB, 8KiB, 16KiB, 32KiB or 64KiB.",
            DefaultValueFactory = _ => "4KiB",
            HelpName = "BYTES",
        };
        Option<string> sample = new("--sample")
        {
            Description = "Use about this much of the data, chosen evenly; of a pipe or device the first so much.",
            DefaultValueFactory = _ => DefaultSample,
            HelpName = "BYTES",
        };
        Option<bool> holdOut = new("--holdout") { Description = Arguments.HoldOutHelp };
        Option<string[]> threads = new("--threads")
        {
            AllowMultipleArgumentsPerToken = true,
            Description = "Threads that write and read; several numbers are measured one after the other.",
            DefaultValueFactory = _ => [DefaultThreads],
            HelpName = "N,N",
        };
        Option<string> rounds = new("--rounds")
        {
            Description = "Rounds, in which all take turns; the median is shown.",
            DefaultValueFactory = _ => "5",
            HelpName = "N",
        };
        Option<string> roundPages = new("--round-pages")
        {
            Description = "How many pages each of them writes and reads in a round, at least: few data are passed over several times. "
                + "A quarter of them warm up. With few pages the figures are noise.",
            DefaultValueFactory = _ => StoreBenchOptions.DefaultRoundPages.ToString(CultureInfo.InvariantCulture),
            HelpName = "N",
        };
        Option<bool> cold = new("--cold") { Description = "Measure only first writes, into memory that was never touched." };
        Option<bool> huge = new("--huge-pages") { Description = "Let PageFold collapse its memory into huge pages." };
        Option<string?> json = new("--json")
        {
            Description = "Write the report as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        Command command = new(
            "store", "Write and read real pages with the codec alone, with PageFold and with the kernel's zram (as root), side by side.")
        {
            data, pid, codec, level, zram, pageSize, sample, holdOut, threads, rounds, roundPages, cold, huge, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(new StoreBenchOptions
        {
            Paths = parsed.GetValue(data) ?? [],
            Pid = Arguments.Pid(parsed.GetValue(pid)),
            Codecs = Codecs(parsed.GetValue(codec), parsed.GetValue(level)),
            Zram = ZramSelection.Parse(parsed.GetValue(zram)!),
            PageSize = Arguments.PageSize(parsed.GetValue(pageSize)!),
            SampleBytes = Arguments.Sample(parsed.GetValue(sample), Arguments.PageSize(parsed.GetValue(pageSize)!))!.Value,
            HoldOut = parsed.GetValue(holdOut),
            Threads = Arguments.Integers("--threads", parsed.GetValue(threads)!, 1, 1024, "1 to 1024, or several with commas between"),
            Rounds = Arguments.Integer("--rounds", parsed.GetValue(rounds)!, 1, 1000, "1 to 1000"),
            RoundPages = Arguments.Integer(
                "--round-pages", parsed.GetValue(roundPages)!, 1, MaxRoundPages, $"1 to {MaxRoundPages} pages"),
            Cold = parsed.GetValue(cold),
            HugePages = parsed.GetValue(huge),
            Json = parsed.GetValue(json),
        }, cancellation)));
        return command;
    }

    private static NamedCodec[] Codecs(string[]? names, string? level)
    {
        names = Arguments.Several(names ?? []);
        if (names is [])
            names = PageCodec.Lz4.Implementation == PageCodec.Lz4Managed.Implementation ? ["lz4"] : ["lz4", "lz4-managed"];
        NamedCodec[] codecs = [.. names.Select(name => CodecNames.Parse("--codec", name, level))];
        if (codecs.DistinctBy(codec => codec.Name).Count() < codecs.Length)
            throw new UserErrorException($"--codec {string.Join(' ', names)} names one twice; name each once.");
        if (codecs.DistinctBy(codec => codec.Algorithm).Count() < codecs.Length)
            throw new UserErrorException($"--codec {string.Join(' ', names)} names two levels of zstd; run the command once for each.");
        return codecs;
    }

    private static int Run(StoreBenchOptions options, CancellationToken outer)
    {
        using ReportTarget? json = options.Json is { } target ? new ReportTarget(target) : null;
        return Interruptible.Run(cancellation =>
        {
            WorkProgress progress = new();
            StoreBenchReport report = ProgressView.Watch(progress, () => Compare(options, json, progress, cancellation));
            json?.Write(JsonSerializer.Serialize(report, StoreBenchJson.Default.StoreBenchReport));
            if (json?.IsStandardOutput != true)
                StoreBenchView.Show(report);
            return report.Verified ? ExitCodes.Success : ExitCodes.Failure;
        }, outer);
    }

    private static StoreBenchReport Compare(
        StoreBenchOptions options, ReportTarget? json, WorkProgress progress, CancellationToken cancellation)
    {
        using PageSource source = Arguments.OpenData(
            options.Paths, options.Pid, options.PageSize, options.SampleBytes, holes: false, [json], cancellation, options.HoldOut);
        using PageImage image = PageImage.Load(source, progress, cancellation);
        ZramSelection zram = ZramSelection.Try(options.Zram, options.PageSize);
        return new StoreBench(options, image, source.FullDescription, zram, progress, cancellation).Execute();
    }
}
