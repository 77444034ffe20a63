using System.Diagnostics;
using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary>The combinations to explore, and the results to show.</summary>
internal sealed record MatrixSelection
{
    public required IReadOnlyList<Protocol> Protocols { get; init; }

    public required IReadOnlyList<Architecture> Architectures { get; init; }

    public required IReadOnlyList<LabEnvironment> Environments { get; init; }

    /// <summary>Selects what is safe on this architecture.</summary>
    public Architecture? SafeOn { get; init; }

    /// <summary>Selects what corrupts on this architecture.</summary>
    public Architecture? CorruptsOn { get; init; }

    /// <summary>Selects what is safe with one thread on one CPU, and corrupts or faults with more.</summary>
    public bool SafeWithOneThread { get; init; }

    public required Bounds Bounds { get; init; }

    public required int MaxStates { get; init; }

    /// <summary>True to show a list of combinations, false to show the matrix.</summary>
    public bool IsList => SafeOn is not null || CorruptsOn is not null || SafeWithOneThread;

    /// <exception cref="UserErrorException">The selection contradicts itself.</exception>
    public void Check()
    {
        if (SafeOn is not null && SafeOn == CorruptsOn)
        {
            throw new UserErrorException(
                $"--safe-on {SafeOn} and --corrupts-on {CorruptsOn} are the same; nothing is both. Name two architectures.");
        }
        if (SafeWithOneThread && SafeOn is not null)
        {
            throw new UserErrorException(
                $"--safe-with-one-thread and --safe-on {SafeOn} ask different questions; use one, with --corrupts-on for the "
                    + "architecture.");
        }
        if (SafeWithOneThread && Bounds.Cpus == 1)
        {
            throw new UserErrorException(
                "--safe-with-one-thread compares one CPU with more, and --cpus 1 leaves nothing to compare with; choose 2 or 3.");
        }
        if (Architectures.Count < Architecture.All.Count && (SafeOn ?? CorruptsOn) is not null)
            throw new UserErrorException("--arch goes with the matrix; --safe-on and --corrupts-on name the architectures of a list.");
    }

    public Exploration Explore(WorkProgress progress, CancellationToken cancellation)
    {
        IReadOnlyList<Architecture> architectures = (SafeOn ?? CorruptsOn) is null
            ? Architectures
            : [.. ((Architecture?[])[SafeOn, CorruptsOn]).OfType<Architecture>()];
        int cells = Protocols.Count * architectures.Count * Environments.Count;
        progress.Begin($"Exploring {Figures.Count(cells, "combination", "combinations")}", SafeWithOneThread ? 2 * cells : cells);
        long begin = Stopwatch.GetTimestamp();
        IReadOnlyList<CheckResult> all = Run(Bounds);
        IReadOnlyList<CheckResult> alone = SafeWithOneThread ? Run(Bounds with { Cpus = 1 }) : [];
        CheckResult[] chosen = [.. all.Where((result, index) => IsChosen(result, all, alone.Count > 0 ? alone[index] : null))];
        return new Exploration([.. all, .. alone], chosen, Stopwatch.GetElapsedTime(begin));

        IReadOnlyList<CheckResult> Run(Bounds bounds) =>
            VerdictMatrix.Run(Protocols, architectures, Environments, bounds, MaxStates, _ => progress.Add(1), cancellation);
    }

    private bool IsChosen(CheckResult result, IReadOnlyList<CheckResult> all, CheckResult? alone)
    {
        if (!IsList)
            return true;
        if (alone is not null && !(alone is { Verdict: Verdict.Safe, IsComplete: true } && result.Verdict >= Verdict.Faults))
            return false;
        CheckResult[] same = [.. all.Where(other => IsSame(other, result))];
        bool safe = SafeOn is null
            || same.Any(other => other.Architecture == SafeOn && other is { Verdict: Verdict.Safe, IsComplete: true });
        bool corrupt = CorruptsOn is null
            || same.Any(other => other.Architecture == CorruptsOn && other.Verdict == Verdict.Corrupts);
        return safe && corrupt;
    }

    private static bool IsSame(CheckResult one, CheckResult other) =>
        one.Protocol == other.Protocol && one.Environment == other.Environment;
}

/// <summary>The results of an exploration.</summary>
/// <param name="All">All results.</param>
/// <param name="Chosen">The results to show.</param>
/// <param name="Time">The duration.</param>
internal sealed record Exploration(IReadOnlyList<CheckResult> All, IReadOnlyList<CheckResult> Chosen, TimeSpan Time);
