using PageFold.CacheBench.Subjects;
using PageFold.Cli;
using Spectre.Console;

namespace PageFold.CacheBench.Throughput;

/// <summary>Shows the times of operations as a table.</summary>
internal static class ThroughputView
{
    public static void Show(ThroughputReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        string[] subjects = [.. report.Rows.Select(row => row.Subject).Distinct()];
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle("Nanoseconds an operation, and ratio to the first cache");
        table.AddColumn("operation").AddColumn(new TableColumn("threads").RightAligned());
        foreach (string subject in subjects)
            table.AddColumn(new TableColumn(SubjectKind.Of(subject).Label).RightAligned());
        foreach (IGrouping<(string Operation, int Threads), ThroughputRow> one in report.Rows.GroupBy(row => (row.Operation, row.Threads)))
        {
            table.AddRow([Name(one.Key.Operation), $"{one.Key.Threads}", .. one.Select(row =>
                Figures.Of(row.Nanoseconds, "N0") + Figures.Noise(report.Rounds, row.Nanoseconds, row.Least, row.Most)
                    + $"\n[bold]{Figures.Of(row.Ratio, "0.00")}[/]"
                    + (row.HitRatio is { } hits ? $"\n[grey]{Figures.Of(100 * hits, "0.0")} % hits[/]" : string.Empty))]);
        }
        output.WriteLine();
        output.Write(table);
        string entries = Figures.Count(report.Entries, "entry", "entries");
        output.MarkupLine($"[grey]{entries} of {Figures.Of(report.ValueBytes, "N0")} bytes of JSON on average; "
            + $"{report.Clock}, by its operations; mixed: gets after Zipf 0.99 in a quarter of the entries, and a set after "
            + "each miss[/]");
        output.MarkupLine($"[grey]{Figures.Legend(report.Rounds)}[/]");
    }

    private static string Name(string operation) => operation switch
    {
        "getHit" => "get, hit",
        "getMiss" => "get, miss",
        "set" => "set",
        _ => "mixed",
    };
}
