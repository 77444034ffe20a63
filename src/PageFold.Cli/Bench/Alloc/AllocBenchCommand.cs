using System.CommandLine;
using System.Text.Json;
using PageFold.Cli.Data;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Alloc;

/// <summary>
/// <c>pagefold bench alloc</c>: compares a pool with malloc, jemalloc and mimalloc, with objects of compressed pages' sizes.
/// </summary>
internal static class AllocBenchCommand
{
    private const string DefaultSample = "512MiB";

    public static Command Create()
    {
        Option<string[]> data = new("--data")
        {
            Description = "Files, folders, block devices and pipes (- for standard input) whose pages' compressed sizes the objects have. "
                + "Without any, and without --pid, the .NET SDK's own folder.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> pid = new("--pid")
        {
            Description = "Use the present pages of a running process's private memory instead (Linux).",
            HelpName = "N",
        };
        Option<string> codec = new("--codec")
        {
            Description = CodecNames.All + ".",
            DefaultValueFactory = _ => "lz4",
            HelpName = "NAME[:LEVEL]",
        };
        Option<string?> level = new("--level") { Description = CodecNames.LevelHelp, HelpName = "N" };
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
        Option<string> rounds = new("--rounds")
        {
            Description = "Rounds, in which all take turns; the median is shown.",
            DefaultValueFactory = _ => "5",
            HelpName = "N",
        };
        Option<string?> json = new("--json")
        {
            Description = "Write the report as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        Command command = new(
            "alloc",
            "Allocate and free objects as long as compressed pages: a pool beside malloc, jemalloc and mimalloc, in time and in memory.")
        {
            data, pid, codec, level, pageSize, sample, rounds, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(new AllocBenchOptions
        {
            Paths = parsed.GetValue(data) ?? [],
            Pid = Arguments.Pid(parsed.GetValue(pid)),
            Codec = CodecNames.Parse("--codec", parsed.GetValue(codec)!, parsed.GetValue(level)),
            PageSize = Arguments.PageSize(parsed.GetValue(pageSize)!),
            SampleBytes = Arguments.Sample(parsed.GetValue(sample), Arguments.PageSize(parsed.GetValue(pageSize)!))!.Value,
            Rounds = Arguments.Integer("--rounds", parsed.GetValue(rounds)!, 1, 1000, "1 to 1000"),
            Json = parsed.GetValue(json),
        }, cancellation)));
        return command;
    }

    private static int Run(AllocBenchOptions options, CancellationToken outer)
    {
        if (OperatingSystem.IsLinux() && StaticTls.CanGrow && NativeAllocator.Names.Any(NativeAllocator.LacksStaticTls))
            StaticTls.Restart();
        using ReportTarget? json = options.Json is { } target ? new ReportTarget(target) : null;
        return Interruptible.Run(cancellation =>
        {
            WorkProgress progress = new();
            AllocBenchReport report = ProgressView.Watch(progress, () => Compare(options, json, progress, cancellation));
            json?.Write(JsonSerializer.Serialize(report, AllocBenchJson.Default.AllocBenchReport));
            if (json?.IsStandardOutput != true)
                AllocBenchView.Show(report);
            return report.Verified ? ExitCodes.Success : ExitCodes.Failure;
        }, outer);
    }

    private static AllocBenchReport Compare(
        AllocBenchOptions options, ReportTarget? json, WorkProgress progress, CancellationToken cancellation)
    {
        int[] sizes = Sizes(options, json, progress, cancellation, out string source);
        List<AllocatorKind> kinds = [AllocatorKind.Pool(options.PageSize)];
        Dictionary<string, string> unavailable = [];
        foreach (string name in NativeAllocator.Names)
        {
            if (NativeAllocator.Find(name, out string? reason) is { } library)
                kinds.Add(AllocatorKind.Library(library));
            else
                unavailable.Add(name, reason!);
        }
        try
        {
            return new AllocBench(options, sizes, kinds, progress, cancellation).Execute(source, unavailable);
        }
        catch (MemoryLimitException e)
        {
            throw new UserErrorException(
                "half of the memory there is, a pool's limit, does not hold these pages; choose less data with --sample.", e);
        }
    }

    /// <summary>Computes the sizes and frees the pages, because the comparison needs the memory.</summary>
    private static int[] Sizes(AllocBenchOptions options, ReportTarget? json, WorkProgress progress, CancellationToken cancellation,
        out string description)
    {
        using PageSource source = Arguments.OpenData(
            options.Paths, options.Pid, options.PageSize, options.SampleBytes, holes: false, [json], cancellation);
        description = source.FullDescription;
        using PageImage image = PageImage.Load(source, progress, cancellation);
        return CompressedSizes.AsStored(image, options.Codec.Codec);
    }
}
