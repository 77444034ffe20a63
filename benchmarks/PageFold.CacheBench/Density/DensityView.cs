using PageFold.Cli;
using Spectre.Console;

namespace PageFold.CacheBench.Density;

/// <summary>Shows densities as a table.</summary>
internal static class DensityView
{
    public static void Show(DensityReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle("Entries in resident memory");
        table.AddColumn("cache");
        foreach (string column in (string[])["entries", "resident", "bytes\nan entry", "entries\na GiB", "ratio to\nmemorycache"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (DensityRow row in report.Rows)
        {
            table.AddRow(
                row.Subject,
                Figures.Of(row.Entries, "N0"),
                ByteSize.Format(row.ResidentBytes),
                Figures.Of((double)row.ResidentBytes / Math.Max(1, row.Entries), "N0"),
                Figures.Of(row.EntriesPerGiB, "N0"),
                $"[bold]{Figures.Of(row.Ratio, "0.00")}[/]");
        }
        output.WriteLine();
        output.Write(table);
        foreach (string note in report.Notes)
            output.MarkupLine($"[yellow]{Markup.Escape(note)}[/]");
        string values = report.Values == "generated" ? "generated documents" : report.Values;
        string count = Figures.Count(report.DistinctValues, "value", "values");
        output.MarkupLine($"[grey]{count} of {Figures.Of(report.ValueBytes, "N0")} bytes on average "
            + $"({Markup.Escape(values)}); a process for each cache; resident: what it grew by, after a full collection[/]");
    }
}
