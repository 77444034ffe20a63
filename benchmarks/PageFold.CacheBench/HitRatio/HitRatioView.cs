using PageFold.CacheBench.Subjects;
using PageFold.Cli;
using Spectre.Console;

namespace PageFold.CacheBench.HitRatio;

/// <summary>Shows hit ratios as tables: a line for each trace and capacity, a column for each cache.</summary>
internal static class HitRatioView
{
    public static void Show(HitRatioReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        string[] objectives = [.. report.Rows.Select(row => row.Objective).Distinct()];
        foreach (string objective in objectives)
        {
            HitRatioRow[] rows = [.. report.Rows.Where(row => row.Objective == objective)];
            string told = objectives.Length > 1 ? $", objective {objective}" : string.Empty;
            Table(output, $"Hits, % of requests{told}", rows, row => row.ObjectHitRatio);
            Table(output, $"Bytes in hits, % of those requested{told}", [.. rows.Where(row => row.CapacityBytes is not null)],
                row => row.ByteHitRatio);
        }
        foreach (string note in report.Notes)
            output.MarkupLine($"[grey]{Markup.Escape(note)}[/]");
        string threads = report.Threads == 1 ? "one thread" : $"{report.Threads} threads that take the requests in turn";
        output.MarkupLine($"[grey]from the first request on an empty cache; {threads}; bold: the most of a line[/]");
    }

    private static void Table(IAnsiConsole output, string title, HitRatioRow[] rows, Func<HitRatioRow, double> ratio)
    {
        if (rows.Length == 0)
            return;
        string[] subjects = [.. rows.Select(row => row.Subject).Distinct()];
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle(title);
        table.AddColumn("trace").AddColumn(new TableColumn("at").RightAligned());
        foreach (string subject in subjects)
            table.AddColumn(new TableColumn(SubjectKind.Of(subject).Label).RightAligned());
        IGrouping<(string Trace, double), HitRatioRow>[] cases = [.. rows.GroupBy(row => (row.Trace, row.CapacityPercent))];
        foreach (IGrouping<(string Trace, double Percent), HitRatioRow> one in cases)
        {
            string trace = one.First() == rows.First(row => row.Trace == one.Key.Trace) ? Short(one.Key.Trace) : string.Empty;
            table.AddRow([Markup.Escape(trace), $"{Figures.Of(one.Key.Percent, "0.###")} %", .. Cells(one.Select(ratio))]);
        }
        if (cases.Length > 1)
        {
            table.AddEmptyRow();
            IEnumerable<double> means = subjects.Select(subject => rows.Where(row => row.Subject == subject).Average(ratio));
            table.AddRow(["mean", string.Empty, .. Cells(means)]);
        }
        output.WriteLine();
        output.Write(table);
    }

    /// <summary>The name of a trace without what its file's name says of the format.</summary>
    public static string Short(string name)
    {
        foreach (string suffix in (string[])[".gz", ".xz", ".trace"])
        {
            if (name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
                name = name[..^suffix.Length];
        }
        return name;
    }

    private static IEnumerable<string> Cells(IEnumerable<double> ratios)
    {
        double[] all = [.. ratios];
        return all.Select(value =>
        {
            string text = Figures.Of(100 * value, "0.00");
            return value >= all.Max() && all.Length > 1 ? $"[bold]{text}[/]" : text;
        });
    }
}
