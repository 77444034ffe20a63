using PageFold.TlbLab;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageFold.Cli.Tlb;

/// <summary>Shows verdicts as a matrix.</summary>
internal static class MatrixView
{
    private const string Conjunction = "all but\nunguarded";

    public static void Show(MatrixSelection selection, Exploration exploration)
    {
        IAnsiConsole output = AnsiConsole.Console;
        output.WriteLine();
        Table matrix = Matrix(selection, exploration.Chosen);
        int needed = WidthOf(matrix, output);
        if (output.Profile.Width < needed)
        {
            string fewer = selection.Architectures.Count > 1 ? "choose fewer with --arch, " : string.Empty;
            Console.Error.WriteLine(
                $"pagefold: the matrix needs {needed} columns and the terminal has {output.Profile.Width}; make it wider, {fewer}or use "
                    + "--json -.");
        }
        output.Write(matrix);
        string states = Figures.Count(exploration.All.Sum(result => (long)result.StatesExplored), "state", "states");
        output.MarkupLine(Markup.Escape($"{selection.Bounds}: {states}, {Figures.Of(exploration.Time.TotalSeconds, "0.0")}s"));
        output.MarkupLine("[green]safe[/]      none of the following happens in any interleaving");
        output.MarkupLine("[red]corrupts[/]  an access reaches a frame, or bytes, that are not the object's");
        output.MarkupLine("[yellow]faults[/]    an access finds no translation");
        if (exploration.Chosen.Any(result => !result.IsComplete))
            output.MarkupLine("[grey]gave up[/]   not known; with ? at least this bad");
        foreach (TranslationRule rule in Rules(exploration.Chosen))
            output.MarkupLine($"[blue]rule {(int)rule}[/]    {rule.Name()}: {rule.Meaning()}");
        if (selection.Environments.Contains(LabEnvironments.Everything))
            output.MarkupLine($"[grey]all but unguarded: {LabEnvironments.Everything.Name()}[/]");
        output.MarkupLine("[grey]how one goes wrong: pagefold tlb explain --protocol P --arch A --environment E[/]");
        TellVacuous(selection.Bounds, selection.Environments);
    }

    /// <summary>Warns about bounds that are too small to show some failures.</summary>
    public static void TellVacuous(Bounds bounds, IReadOnlyList<LabEnvironment> environments)
    {
        if (bounds.Objects == 1)
            AnsiConsole.MarkupLine("[yellow]with one object no access can reach another: choose more --objects[/]");
        if (bounds.Cycles == 1)
            AnsiConsole.MarkupLine("[yellow]with one map cycle no task uses a window again: choose more --cycles[/]");
        if (bounds.Interrupts == 0 && environments.Any(environment => environment.HasFlag(LabEnvironment.Reentrant)))
            AnsiConsole.MarkupLine("[yellow]without interrupts nothing is reentrant: choose more --interrupts[/]");
        const LabEnvironment Switching = LabEnvironment.Preemptible | LabEnvironment.Unguarded;
        if (bounds.Cpus == 1 && environments.Any(environment => (environment & Switching) != 0))
            AnsiConsole.MarkupLine("[yellow]with one CPU, and so one task, there is no task to switch to: choose more --cpus[/]");
    }

    /// <summary>Colors a text by a verdict.</summary>
    public static string Colored(CheckResult result, string text)
    {
        string color = result.Verdict switch
        {
            Verdict.Corrupts => "red",
            Verdict.Faults => "yellow",
            Verdict.BreaksRule => "blue",
            _ => result.IsComplete ? "green" : "grey",
        };
        return $"[{color}]{Markup.Escape(text)}[/]";
    }

    /// <summary>Reports on standard error which explorations gave up.</summary>
    public static void TellIncomplete(IReadOnlyList<CheckResult> results)
    {
        CheckResult[] incomplete = [.. results.Where(result => !result.IsComplete)];
        if (incomplete.Length == 0)
            return;
        CheckResult first = incomplete[0];
        string explorations = Figures.Count(incomplete.Length, "exploration", "explorations");
        string combinations = Figures.Count(results.Count, "combination", "combinations");
        string states = Figures.Count(first.StatesExplored, "state", "states");
        string steps = Figures.Count(first.Depth, "step", "steps");
        string remedy = first.IsOutOfMemory
            ? "Memory ran out: choose smaller bounds, or give the process more of it."
            : "Choose smaller bounds, or more with --max-states.";
        Console.Error.WriteLine(
            $"pagefold: {explorations} of {combinations} gave up within {first.Bounds}, "
            + $"the first {first.Protocol}/{first.Architecture}/{first.Environment.Name()} after {states}, complete to {steps}; "
            + $"what is shown is what was found by then. {remedy}");
    }

    private static int WidthOf(IRenderable shown, IAnsiConsole output) =>
        shown.Measure(RenderOptions.Create(output, output.Profile.Capabilities), maxWidth: 1000).Max;

    private static Table Matrix(MatrixSelection selection, IReadOnlyList<CheckResult> results)
    {
        Table table = new Table().Border(TableBorder.Horizontal).AddColumn(Narrow("protocol,\n environment"));
        foreach (Architecture architecture in selection.Architectures)
            table.AddColumn(Narrow(architecture.Name.Replace("-", "-\n", StringComparison.Ordinal)));
        foreach (IGrouping<Protocol, CheckResult> protocol in results.GroupBy(result => result.Protocol))
        {
            if (table.Rows.Count > 0)
                table.AddEmptyRow();
            table.AddRow([$"[bold]{Markup.Escape(Short(protocol.Key.Name))}[/]"]);
            foreach (IGrouping<LabEnvironment, CheckResult> environment in protocol.GroupBy(result => result.Environment))
                table.AddRow([" " + Markup.Escape(Name(environment.Key)), .. environment.Select(result => Cell(result))]);
        }
        return table;
    }

    // Eight columns have to fit into eighty characters.
    private static TableColumn Narrow(string header) => new TableColumn(Markup.Escape(header)).Padding(0, 0, 0, 0).NoWrap();

    private static string Cell(CheckResult result)
    {
        string text = result.Verdict == Verdict.BreaksRule ? $"rule {(int)result.Rule}" : VerdictNames.Of(result.Verdict);
        if (result.IsComplete || result.Verdict == Verdict.Corrupts)
            return Colored(result, text);
        return Colored(result, result.Verdict == Verdict.Safe ? "gave up" : text + "?");
    }

    // The longest names would leave no room for the verdicts.
    private static string Short(string name) => name
        .Replace("clear-flush-both-", "clear-flush-\nboth-", StringComparison.Ordinal)
        .Replace("flush-before-clear", "flush-before-\nclear", StringComparison.Ordinal);

    private static string Name(LabEnvironment environment) => environment == LabEnvironments.Everything
        ? Conjunction.Replace("\n", "\n ", StringComparison.Ordinal)
        : environment.Name().Replace("+", "\n +", StringComparison.Ordinal);

    private static List<TranslationRule> Rules(IEnumerable<CheckResult> results) =>
        [.. results.Where(result => result.Verdict == Verdict.BreaksRule).Select(result => result.Rule).Distinct().Order()];
}
