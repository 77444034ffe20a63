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
        Table table = new Table().Border(TableBorder.Rounded).AddColumn("protocol").AddColumn("environment");
        bool several = selection.SafeOn is null && selection.CorruptsOn is null;
        if (several)
            table.AddColumn("on");
        table.AddColumn("what happens");
        // Environments in which the same happens go together.
        foreach (IGrouping<(Protocol Protocol, Architecture Architecture, string Sentence), CheckResult> group in shown.GroupBy(result => (result.Protocol, result.Architecture, Timeline.Of(result).Sentence)))
        {
            string[] where = several ? [Markup.Escape(group.Key.Architecture.Name)] : [];
            string environments = string.Join('\n', group.Select(result => result.Environment.Name().Replace("+", "\n+", StringComparison.Ordinal)));
            table.AddRow([Markup.Escape(group.Key.Protocol.Name), Markup.Escape(environments), .. where, MatrixView.Colored(group.First(), group.Key.Sentence)]);
        }
        if (shown.Length > 0)
            output.Write(table);
        output.MarkupLine(Markup.Escape($"{Figures.Count(shown.Length, "combination is", "combinations are")} {Question(selection)}, of {exploration.All.Select(result => (result.Protocol, result.Environment, several ? result.Architecture : null)).Distinct().Count()}, within {selection.Bounds}."));
        MatrixView.TellIncomplete(exploration.All);
    }

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
