namespace PageFold.TlbLab.Tests;

/// <summary>Explorations that several tests look at: each is made once, by the test that comes first.</summary>
/// <remarks>One that is cancelled, with its test, is made anew by the next test.</remarks>
internal static class Explorations
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, IReadOnlyList<StepNecessity>> Necessities = [];
    private static IReadOnlyList<CheckResult>? s_matrix;

    // The bounds suffice to show each step that matters.
    public static Bounds Small { get; } = new() { Cpus = 2, Objects = 3, Cycles = 2, Interrupts = 1 };

    // A step that matters here matters in larger bounds too, because these are never better; one that does not may matter there.
    private static readonly Bounds Smallest = new() { Cpus = 2, Objects = 2, Cycles = 2, Interrupts = 0 };

    /// <summary>All named protocols on all architectures in the environments of the matrix, in the default bounds.</summary>
    public static IReadOnlyList<CheckResult> Matrix
    {
        get
        {
            lock (Gate)
            {
                return s_matrix ??= VerdictMatrix.Run(
                    NamedProtocols.All, Architecture.All, LabEnvironments.Matrix, Bounds.Default,
                    cancellation: TestContext.Current.CancellationToken);
            }
        }
    }

    /// <summary>The necessity of each step of a named protocol, in small bounds.</summary>
    public static IReadOnlyList<StepNecessity> NecessityOf(Protocol protocol)
    {
        lock (Gate)
        {
            if (!Necessities.TryGetValue(protocol.Name, out IReadOnlyList<StepNecessity>? steps))
            {
                Bounds bounds = protocol == NamedProtocols.Mailed ? Small : Smallest;
                steps = StepNecessity.Of(protocol, bounds, cancellation: TestContext.Current.CancellationToken);
                Necessities.Add(protocol.Name, steps);
            }
            return steps;
        }
    }
}
