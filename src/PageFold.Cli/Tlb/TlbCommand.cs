using System.CommandLine;
using System.Text.Json;
using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary><c>pagefold tlb</c>: shows which mapping protocol is correct on which architecture, and how the others fail.</summary>
internal static class TlbCommand
{
    public static Command Create()
    {
        Option<string[]> protocols = Several("--protocol", $"Only these: {TlbNames.Protocols}.");
        Option<string[]> architectures = Several("--arch", $"Only these: {TlbNames.Architectures}.");
        Option<string[]> environments = Several("--environment", $"Only these: {TlbNames.Environments}, or several joined by +.");
        Option<string?> safeOn = new("--safe-on")
        {
            Description = "List what is safe on this architecture instead; with --corrupts-on, on that one and not on this.",
            HelpName = "ARCH",
        };
        Option<string?> corruptsOn = new("--corrupts-on")
        {
            Description = "List what corrupts on this architecture instead.",
            HelpName = "ARCH",
        };
        Option<bool> oneThread = new("--safe-with-one-thread")
        {
            Description = "List what is safe with one thread on one CPU, and corrupts or faults with more, instead.",
        };
        Option<string?> json = new("--json")
        {
            Description = "Write the verdicts as JSON to a file, or to standard output with -. Combinations that gave up are left out.",
            HelpName = "FILE|-",
        };
        BoundsOptions bounds = new();
        Command command = new("tlb", "Explore mapping protocols on simulated machines: are they right, and if not, how do they go wrong?")
        {
            protocols, architectures, environments, safeOn, corruptsOn, oneThread, json, ExplainCommand.Create(), StepsCommand.Create(),
        };
        bounds.AddTo(command);
        command.SetAction((parsed, outer) =>
        {
            MatrixSelection selection = new()
            {
                Protocols = Chosen(parsed.GetValue(protocols)!, name => TlbNames.ToProtocol("--protocol", name), NamedProtocols.All),
                Architectures = Chosen(parsed.GetValue(architectures)!, name => TlbNames.ToArchitecture("--arch", name), Architecture.All),
                Environments = Chosen(
                    parsed.GetValue(environments)!, name => TlbNames.ToEnvironment("--environment", name), LabEnvironments.Matrix),
                SafeOn = parsed.GetValue(safeOn) is { } safe ? TlbNames.ToArchitecture("--safe-on", safe) : null,
                CorruptsOn = parsed.GetValue(corruptsOn) is { } corrupt ? TlbNames.ToArchitecture("--corrupts-on", corrupt) : null,
                SafeWithOneThread = parsed.GetValue(oneThread),
                Bounds = bounds.ToBounds(parsed),
                MaxStates = bounds.ToMaxStates(parsed),
            };
            selection.Check();
            using ReportTarget? target = parsed.GetValue(json) is { } file ? new ReportTarget(file) : null;
            return Task.FromResult(Interruptible.Run(cancellation => Run(selection, target, cancellation), outer));
        });
        return command;
    }

    /// <summary>The exit code: an exploration that gave up proves nothing.</summary>
    public static int ExitCode(IEnumerable<CheckResult> results) =>
        results.All(result => result.IsComplete) ? ExitCodes.Success : ExitCodes.LimitReached;

    private static int Run(MatrixSelection selection, ReportTarget? target, CancellationToken cancellation)
    {
        WorkProgress progress = new();
        Exploration exploration = ProgressView.Watch(progress, () => selection.Explore(progress, cancellation));
        target?.Write(JsonSerializer.Serialize<IReadOnlyList<VerdictRow>>(
            [.. exploration.Chosen.Where(result => result.IsComplete).Select(VerdictRow.Of)], TlbJson.Default.IReadOnlyListVerdictRow));
        if (target?.IsStandardOutput != true)
        {
            if (selection.IsList)
                ListView.Show(selection, exploration);
            else
                MatrixView.Show(selection, exploration);
        }
        MatrixView.TellIncomplete(exploration.All);
        return ExitCode(exploration.All);
    }

    private static Option<string[]> Several(string name, string description) => new(name)
    {
        AllowMultipleArgumentsPerToken = true,
        Description = description,
        DefaultValueFactory = _ => [],
        HelpName = "NAME,NAME",
    };

    private static IReadOnlyList<T> Chosen<T>(string[] texts, Func<string, T> parse, IReadOnlyList<T> all) =>
        texts.Length == 0 ? all : [.. Arguments.Several(texts).Select(parse).Distinct()];
}
