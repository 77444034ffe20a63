using PageFold.TlbLab;
using Spectre.Console;

namespace PageFold.Cli.Tlb;

/// <summary>Shows verdicts to a person as a matrix.</summary>
internal static class MatrixView
{
    private const string Conjunction = "all but\nunguarded";

    public static void Show(MatrixSelection selection, Exploration exploration)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        output.Write(Matrix(selection, exploration.Chosen));
        output.MarkupLine(Markup.Escape($"{selection.Bounds}: {Figures.Count(exploration.All.Sum(result => (long)result.StatesExplored), "state", "states")}, {Figures.Of(exploration.Time.TotalSeconds, "0.0")} s"));
        output.MarkupLine("[green]safe[/]      in no interleaving does anything of the following happen");
        output.MarkupLine("[red]corrupts[/]  an access reaches a frame, or bytes, that are not the object's");
        output.MarkupLine("[yellow]faults[/]    an access finds no translation");
        int number = 0;
        foreach (TranslationRule rule in Rules(exploration.Chosen))
            output.MarkupLine($"[blue]rule {++number}[/]    {rule.Name()}: {rule.Meaning()}");
        if (selection.Environments.Contains(LabEnvironments.Everything))
            output.MarkupLine($"[grey]all but unguarded: {LabEnvironments.Everything.Name()}[/]");
        output.MarkupLine("[grey]how one goes wrong: pagefold tlb explain --protocol P --arch A --environment E[/]");
        TellIncomplete(exploration.All);
    }

    /// <summary>A verdict in its colour.</summary>
    public static string Colored(CheckResult result, string text)
    {
        string color = result.Verdict switch { Verdict.Corrupts => "red", Verdict.Faults => "yellow", Verdict.BreaksRule => "blue", _ => result.IsComplete ? "green" : "grey" };
        return $"[{color}]{Markup.Escape(text)}[/]";
    }

    /// <summary>Says on standard error which explorations gave up.</summary>
    public static void TellIncomplete(IReadOnlyList<CheckResult> results)
    {
        CheckResult[] incomplete = [.. results.Where(result => !result.IsComplete)];
        if (incomplete.Length == 0)
            return;
        CheckResult first = incomplete[0];
        Console.Error.WriteLine(
            $"pagefold: {Figures.Count(incomplete.Length, "exploration", "explorations")} of {Figures.Count(results.Count, "combination", "combinations")} gave up within {first.Bounds}, "
            + $"the first {first.Protocol}/{first.Architecture}/{first.Environment.Name()} after {Figures.Count(first.StatesExplored, "state", "states")}, complete to {Figures.Count(first.Depth, "step", "steps")}; "
            + "what is shown is the worst found so far. Choose smaller bounds, or more with --max-states.");
    }

    private static Table Matrix(MatrixSelection selection, IReadOnlyList<CheckResult> results)
    {
        List<TranslationRule> rules = Rules(results);
        Table table = new Table().Border(TableBorder.Horizontal).AddColumn(Narrow("protocol,\n environment"));
        foreach (Architecture architecture in selection.Architectures)
            table.AddColumn(Narrow(architecture.Name.Replace("-", "-\n", StringComparison.Ordinal)));
        foreach (IGrouping<Protocol, CheckResult> protocol in results.GroupBy(result => result.Protocol))
        {
            if (table.Rows.Count > 0)
                table.AddEmptyRow();
            table.AddRow([$"[bold]{Markup.Escape(Short(protocol.Key.Name))}[/]"]);
            foreach (IGrouping<LabEnvironment, CheckResult> environment in protocol.GroupBy(result => result.Environment))
                table.AddRow([" " + Markup.Escape(Name(environment.Key)), .. environment.Select(result => Cell(result, rules))]);
        }
        return table;
    }

    // Eight columns have to go into eighty characters.
    private static TableColumn Narrow(string header) => new TableColumn(Markup.Escape(header)).Padding(0, 0, 0, 0).NoWrap();

    private static string Cell(CheckResult result, List<TranslationRule> rules)
    {
        string text = result.Verdict == Verdict.BreaksRule ? $"rule {rules.IndexOf(result.Rule) + 1}" : VerdictNames.Of(result.Verdict);
        return Colored(result, result.IsComplete || result.Verdict == Verdict.Corrupts ? text : result.Verdict == Verdict.Safe ? "gave up" : text + "?");
    }

    // The longest names would not leave room for the verdicts.
    private static string Short(string name) => name.Replace("clear-flush-both-", "clear-flush-\nboth-", StringComparison.Ordinal).Replace("flush-before-clear", "flush-before-\nclear", StringComparison.Ordinal);

    private static string Name(LabEnvironment environment) => environment == LabEnvironments.Everything ? Conjunction.Replace("\n", "\n ", StringComparison.Ordinal) : environment.Name().Replace("+", "\n +", StringComparison.Ordinal);

    private static List<TranslationRule> Rules(IEnumerable<CheckResult> results) => [.. results.Where(result => result.Verdict == Verdict.BreaksRule).Select(result => result.Rule).Distinct().Order()];
}
