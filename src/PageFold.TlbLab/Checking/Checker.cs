namespace PageFold.TlbLab;

/// <summary>
/// Explores every interleaving of a protocol's steps with the machine's own doings, breadth first, so that the first trace found to something is a shortest one. Used again for one exploration after the other; not thread-safe, one for each thread.
/// </summary>
public sealed class Checker
{
    /// <summary>States at most, unless told otherwise: about 1.2 GiB.</summary>
    public const int DefaultMaxStates = 12_000_000;

    private readonly StateSet _states = new();
    private readonly List<Transition> _next = [];

    /// <summary>Explores.</summary>
    /// <param name="protocol">What is run.</param>
    /// <param name="architecture">On what.</param>
    /// <param name="environment">In what surroundings.</param>
    /// <param name="bounds">How far; <see cref="Bounds.Default"/> if null.</param>
    /// <param name="maxStates">After how many states to give up, if memory lasts so long.</param>
    /// <param name="cancellation">Ends the exploration early.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public CheckResult Check(
        Protocol protocol, Architecture architecture, LabEnvironment environment, Bounds? bounds = null, int maxStates = DefaultMaxStates, CancellationToken cancellation = default)
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
            // As far as the memory reaches is a bound like others.
            return false;
        }
    }

    /// <summary>Has everything happen that may in a state.</summary>
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

    /// <summary>What was found, and the last that happened before.</summary>
    private readonly record struct Finding(Outcome Outcome, int From, Transition By);
}
