namespace PageFold.TlbLab;

/// <summary>The result of an exploration.</summary>
/// <remarks>Immutable.</remarks>
public sealed class CheckResult
{
    internal CheckResult(Protocol protocol, Architecture architecture, LabEnvironment environment, Bounds bounds)
    {
        Protocol = protocol;
        Architecture = architecture;
        Environment = environment;
        Bounds = bounds;
    }

    /// <summary>The protocol that was checked.</summary>
    public Protocol Protocol { get; }

    /// <summary>The architecture of the machine.</summary>
    public Architecture Architecture { get; }

    /// <summary>The environment in which the protocol ran.</summary>
    public LabEnvironment Environment { get; }

    /// <summary>The bounds of the exploration.</summary>
    public Bounds Bounds { get; }

    /// <summary>The worst outcome that can be reached, or the worst that was found if <see cref="IsComplete"/> is false.</summary>
    public Verdict Verdict { get; internal init; }

    /// <summary>The rule that the shortest trace breaks, if that is the verdict.</summary>
    public TranslationRule Rule { get; internal init; }

    /// <summary>The number of states explored; an exploration ends at <see cref="Verdict.Corrupts"/>, because nothing is worse.</summary>
    public int StatesExplored { get; internal init; }

    /// <summary>The length of the longest of the shortest paths to a state, in transitions.</summary>
    public int Depth { get; internal init; }

    /// <summary>False if the exploration ended before all states were explored.</summary>
    public bool IsComplete { get; internal init; }

    /// <summary>True if the exploration ended because there was no memory for more states.</summary>
    public bool IsOutOfMemory { get; internal init; }

    /// <summary>Transitions in the shortest trace to the verdict, without fills and evictions of TLBs; 0 if it is safe.</summary>
    public int TraceLength => Trace.Count;

    internal IReadOnlyList<Transition> Trace { get; init; } = [];
}
