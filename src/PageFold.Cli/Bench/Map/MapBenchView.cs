using Spectre.Console;

namespace PageFold.Cli.Bench.Map;

/// <summary>Shows a measurement as tables.</summary>
internal static class MapBenchView
{
    public static void Show(MapBenchReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        foreach (string touched in (string[])["first", "all"])
        {
            output.WriteLine();
            output.Write(Times(report, touched));
        }
        if (report.Mappings.Count > 0)
        {
            output.WriteLine();
            output.Write(Mappings(report));
        }
        if (report.Mappings.Any(row => row.Window is null))
            output.MarkupLine("[grey]-: a window's pages are as large as the system's, and so are the frames[/]");
        foreach (string line in Notes(report))
            output.MarkupLine(line);
    }

    private static Table Times(MapBenchReport report, string touched)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle(
            touched == "first" ? "Nanoseconds per access, first byte touched" : "Nanoseconds per access, all bytes read or written");
        string[] columns = ["bytes", "straddle", "pointer", "map", "view", "read\n(copy out)", "map to\nwrite", "map\n/ pointer"];
        foreach (string column in columns)
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (MapBenchRow pointer in report.Rows.Where(row => row.Access == "pointer" && row.BytesTouched == touched))
        {
            MapBenchRow map = Beside(report, pointer, "map");
            table.AddRow(
                Figures.Of(pointer.Size, "0"),
                $"{pointer.StraddlingPercent} %",
                Time(pointer),
                $"[bold]{Time(map)}[/]",
                Time(Beside(report, pointer, "view")),
                Time(Beside(report, pointer, "read")),
                Time(Beside(report, pointer, "writeMap")),
                Figures.Of(map.Nanoseconds / pointer.Nanoseconds, "0.00"));
        }
        return table;
    }

    private static Table Mappings(MapBenchReport report)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle("Copy against window: ns to map (ReadWrite) and unmap");
        foreach (string column in (string[])["bytes", "frame", "straddle", "copy", "window", "window\n/ copy"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (MappingRow row in report.Mappings)
        {
            table.AddRow(
                Figures.Of(row.Size, "0"),
                ByteSize.Format(row.FrameSize),
                $"{row.StraddlingPercent} %",
                Time(row.Copy),
                row.Window is null ? "-" : Time(row.Window),
                row.Window is null ? "-" : Figures.Of(row.Window.Nanoseconds / row.Copy.Nanoseconds, "0.0"));
        }
        return table;

        string Time(MappingTime time) =>
            Figures.Of(time.Nanoseconds, "N0") + Figures.Noise(report.Rounds, time.Nanoseconds, time.Least, time.Most);
    }

    private static IEnumerable<string> Notes(MapBenchReport report)
    {
        foreach (string note in report.Notes)
            yield return $"[yellow]{Markup.Escape(note)}[/]";
        yield return $"[grey]random order in at most {ByteSize.Format(report.WorkingSetBytes)}; map: in place, or a copy where the object "
            + "straddles; view: one part or two, never copied; map to write: begins with zeros[/]";
        double[] widths = [.. report.Rows.Select(row => (row.Most - row.Least) / row.Nanoseconds).Order()];
        if (report.Rounds < 2)
            yield return $"[grey]{Figures.Legend(report.Rounds)}[/]";
        else if (widths.Length > 0)
            yield return $"[grey]median of {report.Rounds} rounds in turns; half of the figures lie within {Terminal.PlusMinus}"
                + $"{Figures.Of(50 * widths[widths.Length / 2], "0")} % from round to round[/]";
        yield return report.Verified
            ? "[green]verified[/]: every object held its content, and as many straddled as were to"
            : "[red]NOT verified: an object held something else than its content, or had moved[/]";
    }

    private static MapBenchRow Beside(MapBenchReport report, MapBenchRow row, string access) => report.Rows.First(other =>
        other.Access == access
        && (other.Size, other.StraddlingPercent, other.BytesTouched) == (row.Size, row.StraddlingPercent, row.BytesTouched));

    private static string Time(MapBenchRow row) => Figures.Of(row.Nanoseconds, "0");
}
