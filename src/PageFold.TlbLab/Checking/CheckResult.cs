namespace PageFold.TlbLab;

/// <summary>What an exploration has found. Immutable.</summary>
public sealed class CheckResult
{
    internal CheckResult(Protocol protocol, Architecture architecture, LabEnvironment environment, Bounds bounds)
    {
        Protocol = protocol;
        Architecture = architecture;
        Environment = environment;
        Bounds = bounds;
    }

    /// <summary>What was run.</summary>
    public Protocol Protocol { get; }

    /// <summary>On what.</summary>
    public Architecture Architecture { get; }

    /// <summary>In what surroundings.</summary>
    public LabEnvironment Environment { get; }

    /// <summary>How far.</summary>
    public Bounds Bounds { get; }

    /// <summary>The worst that can be reached; where <see cref="IsComplete"/> is false, the worst that was.</summary>
    public Verdict Verdict { get; internal init; }

    /// <summary>The rule that the shortest trace breaks, where that is the verdict.</summary>
    public TranslationRule Rule { get; internal init; }

    /// <summary>States that were met. Where the verdict is <see cref="Verdict.Corrupts"/> the exploration ended there, since nothing is worse.</summary>
    public int StatesExplored { get; internal init; }

    /// <summary>The most things that happened one after the other in what was explored.</summary>
    public int Depth { get; internal init; }

    /// <summary>False if the exploration was ended before it was through.</summary>
    public bool IsComplete { get; internal init; }

    /// <summary>True if it was ended because there was no memory for more states.</summary>
    public bool IsOutOfMemory { get; internal init; }

    /// <summary>Things that happen in the shortest trace to the verdict; 0 if it is safe. Fills and evictions of TLBs are not counted.</summary>
    public int TraceLength => Trace.Count;

    internal IReadOnlyList<Transition> Trace { get; init; } = [];
}
