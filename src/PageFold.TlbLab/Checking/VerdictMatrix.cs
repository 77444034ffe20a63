namespace PageFold.TlbLab;

/// <summary>Checks many combinations at once, on all processors. Thread-safe.</summary>
public static class VerdictMatrix
{
    /// <summary>Checks every protocol on every architecture in every environment.</summary>
    /// <param name="protocols">Protocols.</param>
    /// <param name="architectures">Architectures.</param>
    /// <param name="environments">Environments.</param>
    /// <param name="bounds">How far; <see cref="Bounds.Default"/> if null.</param>
    /// <param name="maxStates">After how many states a single exploration gives up.</param>
    /// <param name="checkedOne">Called, on any thread, after each.</param>
    /// <param name="cancellation">Ends all of it early.</param>
    /// <returns>The results: by protocol, in it by environment, in it by architecture.</returns>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
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
            [.. from protocol in protocols from environment in environments from architecture in architectures select (protocol, architecture, environment)];
        CheckResult[] results = new CheckResult[cells.Count];
        ParallelOptions options = new() { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        // Backwards: the last protocol needs the most states, and should not be what the others wait for.
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
