using PageFold.TlbLab;
using Spectre.Console;

namespace PageFold.Cli.Tlb;

/// <summary>Shows the combinations that were asked for to a person, each with what happens.</summary>
internal static class ListView
{
    public static void Show(MatrixSelection selection, Exploration exploration)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        // Where an architecture that is safe stands beside one that is not, the latter is of interest.
        CheckResult[] shown = [.. exploration.Chosen.Where(result => selection.CorruptsOn is null || result.Architecture == selection.CorruptsOn)];
        Table table = new Table().Border(TableBorder.Rounded).AddColumn(new TableColumn("protocol").NoWrap()).AddColumn(new TableColumn("environment").NoWrap());
        bool several = selection.SafeOn is null && selection.CorruptsOn is null;
        if (several)
            table.AddColumn("on");
        table.AddColumn("what happens");
        // Environments in which the same happens go together.
        var byEnvironments = shown
            .GroupBy(result => (result.Protocol, result.Architecture, Sentence: Sentence(result)))
            .Select(group => (group.Key.Protocol, group.Key.Architecture, group.Key.Sentence, Environments: string.Join('\n', group.Select(result => result.Environment.Name().Replace("+", "\n+", StringComparison.Ordinal))), First: group.First()))
            .GroupBy(row => (row.Protocol, row.Environments, row.Sentence));
        foreach (var group in byEnvironments)
        {
            string[] where = several ? [Markup.Escape(string.Join('\n', group.Select(row => row.Architecture.Name)))] : [];
            table.AddRow([Markup.Escape(group.Key.Protocol.Name), Markup.Escape(group.Key.Environments), .. where, MatrixView.Colored(group.First().First, group.Key.Sentence)]);
        }
        if (shown.Length > 0)
            output.Write(table);
        output.MarkupLine(Markup.Escape($"{Figures.Count(shown.Length, "combination is", "combinations are")} {Question(selection)}, of {exploration.All.Select(result => (result.Protocol, result.Environment, several ? result.Architecture : null)).Distinct().Count()}, within {selection.Bounds}."));
        int unknown = exploration.All.Count(result => !result.IsComplete);
        if (unknown > 0)
            output.MarkupLine($"[yellow]{Figures.Count(unknown, "exploration", "explorations")} gave up: what they would add is not known[/]");
    }

    private static string Sentence(CheckResult result) => result.Verdict == Verdict.Safe ? VerdictNames.Of(result.Verdict) : Timeline.Of(result).Sentence;

    private static string Question(MatrixSelection selection) => string.Join(" and ", Questions(selection));

    private static IEnumerable<string> Questions(MatrixSelection selection)
    {
        if (selection.SafeWithOneThread)
            yield return $"safe with one thread on one CPU and wrong with {Figures.Of(selection.Bounds.Cpus, "0")}{(selection.CorruptsOn is null ? string.Empty : $" on {selection.CorruptsOn}")}";
        if (selection.SafeOn is not null)
            yield return $"safe on {selection.SafeOn}";
        if (selection.CorruptsOn is not null && !selection.SafeWithOneThread)
            yield return $"corrupt on {selection.CorruptsOn}";
    }
}
