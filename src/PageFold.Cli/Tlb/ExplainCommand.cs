using System.CommandLine;
using System.Text.Json;
using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary><c>pagefold tlb explain</c>: shows the shortest trace to the worst outcome, step by step.</summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        Option<string> protocol = new("--protocol") { Description = TlbNames.Protocols + ".", Required = true, HelpName = "NAME" };
        Option<string> architecture = new("--arch") { Description = TlbNames.Architectures + ".", Required = true, HelpName = "NAME" };
        Option<string> environment = new("--environment")
        {
            Description = $"{TlbNames.Environments}, or several joined by +.",
            DefaultValueFactory = _ => "plain",
            HelpName = "NAME",
        };
        Option<string?> svg = new("--svg") { Description = "Draw the timeline into a file.", HelpName = "FILE" };
        Option<string?> json = new("--json")
        {
            Description = "Write the timeline as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        BoundsOptions bounds = new();
        Command command = new(
            "explain", "How does a protocol go wrong? The shortest trace, with page table, TLBs and hash table after each step.")
        {
            protocol, architecture, environment, svg, json,
        };
        bounds.AddTo(command);
        command.SetAction((parsed, outer) =>
        {
            Protocol what = TlbNames.ToProtocol("--protocol", parsed.GetValue(protocol)!);
            Architecture where = TlbNames.ToArchitecture("--arch", parsed.GetValue(architecture)!);
            LabEnvironment around = TlbNames.ToEnvironment("--environment", parsed.GetValue(environment)!);
            Bounds far = bounds.ToBounds(parsed);
            int maxStates = bounds.ToMaxStates(parsed);
            using ReportTarget? jsonTarget = parsed.GetValue(json) is { } target ? new ReportTarget(target) : null;
            using ReportTarget? svgTarget =
                parsed.GetValue(svg) is { } drawing ? new ReportTarget(drawing, "--svg", standardOutput: false) : null;
            if (jsonTarget is not null && svgTarget?.IsSameFile(jsonTarget) == true)
                throw new UserErrorException($"--svg {parsed.GetValue(svg)} and --json name the same file; choose two.");
            return Task.FromResult(Interruptible.Run(cancellation =>
            {
                WorkProgress progress = new();
                progress.Begin($"Exploring {what} on {where}", 1);
                CheckResult result = ProgressView.Watch(
                    progress, () => new Checker().Check(what, where, around, far, maxStates, cancellation));
                Timeline timeline = Timeline.Of(result);
                svgTarget?.Write(TimelineDrawing.Draw(timeline));
                jsonTarget?.Write(JsonSerializer.Serialize(ExplainReport.Of(timeline), TlbJson.Default.ExplainReport));
                if (jsonTarget?.IsStandardOutput != true)
                    TimelineView.Show(timeline);
                MatrixView.TellIncomplete([timeline.Result]);
                return TlbCommand.ExitCode([timeline.Result]);
            }, outer));
        });
        return command;
    }
}
