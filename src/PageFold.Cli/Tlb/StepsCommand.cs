using System.CommandLine;
using System.Text.Json;
using PageFold.TlbLab;
using Spectre.Console;

namespace PageFold.Cli.Tlb;

/// <summary><c>pagefold tlb steps</c>: shows what each step of a protocol is for, by removing it.</summary>
internal static class StepsCommand
{
    public static Command Create()
    {
        Option<string> protocol = new("--protocol")
        {
            Description = TlbNames.Protocols + ".",
            DefaultValueFactory = _ => NamedProtocols.Shipping.Name,
            HelpName = "NAME",
        };
        Option<string?> json = new("--json")
        {
            Description = "Write the table as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        BoundsOptions bounds = new();
        Command command = new("steps", "What is each step of a protocol for? Leaves it out and looks where that makes it worse.")
        {
            protocol, json,
        };
        bounds.AddTo(command);
        command.SetAction((parsed, outer) =>
        {
            Protocol what = TlbNames.ToProtocol("--protocol", parsed.GetValue(protocol)!);
            Bounds far = bounds.ToBounds(parsed);
            int maxStates = bounds.ToMaxStates(parsed);
            using ReportTarget? target = parsed.GetValue(json) is { } file ? new ReportTarget(file) : null;
            return Task.FromResult(Interruptible.Run(cancellation =>
            {
                WorkProgress progress = new();
                List<CheckResult> all = [];
                IReadOnlyList<StepNecessity> found = ProgressView.Watch(progress, () =>
                {
                    progress.Begin("Leaving steps out", StepNecessity.ExplorationsOf(what));
                    return StepNecessity.Of(what, far, maxStates, Add, cancellation);
                });
                target?.Write(JsonSerializer.Serialize<IReadOnlyList<NecessityRow>>(
                    [.. found.Select(Row)], TlbJson.Default.IReadOnlyListNecessityRow));
                if (target?.IsStandardOutput != true)
                    Show(what, found, far);
                MatrixView.TellIncomplete(all);
                return TlbCommand.ExitCode(all);

                void Add(CheckResult result)
                {
                    lock (all)
                        all.Add(result);
                    progress.Add(1);
                }
            }, outer));
        });
        return command;
    }

    private static NecessityRow Row(StepNecessity necessity) => new(
        [.. necessity.Steps.Select(step => necessity.Protocol.Steps[step].ToString())],
        necessity.IsNecessary,
        [.. necessity.Worse.Select(VerdictRow.Of)]);

    private static void Show(Protocol protocol, IReadOnlyList<StepNecessity> found, Bounds bounds)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        output.MarkupLine($"[bold]{Markup.Escape(protocol.Name)}[/]: {Markup.Escape(protocol.Description)}");
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("without")
            .AddColumn(new TableColumn("worse in").RightAligned())
            .AddColumn("for example, and how");
        foreach (StepNecessity necessity in found)
        {
            string steps = string.Join("\nand ", necessity.Steps.Select(step => StepText(protocol, step)));
            table.AddRow(Markup.Escape(steps), Figures.Of(necessity.Worse.Count, "0"), Example(necessity));
        }
        output.Write(table);
        string count = Figures.Count(Architecture.All.Count * LabEnvironments.Matrix.Count, "combination", "combinations");
        output.MarkupLine(Markup.Escape($"Of {count} of architecture and environment, within {bounds}."));
    }

    private static string StepText(Protocol protocol, int step)
    {
        bool isRepeated = protocol.Steps.Count(other => other == protocol.Steps[step]) > 1;
        return $"{protocol.Steps[step]}{(isRepeated ? $" (step {step + 1})" : string.Empty)}";
    }

    private static string Example(StepNecessity necessity)
    {
        if (necessity.Worse.OrderByDescending(result => result.Verdict).FirstOrDefault() is { } worst)
        {
            string where = Markup.Escape($"{worst.Architecture}, {worst.Environment.Name()}:");
            return $"{where} {MatrixView.Colored(worst, Timeline.Of(worst).Sentence)}";
        }
        return necessity.IsComplete ? "[green]nowhere: unnecessary[/]" : "[grey]not known: explorations gave up[/]";
    }
}
