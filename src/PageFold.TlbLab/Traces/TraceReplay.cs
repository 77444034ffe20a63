using static PageFold.TlbLab.MachineLayout;

namespace PageFold.TlbLab;

/// <summary>Runs a trace again and records what happens.</summary>
/// <remarks>
/// The exploration renames objects in each state and knows only what TLBs may hold. In the replay objects keep their names, and TLBs hold
/// what accesses have loaded. Speculative fills are added only where the trace needs them.
/// </remarks>
internal sealed class TraceReplay
{
    private readonly CheckResult _result;
    private readonly Machine _machine;
    private readonly List<(Transition Named, ProtocolStep Step)> _steps = [];
    private readonly List<Fill> _fills = [];

    // The states before each step, with what TLBs may hold.
    private readonly List<MachineState> _known = [];

    public TraceReplay(CheckResult result)
    {
        _result = result;
        // Without speculation: fills are added where the trace needs them.
        _machine = new Machine(result.Protocol, result.Architecture, result.Environment & ~LabEnvironment.Speculative, result.Bounds);
        NameObjects();
        while (AddMissingFill())
        {
        }
    }

    public string Sentence { get; private set; } = string.Empty;

    public int Windows => _machine.Layout.Windows;

    private MachineLayout Layout => _machine.Layout;

    /// <summary>Makes the lines of the timeline.</summary>
    public List<TimelineEntry> Run()
    {
        StateText text = new(_machine, _result.Architecture);
        List<TimelineEntry> entries = [];
        MachineState current = _machine.Initial();
        Span<byte> state = current;
        AddFills(-1, state, text, entries);
        for (int index = 0; index < _steps.Count; index++)
        {
            (Transition transition, ProtocolStep step) = _steps[index];
            MachineState before = current;
            transition = AsReplayed(before, transition, step);
            int cpu = CpuOf(before, transition);
            Outcome outcome = _machine.Apply(state, transition);
            // The last step breaks the rule that the exploration found.
            bool last = index == _steps.Count - 1;
            TimelineKind kind = last ? TimelineKind.Wrong : transition.Kind switch
            {
                TransitionKind.Switch => TimelineKind.Switch,
                TransitionKind.Interrupt => TimelineKind.Interrupt,
                _ => TimelineKind.Step,
            };
            string broken = !last && outcome.Verdict == Verdict.BreaksRule ? $", breaks {outcome.Rule.Name()}" : string.Empty;
            string what = text.Line(before, transition, step) + broken;
            entries.Add(text.Entry(kind, cpu, text.Actor(transition.Context, transition.Kind), what, state));
            if (last)
                Sentence = new Diagnosis(_machine, _result, text).Explain(before, transition, step, outcome, cpu);
            AddFills(index, state, text, entries);
        }
        return entries;
    }

    /// <summary>Follows the renaming of the exploration and undoes it.</summary>
    private void NameObjects()
    {
        Machine machine = new(_result.Protocol, _result.Architecture, _result.Environment, _result.Bounds);
        MachineState state = machine.Initial();
        machine.Normalise(state);
        MachineState known = machine.Initial();
        int[] names = [.. Enumerable.Range(0, MaxObjects)];
        foreach (Transition by in _result.Trace)
        {
            ProtocolStep step = default;
            Transition named = by;
            if (by.Kind == TransitionKind.Step)
            {
                step = machine.NextStep(state, by.Context);
                if (machine.ContextOf(state, by.Context)[Step] == 0)
                    named = named with { Argument = (byte)names[by.Argument] };
                if (step.Operation == Operation.Access && by.Choice < MaxObjects)
                    named = named with { Choice = (byte)names[by.Choice] };
            }
            _steps.Add((named, step));
            _known.Add(known);
            machine.Apply(known, named);
            machine.Apply(state, by);
            uint renamed = machine.Normalise(state);
            int[] next = new int[MaxObjects];
            for (int item = 0; item < MaxObjects; item++)
                next[ObjectNames.NameOf(renamed, item)] = names[item];
            names = next;
        }
    }

    /// <summary>Adds a speculative fill, as late as possible, for the first step that needs an entry that no access has loaded.</summary>
    /// <returns>False if no step needs one.</returns>
    private bool AddMissingFill()
    {
        if (_result.Architecture.HasHashTable)
            return false;
        MachineState current = _machine.Initial();
        Span<byte> state = current;
        Read(-1, state);
        List<MachineState> after = [current];
        for (int index = 0; index < _steps.Count; index++)
        {
            (Transition transition, ProtocolStep step) = _steps[index];
            Transition replayed = AsReplayed(state, transition, step);
            if (Missing(state, replayed, step, index) is { } missing)
            {
                int latest = after.FindLastIndex(earlier => _machine.Remembered(earlier[Entry(missing.Slot)]) == missing.Entry);
                Fill fill = missing with { After = latest - 1 };
                if (latest < 0 || _fills.Contains(fill))
                {
                    throw new InvalidOperationException(
                        $"The trace of {_result.Protocol} on {_result.Architecture} needs an entry that no TLB can hold.");
                }
                _fills.Add(fill);
                return true;
            }
            _machine.Apply(state, replayed);
            Read(index, state);
            after.Add(current);
        }
        return false;
    }

    private Transition AsReplayed(ReadOnlySpan<byte> state, Transition transition, ProtocolStep step) =>
        IsPlainMiss(state, transition, step) ? transition with { Choice = Transition.Walk } : transition;

    /// <summary>True for a hit on an entry that the TLB may have read speculatively but can as well read now.</summary>
    private bool IsPlainMiss(ReadOnlySpan<byte> state, Transition transition, ProtocolStep step)
    {
        bool isAccess = transition.Kind == TransitionKind.Step && step.Operation == Operation.Access;
        if (_result.Architecture.HasHashTable || !isAccess || transition.Choice >= MaxObjects)
            return false;
        ReadOnlySpan<byte> context = _machine.ContextOf(state, transition.Context);
        if (context[Window] == 0)
            return false;
        int slot = Slot(WindowOf(context), step.Page);
        return !_machine.MayHold(state[Layout.Tlb(context[Cpu] - 1, slot)], transition.Choice)
            && Machine.ObjectOf(state[Entry(slot)]) == transition.Choice;
    }

    private Fill? Missing(ReadOnlySpan<byte> state, Transition transition, ProtocolStep step, int index)
    {
        if (transition.Kind != TransitionKind.Step)
            return null;
        ReadOnlySpan<byte> context = _machine.ContextOf(state, transition.Context);
        if (context[Window] == 0)
            return null;
        int cpu = context[Cpu] - 1;
        int slot = Slot(WindowOf(context), step.Page);
        if (step.Operation == Operation.Access && transition.Choice != Transition.Walk)
        {
            bool invalid = transition.Choice == Transition.RememberedInvalid;
            byte held = state[Layout.Tlb(cpu, slot)];
            if (invalid ? held != Machine.InvalidEntry : !_machine.MayHold(held, transition.Choice))
                return new Fill(0, cpu, slot, invalid ? Machine.InvalidEntry : Form(cpu, slot, transition.Choice, index));
        }
        bool breaksMake = index == _steps.Count - 1 && _result is { Verdict: Verdict.BreaksRule, Rule: TranslationRule.BreakBeforeMake };
        if (breaksMake && Machine.ObjectOf(state[Entry(slot)]) < 0 && !AnyHoldsAnother(state, slot, context[Mapped] - 1))
            return Another(slot, context[Mapped] - 1, index);
        return null;
    }

    private bool AnyHoldsAnother(ReadOnlySpan<byte> state, int slot, int item)
    {
        for (int cpu = 0; cpu < Layout.Cpus; cpu++)
        {
            byte held = state[Layout.Tlb(cpu, slot)];
            if (held != 0 && !_machine.MayHold(held, item))
                return true;
        }
        return false;
    }

    /// <summary>An entry of another translation that some TLB may hold before the last step.</summary>
    private Fill? Another(int slot, int item, int index)
    {
        for (int cpu = 0; cpu < Layout.Cpus; cpu++)
        {
            for (int other = 0; other < MaxObjects; other++)
            {
                if (other != item && Form(cpu, slot, other, index) is { } form and not 0)
                    return new Fill(0, cpu, slot, form);
            }
        }
        return null;
    }

    /// <summary>The entry of an object in the form in which a TLB may hold it before a step; 0 if it cannot.</summary>
    private byte Form(int cpu, int slot, int item, int index)
    {
        byte held = _known[index][Layout.Tlb(cpu, slot)];
        byte global = (byte)(1 << item);
        byte tagged = (byte)(global << MaxObjects);
        return (held & global) != 0 ? global : _machine.MayHold(held, item) ? tagged : (byte)0;
    }

    private void Read(int after, Span<byte> state)
    {
        foreach (Fill fill in _fills.Where(fill => fill.After == after))
            state[Layout.Tlb(fill.Cpu, fill.Slot)] = fill.Entry;
    }

    private void AddFills(int after, Span<byte> state, StateText text, List<TimelineEntry> entries)
    {
        foreach (Fill fill in _fills.Where(fill => fill.After == after))
        {
            state[Layout.Tlb(fill.Cpu, fill.Slot)] = fill.Entry;
            entries.Add(text.Entry(TimelineKind.Fill, fill.Cpu, "TLB", $"TLB reads p{fill.Slot % Pages} unasked", state));
        }
    }

    private int CpuOf(ReadOnlySpan<byte> state, Transition transition) => transition.Kind == TransitionKind.Step
        ? _machine.ContextOf(state, transition.Context)[Cpu] - 1
        : transition.Argument;

    /// <summary>An entry that a TLB reads speculatively after a step.</summary>
    private readonly record struct Fill(int After, int Cpu, int Slot, byte Entry);
}
