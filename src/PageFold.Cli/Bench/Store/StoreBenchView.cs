using Spectre.Console;

namespace PageFold.Cli.Bench.Store;

/// <summary>Shows a comparison as tables.</summary>
internal static class StoreBenchView
{
    private const int FewPages = 16384;

    public static void Show(StoreBenchReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        foreach ((string algorithm, string implementation) in report.Implementations)
        {
            output.WriteLine();
            output.Write(Speeds(report, algorithm, implementation));
        }
        string[] algorithms = ZramAlgorithms(report);
        if (algorithms.Length > 1)
        {
            output.WriteLine();
            output.Write(Zram(report, algorithms));
        }
        output.WriteLine();
        output.Write(Memory(report));
        foreach (string line in Notes(report))
            output.MarkupLine(line);
    }

    private static Table Speeds(StoreBenchReport report, string algorithm, string implementation)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        string pages = $"{Figures.Count(report.Pages, "page", "pages")} of {ByteSize.Format(report.PageSize)}";
        string state = report.Cold ? "first writes into cold memory" : "warm memory";
        table.Title = new TableTitle(Markup.Escape($"{report.Source}\n{pages}, {algorithm} by {implementation}, {state}"));
        table.AddColumn("µs a page");
        bool beside = report.ZramUnavailable is null;
        string[] kernels = ZramAlgorithms(report);
        // The kernel has one name for both LZ4s.
        string kernel = kernels.FirstOrDefault(name => name == algorithm.Split('-')[0], kernels.FirstOrDefault(string.Empty));
        string[] columns = beside
            ? ["thr.", "codec\nalone", $"zram,\n{Markup.Escape(kernel)}", "[bold]PageFold[/]", "speed\n/ codec", "speed\n/ zram"]
            : ["thr.", "codec\nalone", "[bold]PageFold[/]", "speed\n/ codec"];
        foreach (string column in columns)
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (StoreBenchRow row in report.Rows.Where(row => row.Subject == Subject.PageFold && row.Algorithm == algorithm))
        {
            StoreBenchRow? codec = Beside(report, row, Subject.Codec, algorithm);
            StoreBenchRow? zram = Beside(report, row, Subject.Zram, kernel);
            string[] cells = [Operation(row), Figures.Of(row.Threads, "0"), Speed(report, codec)];
            string own = $"[bold]{Speed(report, row)}[/]";
            table.AddRow(beside
                ? [.. cells, Speed(report, zram), own, Ratio(row, codec), Ratio(row, zram)]
                : [.. cells, own, Ratio(row, codec)]);
        }
        return table;
    }

    private static Table Zram(StoreBenchReport report, string[] algorithms)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle("Kernel zram");
        table.AddColumn("µs a page").AddColumn(new TableColumn("thr.").RightAligned());
        foreach (string algorithm in algorithms)
            table.AddColumn(new TableColumn(Markup.Escape(algorithm)).RightAligned().PadRight(0));
        foreach (IGrouping<(string, string, int), StoreBenchRow> step in report.Rows.Where(row => row.Subject == Subject.Zram)
            .GroupBy(row => (row.Operation, row.Order, row.Threads)))
        {
            StoreBenchRow first = step.First();
            table.AddRow([Operation(first), Figures.Of(first.Threads, "0"), .. step.Select(row => Microseconds(row))]);
        }
        return table;
    }

    private static Table Memory(StoreBenchReport report)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle("Memory held");
        table.AddColumn(new TableColumn("by"));
        foreach (string column in (string[])["compressed", "held in all", "held /\ncompr.", "held after\nrewriting"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (StoreBenchMemory memory in report.Memory)
        {
            table.AddRow(
                $"{Name(memory.Subject)}, {memory.Algorithm}",
                ByteSize.Format(memory.CompressedBytes),
                ByteSize.Format(memory.TotalBytes),
                Figures.Of((double)memory.TotalBytes / memory.CompressedBytes, "0.0000"),
                memory.TotalBytesAtEnd is { } end ? ByteSize.Format(end) : string.Empty);
        }
        return table;
    }

    private static IEnumerable<string> Notes(StoreBenchReport report)
    {
        if (report.SameFilledLeftOut > 0)
        {
            string leftOut = Figures.Count(report.SameFilledLeftOut, "same-filled page", "same-filled pages");
            yield return $"[grey]left out: {leftOut}, which no store compresses[/]";
        }
        if (report.ZramUnavailable is { } reason)
            yield return $"[yellow]kernel zram was not measured: {Markup.Escape(reason)}[/]";
        foreach ((string algorithm, string why) in report.ZramMissing)
            yield return $"[yellow]kernel zram, {Markup.Escape($"{algorithm}, was not measured: {why}")}[/]";
        if (report.Pages < FewPages)
        {
            string few = Figures.Count(report.Pages, "page is", "pages are");
            yield return $"[yellow]{few} few: caches and the branch predictor remember what of more data they would not; "
                + $"take {FewPages:N0} or more[/]";
        }
        yield return "[grey]µs: what one thread takes for a page. Speed: how many times as fast PageFold is[/]";
        yield return $"[grey]{Figures.Legend(report.Rounds)}[/]";
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

    private static string[] ZramAlgorithms(StoreBenchReport report) =>
        [.. report.Memory.Where(memory => memory.Subject == Subject.Zram).Select(memory => memory.Algorithm)];

    private static string Operation(StoreBenchRow row) => $"{(row.Order == "random" ? "rand." : "seq.")} {row.Operation}";

    private static StoreBenchRow? Beside(StoreBenchReport report, StoreBenchRow row, string subject, string algorithm) =>
        report.Rows.FirstOrDefault(other => (other.Subject, other.Algorithm) == (subject, algorithm)
            && (other.Operation, other.Order, other.Threads) == (row.Operation, row.Order, row.Threads));

    private static string Speed(StoreBenchReport report, StoreBenchRow? row) => row is null
        ? "-"
        : Microseconds(row)
            + Figures.Noise(report.Rounds, row.PagesPerSecond, row.Least, row.Most);

    private static string Microseconds(StoreBenchRow row) => Figures.Of(1e6 * row.Threads / row.PagesPerSecond, "0.00");

    private static string Ratio(StoreBenchRow row, StoreBenchRow? other) =>
        other is null ? "-" : $"[bold]{Figures.Of(row.PagesPerSecond / other.PagesPerSecond, "0.00")}[/]";
}
