using System.CommandLine;
using System.Text.Json;
using PageFold.Cli.Data;

namespace PageFold.Cli.Bench.Layers;

/// <summary><c>pagefold bench layers</c>: shows where the time of a store and of a load goes.</summary>
internal static class LayersCommand
{
    public static Command Create()
    {
        Option<string[]> data = new("--data")
        {
            Description = "Files, folders, block devices and pipes (- for standard input) whose pages are used. Without any, and without "
                + "--pid, the .NET SDK's own folder.",
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
            DefaultValueFactory = _ => "1GiB",
            HelpName = "BYTES",
        };
        Option<string> rounds = new("--rounds")
        {
            Description = "Rounds; the median is shown.",
            DefaultValueFactory = _ => "5",
            HelpName = "N",
        };
        Option<string?> svg = new("--svg") { Description = "Draw the layers into a file.", HelpName = "FILE" };
        Option<string?> json = new("--json")
        {
            Description = "Write the report as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        Command command = new("layers", "Where does the time of a store and of a load go?")
        {
            data, pid, codec, level, pageSize, sample, rounds, svg, json,
        };
        command.SetAction((parsed, outer) =>
        {
            int bytes = Arguments.PageSize(parsed.GetValue(pageSize)!);
            long sampleBytes = Arguments.Sample(parsed.GetValue(sample), bytes)!.Value;
            NamedCodec chosen = CodecNames.Parse("--codec", parsed.GetValue(codec)!, parsed.GetValue(level));
            int count = Arguments.Integer("--rounds", parsed.GetValue(rounds)!, 1, 1000, "1 to 1000");
            int? process = Arguments.Pid(parsed.GetValue(pid));
            using ReportTarget? jsonTarget = parsed.GetValue(json) is { } target ? new ReportTarget(target) : null;
            using ReportTarget? svgTarget =
                parsed.GetValue(svg) is { } drawing ? new ReportTarget(drawing, "--svg", standardOutput: false) : null;
            if (jsonTarget is not null && svgTarget?.IsSameFile(jsonTarget) == true)
                throw new UserErrorException($"--svg {parsed.GetValue(svg)} and --json name the same file; choose two.");
            return Task.FromResult(Interruptible.Run(cancellation =>
            {
                WorkProgress progress = new();
                LayersReport report = ProgressView.Watch(progress, () =>
                {
                    using PageSource source = Arguments.OpenData(
                        parsed.GetValue(data) ?? [], process, bytes, sampleBytes, holes: false, [jsonTarget, svgTarget], cancellation);
                    using PageImage image = PageImage.Load(source, progress, cancellation);
                    return new LayersBench(image, chosen, progress, cancellation).Execute(source.FullDescription, count);
                });
                svgTarget?.Write(LayersDrawing.Draw(report));
                jsonTarget?.Write(JsonSerializer.Serialize(report, LayersJson.Default.LayersReport));
                if (jsonTarget?.IsStandardOutput != true)
                    LayersView.Show(report);
                return report.Verified ? ExitCodes.Success : ExitCodes.Failure;
            }, outer));
        });
        return command;
    }
}
