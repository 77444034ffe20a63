using PageFold.Cli;
using Spectre.Console;

namespace PageFold.CacheBench.Pauses;

/// <summary>Shows pauses as a table.</summary>
internal static class PauseView
{
    public static void Show(PauseReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        foreach (IGrouping<(long Bytes, string Collector), PauseRow> one in report.Rows.GroupBy(row => (row.LiveBytes, row.Collector)))
        {
            Table table = new Table().Border(TableBorder.Rounded);
            table.Title = new TableTitle($"Pauses, ms: {ByteSize.Format(one.Key.Bytes)} of values, {one.Key.Collector} collector");
            table.AddColumn("cache");
            string[] columns = ["on the\nheap", "induced,\nblocking", "ratio to\nthe first", "worst\nnatural", "natural\npauses", "hits"];
            foreach (string column in columns)
                table.AddColumn(new TableColumn(column).RightAligned());
            foreach (PauseRow row in one)
            {
                table.AddRow(
                    row.Subject,
                    ByteSize.Format(row.Figures.HeapBytes),
                    $"[bold]{Figures.Of(row.Figures.InducedMilliseconds, "N1")}[/]",
                    Figures.Of(row.InducedRatio, "0.00"),
                    $"[bold]{Figures.Of(row.Figures.WorstNaturalMilliseconds, "N1")}[/]",
                    Figures.Of(row.Figures.NaturalPauses, "N0"),
                    $"{Figures.Of(100 * row.Figures.HitRatio, "0.0")} %");
            }
            output.WriteLine();
            output.Write(table);
        }
        foreach (string note in report.Notes)
            output.MarkupLine($"[yellow]{Markup.Escape(note)}[/]");
        output.MarkupLine("[grey]a process for each; induced: GC.Collect, blocking, of all generations, median of five; natural: in "
            + $"{Figures.Of(report.Minutes, "0.##")} min of gets after Zipf 0.99 with a set after each miss, "
            + $"{Figures.Count(report.Threads, "thread", "threads")}; each operation makes its key as a string and keeps none[/]");
    }
}
