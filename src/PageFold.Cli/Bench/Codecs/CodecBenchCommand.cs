using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using PageFold.Cli.Data;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Codecs;

/// <summary><c>pagefold bench codec</c>: compares codecs by bytes and by the times to compress and to decompress a page.</summary>
internal static class CodecBenchCommand
{
    private const string DefaultSample = "64MiB";
    private const string DefaultPageSizes = "4KiB,16KiB,64KiB";
    private const int DefaultRounds = 3;

    public static Command Create()
    {
        Option<string[]> data = new("--data")
        {
            Description = "Files, folders, block devices and pipes (- for standard input) whose pages are compressed. Without any, and "
                + "without --pid, the .NET SDK's own folder.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> pid = new("--pid")
        {
            Description = "Use the present pages of a running process's private memory instead (Linux).",
            HelpName = "N",
        };
        Option<string[]> codecs = new("--codecs")
        {
            Description = $"The codecs to compare; all at hand without it. {CodecCatalog.Names}.",
            HelpName = "NAME,NAME",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string[]> pageSize = new("--page-size")
        {
            Description = "Bytes in a page: 4KiB, 8KiB, 16KiB, 32KiB or 64KiB; several are measured one after the other.",
            DefaultValueFactory = _ => [DefaultPageSizes],
            HelpName = "BYTES,BYTES",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string> sample = new("--sample")
        {
            Description = "Use about this much of the data, chosen evenly; of a pipe or device the first so much.",
            DefaultValueFactory = _ => DefaultSample,
            HelpName = "BYTES",
        };
        Option<string> rounds = new("--rounds")
        {
            Description = "Rounds over all pages, in which all codecs take turns; the median of the turns is shown.",
            DefaultValueFactory = _ => DefaultRounds.ToString(CultureInfo.InvariantCulture),
            HelpName = "N",
        };
        Option<bool> holdOut = new("--holdout") { Description = Arguments.HoldOutHelp };
        Option<string?> svg = new("--svg") { Description = "Draw bytes and time to decompress into a file.", HelpName = "FILE" };
        Option<string?> json = new("--json")
        {
            Description = "Write the report as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        Command command = new(
            "codec", "Compress and decompress real pages with all codecs at hand, one beside the other: bytes and both times.")
        {
            data, pid, codecs, pageSize, sample, rounds, holdOut, svg, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            IReadOnlyList<int> sizes = Arguments.PageSizes(parsed.GetValue(pageSize)!);
            return Task.FromResult(Run(new CodecBenchOptions
            {
                Paths = parsed.GetValue(data) ?? [],
                Pid = Arguments.Pid(parsed.GetValue(pid)),
                PageSizes = sizes,
                SampleBytes = Arguments.Sample(parsed.GetValue(sample), sizes.Max())!.Value,
                Selection = CodecCatalog.Select(Arguments.Several(parsed.GetValue(codecs) ?? [])),
                Rounds = Arguments.Integer("--rounds", parsed.GetValue(rounds)!, 1, 1000, "1 to 1000"),
                HoldOut = parsed.GetValue(holdOut),
                Json = parsed.GetValue(json),
                Svg = parsed.GetValue(svg),
            }, cancellation));
        });
        return command;
    }

    /// <summary>Measures, writes the reports and returns the exit code.</summary>
    public static int Run(CodecBenchOptions options, CancellationToken outer)
    {
        using ReportTarget? json = options.Json is { } target ? new ReportTarget(target) : null;
        using ReportTarget? svg = options.Svg is { } drawing ? new ReportTarget(drawing, "--svg", standardOutput: false) : null;
        if (json is not null && svg?.IsSameFile(json) == true)
            throw new UserErrorException($"--svg {options.Svg} and --json name the same file; choose two.");
        return Interruptible.Run(cancellation =>
        {
            WorkProgress progress = new();
            CodecBenchReport report = ProgressView.Watch(progress, () => Compare(options, [json, svg], progress, cancellation));
            json?.Write(JsonSerializer.Serialize(report, CodecBenchJson.Default.CodecBenchReport));
            if (json?.IsStandardOutput != true)
                CodecBenchView.Show(report);
            svg?.Write(CodecDrawing.Draw(report));
            return report.Verified ? ExitCodes.Success : ExitCodes.Failure;
        }, outer);
    }

    private static CodecBenchReport Compare(
        CodecBenchOptions options, ReportTarget?[] targets, WorkProgress progress, CancellationToken cancellation)
    {
        if (options.PageSizes.Count > 1)
            RefuseStreams(options.Paths);
        List<CodecBenchPages> pages = [];
        List<CodecBenchRow> rows = [];
        List<WrongCodec> wrong = [];
        string description = string.Empty;
        int leftOut = 0;
        foreach (int pageSize in options.PageSizes)
        {
            using PageImage image = Load(pageSize);
            pages.Add(new CodecBenchPages(pageSize, image.Count, image.SameFilled));
            rows.AddRange(new CodecBench(options.Selection.Codecs, image, options.Rounds, progress, cancellation).Execute(wrong));
        }
        return new CodecBenchReport
        {
            Data = description,
            Sample = options.SampleBytes,
            Holdout = options.HoldOut,
            FilesLeftOut = options.Pid is null ? leftOut : null,
            Cpu = Processor(),
            Runtime = RuntimeInformation.FrameworkDescription,
            Clock = ThreadClock.Description,
            Rounds = options.Rounds,
            Missing = options.Selection.Missing,
            Wrong = wrong,
            PageSizes = pages,
            Rows = rows,
        };

        PageImage Load(int pageSize)
        {
            using PageSource source = Arguments.OpenData(
                options.Paths, options.Pid, pageSize, options.SampleBytes, holes: false, targets, cancellation, options.HoldOut);
            description = source.FullDescription;
            leftOut = source.FilesLeftOut;
            return PageImage.Load(source, progress, cancellation);
        }
    }

    /// <summary>A stream can be read once, and each page size reads the data again.</summary>
    private static void RefuseStreams(IReadOnlyList<string> paths)
    {
        foreach (string path in paths)
        {
            FileName name = FileName.Of(path == "-" ? "/dev/stdin" : path);
            if (Files.Look(name, follow: true, out _)?.Kind is FileKind.Pipe or FileKind.Socket or FileKind.CharacterDevice)
            {
                throw new UserErrorException(
                    $"'{name}' can be read only once, and each page size reads the data again; choose one with --page-size.");
            }
        }
    }

    /// <summary>The processor's name where the system tells it, or else its architecture.</summary>
    private static string Processor()
    {
        const string Field = "model name";
        string? line = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal))
            : null;
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
