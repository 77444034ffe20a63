using PageFold.Cli;
using Spectre.Console;

namespace PageFold.CacheBench.Density;

/// <summary>Shows densities, a table for each file of values.</summary>
internal static class DensityView
{
    public static void Show(DensityReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        foreach (DensityValues values in report.Values)
        {
            output.WriteLine();
            output.Write(TableOf(values, [.. report.Rows.Where(row => row.Values == values.Values)]));
            string count = Figures.Count(values.DistinctValues, "distinct value", "distinct values");
            output.MarkupLine($"[grey]{count} of {Figures.Of(values.ValueBytes, "N0")} bytes on average ({NameOf(values)})[/]");
        }
        foreach (string note in report.Notes)
            output.MarkupLine($"[yellow]{Markup.Escape(note)}[/]");
        output.MarkupLine("[grey]a process for each cache; resident: what it grew by, after a full collection[/]");
        if (report.Rows.Any(row => row.IsHeldOut))
        {
            output.MarkupLine(
                "[grey]unseen values: one half of the values trains the dictionary, the cache is cleared and then holds the other half; in "
                    + "the row without it the cache trains on a sample of the values that it holds[/]");
        }
    }

    private static Table TableOf(DensityValues values, DensityRow[] rows)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle($"Entries in resident memory: {NameOf(values)}");
        table.AddColumn("cache");
        foreach (string column in (string[])["entries", "resident", "bytes\nan entry", "entries\na GiB", "ratio to\nmemorycache"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (DensityRow row in rows)
        {
            table.AddRow(
                row.IsHeldOut ? $"{row.Subject}, unseen values" : row.Subject,
                Figures.Of(row.Entries, "N0"),
                ByteSize.Format(row.ResidentBytes),
                Figures.Of((double)row.ResidentBytes / Math.Max(1, row.Entries), "N0"),
                Figures.Of(row.EntriesPerGiB, "N0"),
                $"[bold]{Figures.Of(row.Ratio, "0.00")}[/]");
        }
        return table;
    }

    private static string NameOf(DensityValues values) =>
        values.Values == "generated" ? "generated documents" : Markup.Escape(values.Values);
}
