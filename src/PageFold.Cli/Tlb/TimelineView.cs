using PageFold.TlbLab;
using Spectre.Console;

namespace PageFold.Cli.Tlb;

/// <summary>Shows a timeline as a table: a lane for each CPU, and beside them the translations after each step.</summary>
internal static class TimelineView
{
    public static void Show(Timeline timeline)
    {
        IAnsiConsole output = AnsiConsole.Console;
        CheckResult result = timeline.Result;
        output.WriteLine();
        output.MarkupLine($"[bold]{Markup.Escape(Title(result))}[/]: {MatrixView.Colored(result, VerdictText(result))}");
        output.MarkupLine($"[grey]{Markup.Escape(result.Protocol.Description)}[/]");
        foreach (string line in result.Environment.Meanings())
            output.MarkupLine($"[grey]{Markup.Escape(line)}[/]");
        if (timeline.Entries.Count > 0)
        {
            TimelineColumns columns = new(timeline);
            output.Write(Steps(columns));
            foreach (string line in columns.Legend(result))
                output.MarkupLine($"[grey]{Markup.Escape(line)}[/]");
        }
        output.MarkupLine($"[bold]{Markup.Escape(timeline.Sentence)}[/]");
        string states = Figures.Count(result.StatesExplored, "state", "states");
        string steps = Figures.Count(result.TraceLength, "step", "steps");
        string trace = $"A shortest trace, {steps}; {states} explored, within {result.Bounds}.";
        output.MarkupLine(Markup.Escape(timeline.Entries.Count > 0 ? trace : $"Within {result.Bounds}."));
        MatrixView.TellVacuous(result.Bounds, [result.Environment]);
    }

    public static string Title(CheckResult result) => $"{result.Protocol} on {result.Architecture}, {result.Environment.Name()}";

    public static string VerdictText(CheckResult result) => result.Verdict switch
    {
        Verdict.BreaksRule => $"breaks the rule {result.Rule.Name()}",
        Verdict.Safe when !result.IsComplete => "not known",
        _ => VerdictNames.Of(result.Verdict),
    };

    private static Table Steps(TimelineColumns columns)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.AddColumn(new TableColumn("#").RightAligned().NoWrap());
        foreach (string header in columns.Headers)
            table.AddColumn(new TableColumn(Markup.Escape(header)));
        foreach (TimelineRow row in columns.Rows)
        {
            string color = row.Kind switch
            {
                TimelineKind.Wrong => "bold red",
                TimelineKind.Fill => "yellow",
                TimelineKind.Switch or TimelineKind.Interrupt => "blue",
                _ => "default",
            };
            table.AddRow([row.Number, .. row.Cells.Select(cell => Colored(cell, cell == row.What ? color : "default"))]);
        }
        return table;

        static string Colored(string cell, string color) => cell.Length == 0 ? string.Empty : $"[{color}]{Markup.Escape(cell)}[/]";
    }
}
