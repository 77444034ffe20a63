using Spectre.Console;

namespace PageFold.Cli.Bench.Alloc;

/// <summary>Shows a comparison as tables.</summary>
internal static class AllocBenchView
{
    private const double TimeBudget = 1.5;
    private const double OverheadBudget = 0.25;

    // The memory of fewer objects is less than what a process gains and loses by itself.
    private const int MinWeighable = 4096;

    public static void Show(AllocBenchReport report)
    {
        IAnsiConsole output = AnsiConsole.Console;
        string[] subjects = [.. report.Memory.Select(memory => memory.Subject).Distinct()];
        output.WriteLine();
        output.Write(Times(report, subjects));
        output.WriteLine();
        output.Write(Memory(report, subjects));
        foreach (string line in Summary(report).Concat(Notes(report)))
            output.MarkupLine(line);
    }

    private static Table Times(AllocBenchReport report, string[] subjects)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        string objects = Figures.Count(report.Objects, "object", "objects");
        string pages = $"pages of {ByteSize.Format(report.PageSize)} with {report.Codec}";
        table.Title = new TableTitle(
            Markup.Escape($"{report.Source}\n{objects} as long as {pages}, {ByteSize.Format(report.AskedBytes)}"));
        table.AddColumn("nanoseconds");
        foreach (string subject in subjects)
            table.AddColumn(new TableColumn(Name(subject)).RightAligned());
        table.AddColumn(new TableColumn("PageFold\n/ fastest").RightAligned());
        foreach (string phase in (string[])["churnWithContent", "churnZeroed", "churn", "fill", "free"])
        {
            AllocBenchRow[] rows = [.. subjects.Select(subject => Row(report, subject, phase))];
            string[] times = [.. rows.Select(row =>
                Figures.Of(row.Nanoseconds, "0") + Figures.Noise(report.Rounds, row.Nanoseconds, row.Least, row.Most))];
            times[0] = $"[bold]{times[0]}[/]";
            double own = Row(report, Allocator.PageFold, phase).Nanoseconds;
            string ratio = Fastest(report, phase) is { } fastest ? $"[bold]{Figures.Of(own / fastest.Nanoseconds, "0.00")}[/]" : "-";
            table.AddRow([PhaseName(phase), .. times, ratio]);
        }
        return table;
    }

    private static Table Memory(AllocBenchReport report, string[] subjects)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.Title = new TableTitle("Memory held / bytes asked, all objects filled");
        table.AddColumn("state");
        foreach (string subject in subjects)
            table.AddColumn(new TableColumn(Name(subject)).RightAligned());
        table.AddColumn(new TableColumn("PageFold by\nits account").RightAligned());
        foreach (string state in (string[])["fresh", "halfFreed", "churned"])
        {
            string[] held = [.. subjects.Select(subject =>
                report.Objects < MinWeighable ? "-" : Figures.Of(Weight(report, subject, state).HeldPerAsked, "0.0000"))];
            AllocBenchMemory pool = Weight(report, Allocator.PageFold, state);
            string accounted = pool.AccountedBytes is { } bytes ? Figures.Of((double)bytes / pool.AskedBytes, "0.0000") : "-";
            table.AddRow([StateName(state), .. held, accounted]);
        }
        return table;
    }

    /// <summary>Compares each kind of churn with the fastest other allocator.</summary>
    private static IEnumerable<string> Summary(AllocBenchReport report)
    {
        foreach (string phase in (string[])["churnWithContent", "churnZeroed"])
        {
            if (Fastest(report, phase) is not { } fastest)
                continue;
            double time = Row(report, Allocator.PageFold, phase).Nanoseconds / fastest.Nanoseconds;
            string line = $"{PhaseName(phase)}: {Mark(time, TimeBudget)} × the time of {fastest.Subject}, the fastest "
                + $"(aim: {Figures.Of(TimeBudget, "0.0")})";
            double theirs = Weight(report, fastest.Subject, "fresh").HeldPerAsked - 1;
            double own = Weight(report, Allocator.PageFold, "fresh").HeldPerAsked - 1;
            if (report.Objects < MinWeighable)
                yield return line;
            else if (theirs <= 0)
                yield return line + ", which has no overhead that could be seen";
            else
                yield return line + $", at {Mark(own / theirs, OverheadBudget)} × its overhead (aim: "
                    + $"{Figures.Of(OverheadBudget, "0.00")})";
        }
    }

    private static IEnumerable<string> Notes(AllocBenchReport report)
    {
        if (report.Objects < MinWeighable)
        {
            string objects = Figures.Count(report.Objects, "object is", "objects are");
            yield return $"[yellow]{objects} too few to weigh, and to time; take {MinWeighable:N0} or more[/]";
        }
        foreach ((string name, string reason) in report.Unavailable)
            yield return $"[yellow]{name} was not measured: {Markup.Escape(reason)}[/]";
        yield return "[grey]churn: a free and an allocation. Content: each new object is filled. Zeros: the others by calloc, the pool as "
            + "always. As left: the others hand out whatever was there, which the pool never does[/]";
        yield return "[grey]libraries are called through P/Invoke and with their default settings; overhead is what is held beyond what "
            + "was asked for, fresh[/]";
        yield return $"[grey]{Figures.Legend(report.Rounds)}[/]";
        yield return report.Verified
            ? "[green]verified[/]: every object held its content"
            : "[red]NOT verified: an object held something else than its content[/]";
    }

    private static string Mark(double ratio, double budget) =>
        $"[bold {(ratio <= budget ? "green" : "yellow")}]{Figures.Of(ratio, "0.00")}[/]";

    private static AllocBenchRow? Fastest(AllocBenchReport report, string phase) =>
        report.Rows.Where(row => row.Phase == phase && row.Subject != Allocator.PageFold && row.Nanoseconds > 0)
            .MinBy(row => row.Nanoseconds);

    private static AllocBenchRow Row(AllocBenchReport report, string subject, string phase) =>
        report.Rows.First(row => row.Subject == subject && row.Phase == phase);

    private static AllocBenchMemory Weight(AllocBenchReport report, string subject, string state) =>
        report.Memory.First(memory => memory.Subject == subject && memory.State == state);

    private static string Name(string subject) => subject == Allocator.PageFold ? "PageFold" : subject;

    private static string PhaseName(string phase) => phase switch
    {
        "churnWithContent" => "churn, content",
        "churnZeroed" => "churn, zeros",
        "churn" => "churn, as left",
        "free" => "free all",
        _ => phase,
    };

    private static string StateName(string state) => state switch
    {
        "halfFreed" => "half freed, 2 s later",
        "churned" => "churned twice over",
        _ => state,
    };
}
