using Spectre.Console;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>Shows a comparison of codecs: for each page size a table, and a chart of bytes and time to decompress.</summary>
internal static class CodecBenchView
{
    private const int FewBytes = 32 << 20;

    public static void Show(CodecBenchReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        foreach (CodecBenchPages pages in report.PageSizes)
        {
            CodecBenchRow[] rows = [.. report.Rows.Where(row => row.PageSize == pages.PageSize)];
            if (rows.Length == 0)
                continue;
            string[] marks = PlaneChart.Marks(rows.Length);
            output.WriteLine();
            output.Write(Table(report, pages, rows, marks));
            if (rows.Length == 1)
                continue;
            output.WriteLine();
            output.Write(new PlaneChart([.. rows.Select((row, i) => new PlanePoint(marks[i], row.Share, row.DecompressUs))]));
        }
        output.WriteLine();
        foreach (string line in Notes(report))
            output.MarkupLine(line);
    }

    private static Table Table(CodecBenchReport report, CodecBenchPages pages, CodecBenchRow[] rows, string[] marks)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        string count = $"{Figures.Count(pages.Pages, "page", "pages")} of {ByteSize.Format(pages.PageSize)}";
        table.Title = new TableTitle(Markup.Escape($"{report.Data}\n{count}, one thread, random order"));
        // The names of implementations are long.
        table.AddColumn(new TableColumn("codec").NoWrap().PadRight(0));
        foreach (string column in (string[])["data /\nbytes", "bytes\n/ lz4", "comp.\nµs", "\n/ lz4", "decomp.\nµs", "\n/ lz4"])
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap().PadRight(0));
        CodecBenchRow? lz4 = rows.FirstOrDefault(row => row.Codec == "lz4");
        string implementation = string.Empty;
        for (int i = 0; i < rows.Length; i++)
        {
            CodecBenchRow row = rows[i];
            if (row.Implementation != implementation)
            {
                implementation = row.Implementation;
                table.AddRow($"[grey]{Markup.Escape(implementation)}[/]");
            }
            table.AddRow(
                $"[bold]{marks[i]}[/] {Markup.Escape(row.Codec)}",
                Figures.Of(1 / row.Share, "0.000"),
                lz4 is null ? "-" : Figures.Of((double)row.CompressedBytes / lz4.CompressedBytes, "0.000"),
                Figures.Of(row.CompressUs, "0.00"),
                Ratio(row.CompressToLz4),
                Figures.Of(row.DecompressUs, "0.00"),
                Ratio(row.DecompressToLz4));
        }
        return table;
    }

    private static IEnumerable<string> Notes(CodecBenchReport report)
    {
        foreach (MissingCodec missing in report.Missing)
            yield return $"[yellow]{Markup.Escape($"{missing.Codec} was not measured: {missing.Reason}")}[/]";
        foreach (CodecBenchPages pages in report.PageSizes.Where(pages => (long)pages.Pages * pages.PageSize < FewBytes))
        {
            string few = $"{Figures.Count(pages.Pages, "page", "pages")} of {ByteSize.Format(pages.PageSize)}";
            yield return $"[yellow]{few} are few: caches hold what of more data they would not[/]";
        }
        if (report.Holdout)
        {
            yield return report.FilesLeftOut is { } files
                ? $"[grey]left out by --holdout: {Figures.Count(files, "file", "files")} on which tables may be trained[/]"
                : "[yellow]--holdout changes nothing for the memory of a process[/]";
        }
        int leftOut = report.PageSizes.Sum(pages => pages.SameFilledLeftOut);
        if (leftOut > 0)
            yield return $"[grey]left out: {Figures.Count(leftOut, "same-filled page", "same-filled pages")}, which no store compresses[/]";
        yield return "[grey]bytes: what a store keeps; a page whose result is above its limit counts, and is loaded, as a raw page[/]";
        string rounds = Figures.Count(report.Rounds, "round", "rounds");
        yield return $"[grey]µs a page: {report.Clock}; medians of all turns of {rounds}, ratios to lz4 within the turns[/]";
        foreach (WrongCodec wrong in report.Wrong)
        {
            string place = $"{wrong.Codec} ({wrong.Implementation}), pages of {ByteSize.Format(wrong.PageSize)}";
            yield return $"[red]NOT verified: {Markup.Escape($"{place}: {wrong.Problem}")}[/]";
        }
        if (report.Verified)
            yield return "[green]verified[/]: every codec gave every page back as it was";
    }

    private static string Ratio(double? ratio) => ratio is { } value ? Figures.Of(value, "0.00") : "-";
}
