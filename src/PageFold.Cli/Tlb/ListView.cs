using PageFold.TlbLab;
using Spectre.Console;

namespace PageFold.Cli.Tlb;

/// <summary>Shows the requested combinations as a list, each with its outcome.</summary>
internal static class ListView
{
    public static void Show(MatrixSelection selection, Exploration exploration)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        // If one architecture must be safe and another corrupt, only the latter is of interest.
        CheckResult[] shown =
            [.. exploration.Chosen.Where(result => selection.CorruptsOn is null || result.Architecture == selection.CorruptsOn)];
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn(new TableColumn("protocol").NoWrap())
            .AddColumn(new TableColumn("environment").NoWrap());
        bool several = selection.SafeOn is null && selection.CorruptsOn is null;
        if (several)
            table.AddColumn("on");
        table.AddColumn("what happens");
        // Environments with the same outcome share a row.
        var byEnvironments = shown
            .GroupBy(result => (result.Protocol, result.Architecture, Sentence: Sentence(result)))
            .Select(group => (
                group.Key.Protocol, group.Key.Architecture, group.Key.Sentence,
                Environments: string.Join('\n', group.Select(result => Broken(result.Environment.Name()))), First: group.First()))
            .GroupBy(row => (row.Protocol, row.Environments, row.Sentence));
        foreach (var group in byEnvironments)
        {
            string[] where = several ? [Markup.Escape(string.Join('\n', group.Select(row => row.Architecture.Name)))] : [];
            string sentence = MatrixView.Colored(group.First().First, group.Key.Sentence);
            table.AddRow([Markup.Escape(group.Key.Protocol.Name), Markup.Escape(group.Key.Environments), .. where, sentence]);
        }
        if (shown.Length > 0)
            output.Write(table);
        int explored = exploration.All.Select(result => (result.Protocol, result.Environment, several ? result.Architecture : null))
            .Distinct().Count();
        string count = Figures.Count(shown.Length, "combination is", "combinations are");
        output.MarkupLine(Markup.Escape($"{count} {Question(selection)}, of {explored}, within {selection.Bounds}."));
        int unknown = exploration.All.Count(result => !result.IsComplete);
        if (unknown > 0)
        {
            string explorations = Figures.Count(unknown, "exploration", "explorations");
            output.MarkupLine($"[yellow]{explorations} gave up: what they would add is not known[/]");
        }
    }

    private static string Broken(string environment) => environment.Replace("+", "\n+", StringComparison.Ordinal);

    private static string Sentence(CheckResult result) =>
        result.Verdict == Verdict.Safe ? VerdictNames.Of(result.Verdict) : Timeline.Of(result).Sentence;

    private static string Question(MatrixSelection selection) => string.Join(" and ", Questions(selection));

    private static IEnumerable<string> Questions(MatrixSelection selection)
    {
        if (selection.SafeWithOneThread)
        {
            string where = selection.CorruptsOn is null ? string.Empty : $" on {selection.CorruptsOn}";
            yield return $"safe with one thread on one CPU and wrong with {Figures.Of(selection.Bounds.Cpus, "0")}{where}";
        }
        if (selection.SafeOn is not null)
            yield return $"safe on {selection.SafeOn}";
        if (selection.CorruptsOn is not null && !selection.SafeWithOneThread)
            yield return $"corrupt on {selection.CorruptsOn}";
    }
}
