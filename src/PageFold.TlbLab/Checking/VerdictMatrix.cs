namespace PageFold.TlbLab;

/// <summary>Checks many combinations in parallel, on all processors.</summary>
/// <remarks>Thread-safe.</remarks>
public static class VerdictMatrix
{
    /// <summary>Checks every protocol on every architecture in every environment.</summary>
    /// <param name="protocols">The protocols.</param>
    /// <param name="architectures">The architectures.</param>
    /// <param name="environments">The environments.</param>
    /// <param name="bounds">The bounds; <see cref="Bounds.Default"/> if null.</param>
    /// <param name="maxStates">The number of states after which a single exploration ends.</param>
    /// <param name="checkedOne">Called, on any thread, after each exploration.</param>
    /// <param name="cancellation">Cancels all explorations.</param>
    /// <returns>The results: by protocol, then by environment, then by architecture.</returns>
    /// <exception cref="OperationCanceledException">The explorations were cancelled.</exception>
    public static IReadOnlyList<CheckResult> Run(
        IReadOnlyList<Protocol> protocols,
        IReadOnlyList<Architecture> architectures,
        IReadOnlyList<LabEnvironment> environments,
        Bounds? bounds = null,
        int maxStates = Checker.DefaultMaxStates,
        Action<CheckResult>? checkedOne = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(protocols);
        ArgumentNullException.ThrowIfNull(architectures);
        ArgumentNullException.ThrowIfNull(environments);
        List<(Protocol Protocol, Architecture Architecture, LabEnvironment Environment)> cells =
            [
                .. from protocol in protocols
                   from environment in environments
                   from architecture in architectures
                   select (protocol, architecture, environment),
            ];
        CheckResult[] results = new CheckResult[cells.Count];
        ParallelOptions options = new() { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        // Backwards: the last protocol needs the most states, so it starts first.
        Parallel.For(0, cells.Count, options, () => new Checker(), (turn, _, checker) =>
        {
            int index = cells.Count - 1 - turn;
            (Protocol protocol, Architecture architecture, LabEnvironment environment) = cells[index];
            results[index] = checker.Check(protocol, architecture, environment, bounds, maxStates, cancellation);
            checkedOne?.Invoke(results[index]);
            return checker;
        }, _ => { });
        return results;
    }
}
