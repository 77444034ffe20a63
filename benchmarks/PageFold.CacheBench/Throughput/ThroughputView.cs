using PageFold.Cli;
using Spectre.Console;

namespace PageFold.CacheBench.Throughput;

/// <summary>Shows the times of operations as a table.</summary>
internal static class ThroughputView
{
    public static void Show(ThroughputReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        foreach (IGrouping<int, ThroughputRow> one in report.Rows.GroupBy(row => row.Threads))
            output.Write(TableOf(one.Key, [.. one], report.Rounds));
        string entries = Figures.Count(report.Entries, "entry", "entries");
        output.MarkupLine($"[grey]{entries} of {Figures.Of(report.ValueBytes, "N0")} bytes of JSON on average; "
            + $"{report.Clock}, by its operations; mixed: gets after Zipf 0.99 in a quarter of the entries, and a set after "
            + "each miss; coder: the same compression without a cache[/]");
        foreach (FillRow fill in report.Fills)
            output.MarkupLine($"{fill.Subject}: {Figures.Count(fill.Entries, "entry", "entries")}, longest set "
                + $"{Figures.Of(fill.LongestSetMilliseconds, "N1")} ms, the first {Figures.Of(fill.FirstSets, "N0")} left out"
                + (fill.MetadataBytesPerEntry is { } bytes ? $", {Figures.Of(bytes, "N1")} bytes of metadata an entry" : string.Empty));
        output.MarkupLine($"[grey]{Figures.Legend(report.Rounds)}[/]");
    }

    private static Table TableOf(int threads, ThroughputRow[] rows, int rounds)
    {
        string[] operations = [.. rows.Select(row => row.Operation).Distinct()];
        Table table = new Table().Border(TableBorder.Rounded);
        string title = "Nanoseconds an operation, and ratio to the first cache";
        table.Title = new TableTitle($"{title}; {Figures.Count(threads, "thread", "threads")}");
        table.AddColumn("cache");
        foreach (string operation in operations)
            table.AddColumn(new TableColumn(Name(operation)).RightAligned());
        foreach (IGrouping<string, ThroughputRow> one in rows.GroupBy(row => row.Subject))
            table.AddRow([one.Key, .. operations.Select(name => one.FirstOrDefault(row => row.Operation == name) is { } row
                ? Cell(row, rounds) : string.Empty)]);
        return table;
    }

    private static string Cell(ThroughputRow row, int rounds) =>
        Figures.Of(row.Nanoseconds, "N0") + Figures.Noise(rounds, row.Nanoseconds, row.Least, row.Most)
            + $"\n[bold]{Figures.Of(row.Ratio, "0.00")}[/]"
            + (row.HitRatio is { } hits ? $" [grey]{Figures.Of(100 * hits, "0.0")} % hits[/]" : string.Empty);

    private static string Name(string operation) => operation switch
    {
        "getHit" => "get, hit",
        "getMiss" => "get, miss",
        "set" => "set",
        _ => "mixed",
    };
}
