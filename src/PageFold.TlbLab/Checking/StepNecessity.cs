namespace PageFold.TlbLab;

/// <summary>The effect of removing steps from a protocol.</summary>
/// <param name="Protocol">The whole protocol.</param>
/// <param name="Steps">The numbers of the removed steps, from 0.</param>
/// <param name="Worse">The combinations whose verdict is worse without the steps, the simplest first; empty if they are not
/// necessary.</param>
/// <param name="IsComplete">False if an exploration ended early, so that there may be more combinations.</param>
public sealed record StepNecessity(Protocol Protocol, IReadOnlyList<int> Steps, IReadOnlyList<CheckResult> Worse, bool IsComplete)
{
    /// <summary>False if no verdict changes without the steps; null if that is not known.</summary>
    public bool? IsNecessary => Worse.Count > 0 ? true : IsComplete ? false : null;

    /// <summary>
    /// Removes each step of a protocol, and each pair of guards, and checks in the whole matrix whether a verdict gets worse.
    /// </summary>
    /// <remarks>Accesses are never removed.</remarks>
    /// <param name="protocol">The protocol.</param>
    /// <param name="bounds">The bounds; <see cref="Bounds.Default"/> if null.</param>
    /// <param name="maxStates">The number of states after which a single exploration ends.</param>
    /// <param name="checkedOne">Called, on any thread, after each exploration.</param>
    /// <param name="cancellation">Cancels all explorations.</param>
    /// <exception cref="OperationCanceledException">The explorations were cancelled.</exception>
    public static IReadOnlyList<StepNecessity> Of(
        Protocol protocol,
        Bounds? bounds = null,
        int maxStates = Checker.DefaultMaxStates,
        Action<CheckResult>? checkedOne = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        int[][] left = [.. Removals(protocol)];
        Protocol[] protocols = [protocol, .. left.Select(steps => protocol.Without(steps))];
        IReadOnlyList<CheckResult> results = VerdictMatrix.Run(
            protocols, Architecture.All, LabEnvironments.Matrix, bounds, maxStates, checkedOne, cancellation);
        int cells = results.Count / protocols.Length;
        CheckResult[] whole = [.. results.Take(cells)];
        return [.. left.Select((steps, index) => Compare(protocol, steps, whole, [.. results.Skip((index + 1) * cells).Take(cells)]))];
    }

    /// <summary>The number of explorations that <see cref="Of"/> makes.</summary>
    public static int ExplorationsOf(Protocol protocol)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        return (1 + Removals(protocol).Count()) * Architecture.All.Count * LabEnvironments.Matrix.Count;
    }

    private static StepNecessity Compare(Protocol protocol, int[] steps, CheckResult[] whole, CheckResult[] without)
    {
        // A cell that was not explored completely for the whole protocol may be as bad there.
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
        (Operation First, Operation Second)[] guards =
        [
            (Operation.PreemptDisable, Operation.PreemptEnable),
            (Operation.EnterLazyMmu, Operation.LeaveLazyMmu),
        ];
        foreach ((Operation first, Operation second) in guards)
        {
            int[] pair = [.. Enumerable.Range(0, steps.Count)
                .Where(index => steps[index].Operation == first || steps[index].Operation == second)];
            if (pair.Length == 2 && steps.Count > 2)
                yield return pair;
        }
    }
}
