using System.Globalization;
using Spectre.Console;

namespace PageFold.Cli.Bench.Store;

/// <summary>Shows a comparison to a person.</summary>
internal static class StoreBenchView
{
    public static void Show(StoreBenchReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        foreach ((string algorithm, string implementation) in report.Implementations)
        {
            output.WriteLine();
            output.Write(Speeds(report, algorithm, implementation));
        }
        output.WriteLine();
        output.Write(Memory(report));
        foreach (string line in Notes(report))
            output.MarkupLine(line);
    }

    private static Table Speeds(StoreBenchReport report, string algorithm, string implementation)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle(Markup.Escape($"{report.Source}: {report.Pages:N0} pages of {ByteSize.Format(report.PageSize)}, {implementation}"));
        table.AddColumn(report.Cold ? "first write, cold memory" : "warm memory");
        table.AddColumn(new TableColumn("threads").RightAligned());
        foreach (string subject in (string[])["codec alone", "PageFold", "kernel zram"])
            table.AddColumn(new TableColumn($"{subject}\npages/s").RightAligned());
        table.AddColumn(new TableColumn("µs/page\nPageFold").RightAligned());
        table.AddColumn(new TableColumn("PageFold\n/ codec").RightAligned());
        table.AddColumn(new TableColumn("PageFold\n/ zram").RightAligned());
        foreach (StoreBenchRow row in report.Rows.Where(row => row.Subject == Subject.PageFold && row.Algorithm == algorithm))
        {
            StoreBenchRow? codec = Beside(report, row, Subject.Codec);
            StoreBenchRow? zram = Beside(report, row, Subject.Zram);
            table.AddRow(
                $"{row.Operation}, {row.Order}", Figure(row.Threads, "0"), Speed(codec), $"[bold]{Speed(row)}[/]", Speed(zram),
                Figure(1e6 * row.Threads / row.PagesPerSecond, "0.00"), Ratio(row, codec), Ratio(row, zram));
        }
        return table;
    }

    private static Table Memory(StoreBenchReport report)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle("Memory held");
        table.AddColumn("by");
        foreach (string column in (string[])["compressed", "held in all", "held / compressed", "after overwriting"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (StoreBenchMemory memory in report.Memory)
        {
            table.AddRow(
                $"{Name(memory.Subject)}, {memory.Algorithm}", ByteSize.Format(memory.CompressedBytes), ByteSize.Format(memory.TotalBytes),
                Figure((double)memory.TotalBytes / memory.CompressedBytes, "0.0000"), memory.TotalBytesAtEnd is { } end ? ByteSize.Format(end) : string.Empty);
        }
        return table;
    }

    private static IEnumerable<string> Notes(StoreBenchReport report)
    {
        if (report.SameFilledLeftOut > 0)
            yield return $"[grey]left out: {report.SameFilledLeftOut:N0} same-filled pages, which nobody compresses[/]";
        if (report.ZramUnavailable is { } reason)
            yield return $"[yellow]kernel zram was not measured: {Markup.Escape(reason)}[/]";
        yield return $"[grey]median of {report.Rounds} rounds in turns, ± half of what lies between the slowest and the fastest[/]";
        yield return report.Verified
            ? "[green]verified[/]: all gave every page back as it was written"
            : "[red]NOT verified: a page was given back different[/]";
    }

    private static string Name(string subject) => subject switch
    {
        Subject.Codec => "codec alone",
        Subject.PageFold => "PageFold",
        _ => "kernel zram",
    };

    private static StoreBenchRow? Beside(StoreBenchReport report, StoreBenchRow row, string subject) => report.Rows.FirstOrDefault(other =>
        other.Subject == subject && (other.Algorithm == row.Algorithm || subject == Subject.Zram) && (other.Operation, other.Order, other.Threads) == (row.Operation, row.Order, row.Threads));

    private static string Speed(StoreBenchRow? row) => row is null
        ? "-"
        : $"{Figure(row.PagesPerSecond, "N0")} ±{Figure(50 * (row.Most - row.Least) / row.PagesPerSecond, "0")} %";

    private static string Ratio(StoreBenchRow row, StoreBenchRow? other) => other is null ? "-" : $"[bold]{Figure(row.PagesPerSecond / other.PagesPerSecond, "0.00")}[/]";

    private static string Figure(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
