using PageFold.Cli.Data;
using Spectre.Console;

namespace PageFold.Cli.Measure;

/// <summary>Shows a measurement as tables and bars.</summary>
internal sealed class MeasureView
{
    private const int Intervals = 16;

    private readonly bool _quiet;
    private readonly IAnsiConsole _output = AnsiConsole.Console;

    /// <param name="quiet">True if standard output is used for something else, so that no report is shown there.</param>
    public MeasureView(bool quiet) => _quiet = quiet;

    public void Show(MeasureReport report)
    {
        if (_quiet)
            return;
        if (report is { Interrupted: true, Pages: 0 })
        {
            _output.MarkupLine("[yellow]interrupted before anything was stored[/]");
            return;
        }
        _output.WriteLine();
        _output.Write(Summary(report));
        if (report.Pages > 0)
        {
            _output.Write(Bars.Beside(SizeChart(report), OccupancyChart(report)));
            _output.WriteLine();
        }
        foreach (string line in Notes(report))
            _output.MarkupLine(line);
    }

    /// <summary>The figures as a table.</summary>
    public static Table Summary(MeasureReport report)
    {
        string codec = report.Level is { } level ? $"{report.Codec}:{level}" : report.Codec;
        // The figures are of the codec for writes alone.
        if (report.Missing.Count > 0)
            codec = $"{codec}, only its writes with {report.CodecForWrites}";
        Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns(string.Empty, string.Empty, string.Empty);
        table.Title = new TableTitle(Markup.Escape($"{report.Source}: {codec}, {ByteSize.Format(report.PageSize)} pages"));
        table.Columns[1].RightAligned();
        MeasureRecompressed? denser = report.Recompressed;
        string kinds = $"{Figures.Of(report.SameFilledPages, "N0")} same-filled, "
            + $"{Figures.Of(report.IncompressiblePages, "N0")} incompressible";
        Row(table, "Original", ByteSize.Format(report.OriginalBytes), $"{Figures.Count(report.Pages, "page", "pages")}, {kinds}");
        if (denser is null)
        {
            Row(table, "Compressed", ByteSize.Format(report.CompressedBytes), OfOriginal(report, report.CompressedBytes));
            Held(table, report, "Held in memory", report.TotalBytes, report.Ratio, report.CompressedBytes, string.Empty);
        }
        else
        {
            Held(table, report, "Held after writing", report.TotalBytes, report.Ratio, report.CompressedBytes,
                $", with {report.CodecForWrites}");
            Held(table, report, "Held once idle", denser.TotalBytes, denser.Ratio, denser.CompressedBytes,
                $", with {denser.Codec}{(denser.HasOwnTables ? " and tables of its own" : string.Empty)}");
            Row(table, "  compressed", ByteSize.Format(denser.CompressedBytes),
                $"{OfOriginal(report, denser.CompressedBytes)}; {OfOriginal(report, report.CompressedBytes, "after writing")}");
        }
        Row(table, "  frames", ByteSize.Format(denser?.PoolBytes ?? report.PoolBytes), "zspages");
        Row(table, "  everything else", ByteSize.Format(denser?.TableBytes ?? report.TableBytes),
            "tables, buffers, frames kept for the next write");
        double? overhead = denser is null ? report.Overhead : denser.Overhead;
        Row(table, "Overhead", overhead is { } times ? Figures.Of(times, "0.0000") : "none", "held / compressed");
        Row(table, "Process grew by", ByteSize.Format(report.ResidentGrowthBytes),
            "as the operating system sees it, a few megabytes of the runtime's own included");
        table.AddEmptyRow();
        Speed(table, "Store", report.Store);
        Speed(table, "Load, random order", report.Load);
        if (denser is not null)
        {
            if (denser.TrainingSeconds is { } seconds)
            {
                Row(table, "Train tables", $"{Figures.Of(seconds, "0.0")} s", denser.HasOwnTables
                    ? "on one thread, as 'recompress --train' does"
                    : $"not used: {denser.NotTrained}");
            }
            Row(table, "Compress again", $"{Figures.Of(denser.MibPerSecond, "0")} MiB/s",
                $"in the background, on one thread: {Figures.Count(denser.PagesRecompressed, "page takes", "pages take")} less, "
                + $"{Figures.Of(denser.PagesWithoutGain, "N0")} as much");
            Speed(table, "Load once idle", denser.Load);
        }
        if (report.AfterDiscard is { } after)
        {
            table.AddEmptyRow();
            Row(table, "After discarding half", ByteSize.Format(after.CompressedBytes),
                $"compressed, {Figures.Of(after.Pages, "N0")} pages");
            Row(table, "  held two seconds later", ByteSize.Format(after.TotalBytes), $"overhead {Optional(after.Overhead)}");
            if (after.CompactedTotalBytes is { } compacted)
            {
                string moved = after.BytesFreed > 0
                    ? $"moved {Figures.Of((double)after.BytesMoved / after.BytesFreed, "0.0")} bytes for each byte it freed"
                    : "freed nothing";
                Row(table, "  held after Compact", ByteSize.Format(compacted),
                    $"overhead {Optional(after.CompactedOverhead)}; compaction {moved}");
            }
        }
        return table;
    }

    private static void Held(
        Table table, MeasureReport report, string name, long total, double? ratio, long compressed, string how) => Row(
        table, $"[bold]{name}[/]", $"[bold green]{ByteSize.Format(total)}[/]",
        ratio is { } times ? $"[bold]{Figures.Saving(times, report.OriginalBytes, compressed)}{how}[/]" : string.Empty);

    private static string OfOriginal(MeasureReport report, long bytes, string of = "of the original") =>
        report.OriginalBytes == 0 ? string.Empty : $"{Figures.Of(100.0 * bytes / report.OriginalBytes, "0.0")} % {of}";

    private static void Row(Table table, string name, string value, string remark) => table.AddRow(name, value, $"[grey]{remark}[/]");

    private static void Speed(Table table, string name, MeasurePhase? phase)
    {
        if (phase is null)
            return;
        string latency = $"half of the pages within {Figures.Of(phase.P50Us, "0.0")} µs, "
            + $"99 of 100 within {Figures.Of(phase.P99Us, "0.0")} µs";
        Row(table, name, $"{Figures.Of(phase.MibPerSecond, "0")} MiB/s", latency);
    }

    private static Bars SizeChart(MeasureReport report)
    {
        string when = report.Recompressed is null ? string.Empty : ", once idle";
        Bars bars = new($"[bold]Compressed pages by size{when}, bytes[/]", Color.Green);
        bars.Add("same-filled", report.SameFilledPages, Figures.Of(report.SameFilledPages, "N0"));
        for (int bar = 0; bar < Intervals; bar++)
        {
            long objects = InBar(report, bar).Sum(c => c.Objects);
            bars.Add(Label(report, bar), objects, Figures.Of(objects, "N0"));
        }
        return bars;
    }

    private static Bars OccupancyChart(MeasureReport report)
    {
        Bars bars = new("[bold]Use of the frames of those sizes, %[/]", Color.Blue, largest: 100);
        for (int bar = 0; bar < Intervals; bar++)
        {
            long frames = InBar(report, bar).Sum(c => c.Frames);
            double used = frames == 0 ? 0 : 100.0 * InBar(report, bar).Sum(c => c.Objects * c.Size) / (frames * report.PageSize);
            bars.Add(Label(report, bar), used, Figures.Of(used, "0.0"));
        }
        return bars;
    }

    private static string Label(MeasureReport report, int bar) => $"to {(bar + 1) * report.PageSize / Intervals}";

    private static IEnumerable<MeasureClass> InBar(MeasureReport report, int bar) =>
        (report.Recompressed?.Classes ?? report.Classes).Where(c => (c.Size - 1) * Intervals / report.PageSize == bar);

    /// <summary>What is to be said below the figures, as markup.</summary>
    public static IEnumerable<string> Notes(MeasureReport report)
    {
        string pages = Figures.Of(report.Pages, "N0");
        string chosen = Figures.Of(report.PagesChosen, "N0");
        if (report.PaddingBytes > report.OriginalBytes / 100)
            yield return $"[grey]{ByteSize.Format(report.PaddingBytes)} of the original are zeros that fill the last pages of files[/]";
        if (report.HoleBytes > 0)
            yield return $"[grey]{ByteSize.Format(report.HoleBytes)} of the original are holes of sparse files: pages of zeros, stored "
                + "like others, but not read[/]";
        if (report.ItemsSkipped > 0)
        {
            string items = Figures.Count(report.ItemsSkipped, "file or folder", "files or folders");
            yield return $"[yellow]skipped: {items} that could not be read[/]";
        }
        foreach (SkippedItem item in report.Skipped)
            yield return $"[yellow]  {Markup.Escape($"{item.Name}: {item.Reason}")}[/]";
        if (report.ItemsSkipped > report.Skipped.Count && report.Skipped.Count > 0)
            yield return $"[yellow]  and {Figures.Of(report.ItemsSkipped - report.Skipped.Count, "N0")} more[/]";
        if (report.PagesSkipped > 0)
        {
            string gone = Figures.Count(report.PagesSkipped, "page that was", "pages that were");
            yield return $"[yellow]skipped: {gone} gone when it was time to read (the data changed meanwhile)[/]";
        }
        if (report.LimitReached)
        {
            yield return $"[yellow]limit reached: {pages} of {chosen} pages fit into {ByteSize.Format(report.MemoryLimit)}; "
                + "raise --memory-limit, or measure less with --sample[/]";
        }
        if (report.Interrupted)
        {
            string missing = report.Missing.Count == 0 ? string.Empty
                : $"; {string.Join(" and ", report.Missing)} {(report.Missing.Count == 1 ? "is" : "are")} missing";
            yield return $"[yellow]interrupted: {pages} of {chosen} pages stored, {Figures.Of(report.PagesVerified, "N0")} read back; "
                + $"the figures are of those{missing}[/]";
        }
        if (report.PagesDifferent > 0)
            yield return $"[red]NOT verified: {Figures.Of(report.PagesDifferent, "N0")} pages differ from what was stored[/]";
        else if (report.Verified)
            yield return $"[green]verified[/]: {Figures.Count(report.Pages, "page was", "pages, all of them, were")} read back identical";
    }

    private static string Optional(double? value) => value is { } number ? Figures.Of(number, "0.0000") : "none";
}
