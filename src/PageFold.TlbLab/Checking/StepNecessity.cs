namespace PageFold.TlbLab;

/// <summary>What happens to a protocol when some of its steps are left out.</summary>
/// <param name="Protocol">The whole protocol.</param>
/// <param name="Steps">The numbers of the steps that were left out, from 0.</param>
/// <param name="Worse">The combinations that are worse without them, the simplest first; empty if the steps are not necessary.</param>
/// <param name="IsComplete">False if an exploration gave up, so that there may be more.</param>
public sealed record StepNecessity(Protocol Protocol, IReadOnlyList<int> Steps, IReadOnlyList<CheckResult> Worse, bool IsComplete)
{
    /// <summary>False if leaving the steps out changes no verdict anywhere; null if that is not known.</summary>
    public bool? IsNecessary => Worse.Count > 0 ? true : IsComplete ? false : null;

    /// <summary>Leaves each step of a protocol out, and each pair of guards, and checks everywhere whether that makes it worse. Accesses stay.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="bounds">How far; <see cref="Bounds.Default"/> if null.</param>
    /// <param name="maxStates">After how many states a single exploration gives up.</param>
    /// <param name="checkedOne">Called, on any thread, after each exploration.</param>
    /// <param name="cancellation">Ends all of it early.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static IReadOnlyList<StepNecessity> Of(
        Protocol protocol, Bounds? bounds = null, int maxStates = Checker.DefaultMaxStates, Action<CheckResult>? checkedOne = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        int[][] left = [.. Removals(protocol)];
        Protocol[] protocols = [protocol, .. left.Select(steps => protocol.Without(steps))];
        IReadOnlyList<CheckResult> results = VerdictMatrix.Run(protocols, Architecture.All, LabEnvironments.Matrix, bounds, maxStates, checkedOne, cancellation);
        int cells = results.Count / protocols.Length;
        CheckResult[] whole = [.. results.Take(cells)];
        return [.. left.Select((steps, index) => Compare(protocol, steps, whole, [.. results.Skip((index + 1) * cells).Take(cells)]))];
    }

    /// <summary>How many explorations <see cref="Of"/> makes.</summary>
    public static int ExplorationsOf(Protocol protocol)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        return (1 + Removals(protocol).Count()) * Architecture.All.Count * LabEnvironments.Matrix.Count;
    }

    private static StepNecessity Compare(Protocol protocol, int[] steps, CheckResult[] whole, CheckResult[] without)
    {
        // Where the whole protocol was not explored through, it may be as bad.
        CheckResult[] worse = [.. without.Where((result, cell) => whole[cell].IsComplete && result.Verdict > whole[cell].Verdict)];
        return new StepNecessity(protocol, steps, worse, whole.Concat(without).All(result => result.IsComplete));
    }

    private static IEnumerable<int[]> Removals(Protocol protocol)
    {
        IReadOnlyList<ProtocolStep> steps = protocol.Steps;
        for (int index = 0; index < steps.Count; index++)
        {
            if (steps.Count > 1 && steps[index].Operation is not (Operation.Access or Operation.AccessCopy))
                yield return [index];
        }
        foreach ((Operation first, Operation second) in ((Operation, Operation)[])[(Operation.PreemptDisable, Operation.PreemptEnable), (Operation.EnterLazyMmu, Operation.LeaveLazyMmu)])
        {
            int[] pair = [.. Enumerable.Range(0, steps.Count).Where(index => steps[index].Operation == first || steps[index].Operation == second)];
            if (pair.Length == 2 && steps.Count > 2)
                yield return pair;
        }
    }
}
