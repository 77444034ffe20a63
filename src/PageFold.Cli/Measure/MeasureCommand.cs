using System.CommandLine;
using System.Text.Json;
using PageFold.Cli.Data;

namespace PageFold.Cli.Measure;

/// <summary><c>pagefold measure</c>: measures how much memory PageFold saves on real data, at what speed, verified.</summary>
internal static class MeasureCommand
{
    // How pages are compressed where no codec is named.
    private const string DefaultCodec = CodecNames.Auto;

    public static Command Create()
    {
        Argument<string[]> paths = new("path")
        {
            Description = "Files, folders, block devices and pipes to measure; - is standard input. Without any, and without --pid, the "
                + ".NET SDK's own folder.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string?> pid = new("--pid")
        {
            Description = "Measure the present pages of a running process's private memory instead (Linux).",
            HelpName = "N",
        };
        Option<string> codec = new("--codec")
        {
            Description = $"{CodecNames.AllAndAuto}. {CodecNames.Auto} is what 'serve --codec {CodecNames.Auto}' does: {CodecNames.Fold}, "
                + $"and then {CodecNames.FoldDense} for pages that are idle; both are reported.",
            DefaultValueFactory = _ => DefaultCodec,
            HelpName = "NAME[:LEVEL]",
        };
        Option<string?> level = new("--level") { Description = CodecNames.LevelHelp, HelpName = "N" };
        Option<bool> train = new("--train")
        {
            Description = $"Train tables for {CodecNames.FoldDense} on the pages first, as 'recompress --train' does on a served disk.",
        };
        Option<string> pageSize = new("--page-size")
        {
            Description = "Bytes in a page: 4KiB, 8KiB, 16KiB, 32KiB or 64KiB.",
            DefaultValueFactory = _ => "4KiB",
            HelpName = "BYTES",
        };
        Option<string> chain = new("--chain")
        {
            Description = "The most frames in a zspage, 1 to 64.",
            DefaultValueFactory = _ => "64",
            HelpName = "N",
        };
        Option<string> threads = new("--threads")
        {
            Description = "Threads that store and load.",
            DefaultValueFactory = _ => "1",
            HelpName = "N",
        };
        Option<string?> limit = new("--memory-limit")
        {
            Description = "The most memory to hold, as in 512MiB. Default: half of the container's or the machine's.",
            HelpName = "BYTES",
        };
        Option<string?> sample = new("--sample")
        {
            Description = "Measure about this much of the data, chosen evenly, as in 1GiB; of a pipe or device the first so much. "
                + "Default: all.",
            HelpName = "BYTES",
        };
        Option<string?> json = new("--json")
        {
            Description = "Write the report as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        Command command = new("measure", "Store real data compressed, read every page back, and show what is saved, at what speed.")
        {
            paths, pid, codec, level, train, pageSize, chain, threads, limit, sample, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(new MeasureOptions
        {
            Paths = parsed.GetValue(paths) ?? [],
            Pid = Arguments.Pid(parsed.GetValue(pid)),
            Codec = ForWrites(parsed.GetValue(codec)!, parsed.GetValue(level)),
            Denser = CodecNames.IsAuto(parsed.GetValue(codec)!) ? CodecNames.Parse("--codec", CodecNames.FoldDense) : null,
            TrainsTables = Trains(parsed.GetValue(train), parsed.GetValue(codec)!),
            PageSize = Arguments.PageSize(parsed.GetValue(pageSize)!),
            Chain = Arguments.Integer("--chain", parsed.GetValue(chain)!, 1, 64, "1 to 64 frames"),
            Threads = Arguments.Integer("--threads", parsed.GetValue(threads)!, 1, 1024, "1 to 1024"),
            MemoryLimit = Arguments.Bytes("--memory-limit", parsed.GetValue(limit)),
            SampleBytes = Arguments.Sample(parsed.GetValue(sample), Arguments.PageSize(parsed.GetValue(pageSize)!)),
            Json = parsed.GetValue(json),
        }, cancellation)));
        return command;
    }

    private static NamedCodec ForWrites(string text, string? level) =>
        // With a level it is refused by its own name.
        CodecNames.Parse("--codec", CodecNames.IsAuto(text) && level is null ? CodecNames.Fold : text, level, CodecNames.AllAndAuto);

    private static bool Trains(bool asked, string codec) => !asked || CodecNames.IsAuto(codec)
        ? asked
        : throw new UserErrorException(
            $"--train goes with --codec {CodecNames.Auto} only, which compresses all pages again; leave it or --codec {codec} out.");

    private static int Run(MeasureOptions options, CancellationToken outer)
    {
        using ReportTarget? json = options.Json is { } target ? new ReportTarget(target) : null;
        return Interruptible.Run(cancellation =>
        {
            using PageSource source = Arguments.OpenData(
                options.Paths, options.Pid, options.PageSize, options.SampleBytes, holes: true, [json], cancellation);
            MeasureView view = new(json?.IsStandardOutput == true);
            WorkProgress progress = new();
            MeasureRun run = new(options, source, progress, cancellation);
            MeasureReport report = ProgressView.Watch(progress, run.Execute);
            json?.Write(JsonSerializer.Serialize(report, MeasureJson.Default.MeasureReport));
            view.Show(report);
            return ExitCode(report);
        }, outer);
    }

    private static int ExitCode(MeasureReport report)
    {
        if (report.PagesDifferent > 0)
            return ExitCodes.Failure;
        if (report.Interrupted)
            return ExitCodes.Interrupted;
        return report.LimitReached ? ExitCodes.LimitReached : ExitCodes.Success;
    }
}
