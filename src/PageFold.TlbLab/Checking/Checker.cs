namespace PageFold.TlbLab;

/// <summary>Explores every interleaving of a protocol's steps with the actions of the machine.</summary>
/// <remarks>
/// Explores breadth first, so the first trace to an outcome is a shortest one. A checker can explore repeatedly. Not thread-safe: each
/// thread needs its own.
/// </remarks>
public sealed class Checker
{
    /// <summary>The default maximum number of states: about 1.2 GiB.</summary>
    public const int DefaultMaxStates = 12_000_000;

    private readonly StateSet _states = new();
    private readonly List<Transition> _next = [];

    /// <summary>Explores a protocol on an architecture in an environment.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="architecture">The architecture of the machine.</param>
    /// <param name="environment">The environment in which the protocol runs.</param>
    /// <param name="bounds">The bounds; <see cref="Bounds.Default"/> if null.</param>
    /// <param name="maxStates">The number of states after which the exploration ends, if memory suffices.</param>
    /// <param name="cancellation">Ends the exploration early.</param>
    /// <exception cref="OperationCanceledException">The exploration was cancelled.</exception>
    public CheckResult Check(
        Protocol protocol,
        Architecture architecture,
        LabEnvironment environment,
        Bounds? bounds = null,
        int maxStates = DefaultMaxStates,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxStates);
        bounds ??= Bounds.Default;
        Machine machine = new(protocol, architecture, environment, bounds);
        _states.Clear();
        MachineState initial = machine.Initial();
        machine.Normalise(initial);
        _states.TryAdd(initial, new Arrival(-1, default));

        Finding worst = default;
        int depth = 0;
        int levelEnd = 1;
        bool complete = true;
        for (int index = 0; index < _states.Count && worst.Outcome.Verdict < Verdict.Corrupts; index++)
        {
            if (index == levelEnd)
            {
                depth++;
                levelEnd = _states.Count;
                cancellation.ThrowIfCancellationRequested();
            }
            complete = _states.Count <= maxStates && TryExpand(machine, index, ref worst);
            if (!complete)
                break;
        }
        return new CheckResult(protocol, architecture, environment, bounds)
        {
            Verdict = worst.Outcome.Verdict,
            Rule = worst.Outcome.Rule,
            StatesExplored = _states.Count,
            Depth = depth,
            IsComplete = complete,
            IsOutOfMemory = !complete && _states.Count <= maxStates,
            Trace = worst.Outcome.Verdict == Verdict.Safe ? [] : TraceTo(worst),
        };
    }

    private bool TryExpand(Machine machine, int index, ref Finding worst)
    {
        try
        {
            Expand(machine, index, ref worst);
            return true;
        }
        catch (OutOfMemoryException)
        {
            // Running out of memory ends an exploration like the bound on states.
            return false;
        }
    }

    /// <summary>Applies every transition that is possible in a state.</summary>
    private void Expand(Machine machine, int index, ref Finding worst)
    {
        MachineState from = _states[index];
        machine.Enumerate(from, _next);
        foreach (Transition transition in _next)
        {
            MachineState state = from;
            Outcome outcome = machine.Apply(state, transition);
            if (outcome.Verdict > worst.Outcome.Verdict)
                worst = new Finding(outcome, index, transition);
            if (outcome.Verdict == Verdict.Corrupts)
                return;
            if (outcome.EndsRun)
                continue;
            machine.Normalise(state);
            _states.TryAdd(state, new Arrival(index, transition));
        }
    }

    private List<Transition> TraceTo(Finding finding)
    {
        List<Transition> trace = [finding.By];
        for (Arrival arrival = _states.ArrivalAt(finding.From); arrival.From >= 0; arrival = _states.ArrivalAt(arrival.From))
            trace.Add(arrival.By);
        trace.Reverse();
        return trace;
    }

    /// <summary>An outcome, the state before it, and the transition that led to it.</summary>
    private readonly record struct Finding(Outcome Outcome, int From, Transition By);
}
