using PageFold.Shared;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli.Serve;

/// <summary>A server and its disks for a person: what they hold, what they do, where the memory is.</summary>
internal static class DiskView
{
    private const int MaxClasses = 12;
    private const int BarWidth = 24;
    private static readonly string[] Shown = ["read", "write", "trim", "write-zeroes", "flush", "block-status"];

    /// <param name="report">How things are.</param>
    /// <param name="before">How they were a moment ago, for rates; null for totals.</param>
    public static IRenderable Render(ServerReport report, ServerReport? before)
    {
        // A server that was started anew has other totals, from which no rate follows.
        if (before is not null && (before.Pid != report.Pid || before.UptimeSeconds >= report.UptimeSeconds))
            before = null;
        List<IRenderable> parts =
        [
            new Markup(
                $"[grey]process {report.Pid}, up {Time(report.UptimeSeconds)}, {Connections(report)}, resident "
                + $"{ByteSize.Format(report.ResidentBytes)}, at {Places(report)}[/]{Refused(report)}"),
        ];
        foreach (DiskReport disk in report.Exports)
        {
            DiskReport? earlier = before?.Exports.FirstOrDefault(other => other.Name == disk.Name);
            double seconds = before is null ? 0 : report.UptimeSeconds - before.UptimeSeconds;
            parts.Add(Memory(disk));
            parts.Add(Requests(disk, earlier, seconds));
            if (disk.Classes.Count > 0)
                parts.Add(Classes(disk));
        }
        return new Rows(parts);
    }

    private static Table Memory(DiskReport disk)
    {
        Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns(string.Empty, string.Empty, string.Empty);
        string name = disk.Name.Length > 0 ? $"'{PrintableText.Of(disk.Name)}'" : "disk";
        string readOnly = disk.ReadOnly ? ", read-only" : string.Empty;
        table.Title = new TableTitle(
            Markup.Escape($"{name}: {ByteSize.Format(disk.Size)}, {ByteSize.Format(disk.PageSize)} pages{readOnly}"));
        table.Columns[1].RightAligned();
        table.AddRow("Stored", ByteSize.Format(disk.OriginalBytes),
            $"{Figures.Count(disk.Pages, "page", "pages")}, {Figures.Of(disk.SameFilledPages, "N0")} same-filled, "
            + $"{Figures.Of(disk.IncompressiblePages, "N0")} incompressible");
        table.AddRow("Compressed", ByteSize.Format(disk.CompressedBytes), string.Join(", ", disk.Codecs.Select(Codec)));
        table.AddRow("[bold]Held[/]", $"[bold green]{ByteSize.Format(disk.TotalBytes)}[/]", disk.Ratio is { } ratio
            ? $"[bold]{Saving(disk, ratio)}[/]" : string.Empty);
        table.AddRow("  frames", ByteSize.Format(disk.PoolBytes), $"tables, cache and buffers {ByteSize.Format(disk.TableBytes)}");
        table.AddRow("Limit", ByteSize.Format(disk.MemoryLimit),
            $"{Bar((double)disk.TotalBytes / disk.MemoryLimit)} {Figures.Of(100.0 * disk.TotalBytes / disk.MemoryLimit, "0")} %, at most "
            + $"{ByteSize.Format(disk.PeakBytes)} so far");
        if (disk.PrefaultedBytes > 0)
            table.AddRow("Locked", ByteSize.Format(disk.PrefaultedBytes), "taken from the system at the start, used or not");
        if (disk.IsNearlyFull)
            table.AddRow("[yellow]Nearly full[/]", ByteSize.Format(disk.AvailableBytes),
                "are left for new blocks, then writes meet ENOSPC: trim, or raise --memory-limit");
        if (disk.WrittenBackPages > 0 || disk.WritebackFileBytes > 0)
            table.AddRow("Written back", ByteSize.Format(disk.WrittenBackBytes),
                $"{Figures.Count(disk.WrittenBackPages, "page", "pages")} in {ByteSize.Format(disk.WritebackFileBytes)} of the file, "
                    + $"read {Figures.Of(disk.WritebackReads, "N0")} times");
        // A request may be refused without a page of its own, where it needs the place of another in the cache.
        if (disk.RefusedWrites > 0 || disk.OutOfSpaceErrors > 0)
        {
            table.AddRow(
                "[red]Refused[/]", Figures.Count(disk.RefusedWrites, "page", "pages"),
                $"for want of memory, of {Figures.Count(disk.OutOfSpaceErrors, "request", "requests")} that clients saw fail with ENOSPC");
        }
        return table;
    }

    private static string Saving(DiskReport disk, double ratio) => Figures.Saving(
        ratio, disk.OriginalBytes - disk.WrittenBackPages * disk.PageSize, disk.CompressedBytes, disk.TrainingBytes);

    private static Table Requests(DiskReport disk, DiskReport? earlier, double seconds)
    {
        bool rates = earlier is not null && seconds > 0;
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumns("Requests", rates ? "per second" : "so far", rates ? "bytes/s" : "bytes", "errors", "median", "99 %");
        for (int column = 1; column < table.Columns.Count; column++)
            table.Columns[column].RightAligned();
        foreach (string command in Shown)
        {
            ActivityReport now = disk.Requests[command];
            ActivityReport? then = earlier?.Requests[command];
            if (now.Requests == 0)
                continue;
            double requests = rates ? (now.Requests - then!.Requests) / seconds : now.Requests;
            double bytes = rates ? (now.Bytes - then!.Bytes) / seconds : now.Bytes;
            string errors = now.Errors == 0 ? "0" : $"[red]{Figures.Of(now.Errors, "N0")}[/]";
            table.AddRow(
                command,
                Figures.Of(requests, "N0"),
                ByteSize.Format(bytes),
                errors,
                Microseconds(now.MedianMicroseconds),
                Microseconds(now.P99Microseconds));
        }
        if (table.Rows.Count == 0)
            table.AddRow("none yet", string.Empty, string.Empty, string.Empty, string.Empty, string.Empty);
        return table;
    }

    private static Bars Classes(DiskReport disk)
    {
        // Neighbouring classes together, so that the chart fits the screen.
        int width = Math.Max(1, disk.PageSize / MaxClasses);
        Bars bars = new("[bold]Memory by object size[/]", Color.Green, cells: 38);
        foreach (IGrouping<int, ClassReport> group in disk.Classes.GroupBy(sizeClass => (sizeClass.ObjectSize - 1) / width)
            .OrderBy(group => group.Key))
        {
            double bytes = group.Sum(sizeClass => sizeClass.Frames) * (double)disk.PageSize;
            bars.Add($"{group.Key * width + 1}-{Math.Min(disk.PageSize, (group.Key + 1) * width)} B", bytes, ByteSize.Format(bytes));
        }
        return bars;
    }

    private static string Bar(double share)
    {
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * BarWidth);
        string color = share > 0.9 ? "red" : share > 0.75 ? "yellow" : "green";
        return $"[{color}]{new string('█', full)}[/][grey]{new string('░', BarWidth - full)}[/]";
    }

    private static string Microseconds(double value) =>
        value >= 1000 ? $"{Figures.Of(value / 1000, "0.0")} ms" : $"{Figures.Of(value, "0.0")} us";

    private static string Codec(CodecReport codec) =>
        $"{Markup.Escape(PrintableText.Of(codec.Show()))}: {Figures.Of(codec.Pages, "N0")}"
            + (codec.ForWrites ? " [grey](for writes)[/]" : string.Empty);

    private static string Places(ServerReport report) => Markup.Escape(PrintableText.Of(string.Join(", ", report.EndPoints)));

    private static string Refused(ServerReport report) => report.RefusedConnections == 0 ? string.Empty
        : $" [red]{Figures.Count(report.RefusedConnections, "connection", "connections")} refused[/]";

    private static string Connections(ServerReport report) =>
        $"{Figures.Count(report.Exports.Sum(disk => disk.Connections), "connection", "connections")} with "
            + $"{ByteSize.Format(report.ConnectionBytes)} of {ByteSize.Format(report.ConnectionBytesLimit)}";

    private static string Time(double seconds)
    {
        TimeSpan time = TimeSpan.FromSeconds(seconds);
        return time.TotalDays >= 1 ? $"{(int)time.TotalDays} d {time.Hours} h"
            : time.TotalHours >= 1 ? $"{time.Hours} h {time.Minutes} min"
            : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s"
            : $"{time.Seconds} s";
    }
}
