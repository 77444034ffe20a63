using static PageFold.TlbLab.MachineLayout;

namespace PageFold.TlbLab;

/// <summary>A machine whose processors run a mapping protocol: the possible transitions of a state, and their effect.</summary>
/// <remarks>
/// TLBs fill and evict at any time, so only what a TLB may hold is known, not what it holds. Entries are independent of each other, and
/// only accesses read them. So the states that differ only in the contents of TLBs are all combinations of what each TLB slot may hold, and
/// one state with a set for each slot represents all of them exactly. An access chooses from the set, or misses and walks. Fills and
/// evictions are therefore no transitions, and a speculative fill is in the set from the first moment at which it is possible.
/// </remarks>
internal sealed partial class Machine
{
    private readonly Architecture _architecture;
    private readonly ProtocolStep[] _steps;
    private readonly bool _speculative;
    private readonly bool _switches;
    private readonly bool _unguarded;
    private readonly bool _lazy;

    public Machine(Protocol protocol, Architecture architecture, LabEnvironment environment, Bounds bounds)
    {
        Bounds = bounds;
        _architecture = architecture;
        _steps = [.. protocol.Steps];
        _speculative = environment.HasFlag(LabEnvironment.Speculative);
        _unguarded = environment.HasFlag(LabEnvironment.Unguarded);
        _switches = _unguarded || environment.HasFlag(LabEnvironment.Preemptible);
        _lazy = environment.HasFlag(LabEnvironment.LazyMmu);
        Interrupts = environment.HasFlag(LabEnvironment.Reentrant) ? bounds.Interrupts : 0;
        Layout = new MachineLayout(bounds.Cpus, protocol.TakesWindows ? Bounds.StockWindows : bounds.Cpus);
    }

    public Bounds Bounds { get; }

    public MachineLayout Layout { get; }

    private int Interrupts { get; }

    /// <summary>The initial state: each task on its processor, about to map; no entry is set or cached.</summary>
    public MachineState Initial()
    {
        MachineState initial = default;
        Span<byte> state = initial;
        state[Taken] = (byte)(Interrupts << 4);
        for (int task = 0; task < Layout.Cpus; task++)
        {
            Span<byte> context = ContextOf(state, task);
            context[CyclesLeft] = (byte)Bounds.Cycles;
            context[Cpu] = (byte)(task + 1);
            context[Lazy] = OuterBatch;
        }
        for (int slot = 0; slot < Layout.Slots; slot++)
            Speculate(state, slot);
        return initial;
    }

    /// <summary>Lists all possible transitions; none when every task has finished.</summary>
    public void Enumerate(ReadOnlySpan<byte> state, List<Transition> next)
    {
        next.Clear();
        for (int context = 0; context <= Layout.Interrupt; context++)
        {
            if (Runs(state, context))
                EnumerateSteps(state, (byte)context, next);
        }
        if (_switches)
            EnumerateSwitches(state, next);
        if (state[Taken] >> 4 > 0 && ContextOf(state, Layout.Interrupt)[Cpu] == 0)
        {
            for (int cpu = 0; cpu < Layout.Cpus; cpu++)
            {
                if (TaskOn(state, cpu) >= 0)
                    next.Add(new Transition(TransitionKind.Interrupt, (byte)Layout.Interrupt, (byte)cpu, 0));
            }
        }
    }

    /// <summary>Applies a transition to a state.</summary>
    public Outcome Apply(Span<byte> state, Transition transition)
    {
        switch (transition.Kind)
        {
            case TransitionKind.Switch:
                Switch(state, transition.Context, transition.Argument);
                return default;
            case TransitionKind.Interrupt:
                BeginInterrupt(state, transition.Argument);
                return default;
            default:
                return TakeStep(state, transition);
        }
    }

    /// <summary>Renames the objects, so that states that differ only in the names of objects become equal.</summary>
    public uint Normalise(Span<byte> state) => ObjectNames.Normalise(Layout, state, _architecture.TagsLowAddresses);

    public Span<byte> ContextOf(Span<byte> state, int number) => state.Slice(Layout.Context(number), ContextSize);

    public ReadOnlySpan<byte> ContextOf(ReadOnlySpan<byte> state, int number) => state.Slice(Layout.Context(number), ContextSize);

    /// <summary>The next step of a context.</summary>
    public ProtocolStep NextStep(ReadOnlySpan<byte> state, int context) => _steps[ContextOf(state, context)[Step]];

    /// <summary>The task that a processor runs, or that the interrupt has stopped there; -1 if there is none.</summary>
    public int TaskOn(ReadOnlySpan<byte> state, int cpu)
    {
        for (int task = 0; task < Layout.Cpus; task++)
        {
            if (ContextOf(state, task)[Cpu] == cpu + 1)
                return task;
        }
        return -1;
    }

    private byte OuterBatch => _lazy ? (byte)1 : (byte)0;

    private bool Runs(ReadOnlySpan<byte> state, int context)
    {
        int cpu = ContextOf(state, context)[Cpu];
        return cpu != 0 && (context == Layout.Interrupt || ContextOf(state, Layout.Interrupt)[Cpu] != cpu);
    }

    private void EnumerateSteps(ReadOnlySpan<byte> state, byte number, List<Transition> next)
    {
        ReadOnlySpan<byte> context = ContextOf(state, number);
        // A cycle starts: with any object that the state mentions, or one other object, because all others are alike.
        bool begins = context[Step] == 0;
        int objects = begins ? Math.Min(state[Live] + 1, Bounds.Objects) : 1;
        for (int item = 0; item < objects; item++)
        {
            byte argument = (byte)(begins ? item : 0);
            ProtocolStep step = _steps[context[Step]];
            switch (step.Operation)
            {
                case Operation.TakeWindow:
                    EnumerateWindows(state, number, argument, next);
                    break;
                case Operation.Access when context[Window] != 0:
                    EnumerateTranslations(state, context, number, argument, step.Page, next);
                    break;
                default:
                    next.Add(new Transition(TransitionKind.Step, number, argument, 0));
                    break;
            }
        }
    }

    private void EnumerateWindows(ReadOnlySpan<byte> state, byte number, byte argument, List<Transition> next)
    {
        bool any = false;
        for (int window = 0; window < Layout.Windows; window++)
        {
            if ((state[Taken] >> window & 1) != 0)
                continue;
            any = true;
            next.Add(new Transition(TransitionKind.Step, number, argument, (byte)window));
        }
        if (!any)
            next.Add(new Transition(TransitionKind.Step, number, argument, Transition.NoWindow));
    }

    private Outcome TakeStep(Span<byte> state, Transition transition)
    {
        Span<byte> context = ContextOf(state, transition.Context);
        if (context[Step] == 0)
            context[Mapped] = (byte)(transition.Argument + 1);
        Outcome outcome = Do(state, context, _steps[context[Step]], transition.Choice);
        if (outcome.EndsRun)
            return outcome;
        context[Step]++;
        bool copied = transition.Choice == Transition.NoWindow;
        if (!copied && context[Step] < _steps.Length)
            return outcome;
        if (context[Unseen] >> UnsavedShift != 0)
            return new Outcome(Verdict.Corrupts);
        bool balanced = IsBalanced(state, context, transition.Context);
        EndCycle(state, context);
        return balanced || outcome.Verdict != Verdict.Safe ? outcome : Outcome.Broken(TranslationRule.BalancedGuards);
    }

    /// <summary>True if preemption, batch and window are as they were before the cycle.</summary>
    /// <remarks>What the cycle did not undo stays, except the batch, which ends with the outer one.</remarks>
    private bool IsBalanced(ReadOnlySpan<byte> state, ReadOnlySpan<byte> context, int number)
    {
        byte outer = number == Layout.Interrupt ? ContextOf(state, TaskOn(state, context[Cpu] - 1))[Lazy] : OuterBatch;
        return context[Guard] == 0 && context[Lazy] == outer && (context[Window] & Held) == 0;
    }

    private void EndCycle(Span<byte> state, Span<byte> context)
    {
        int cpu = context[Cpu] - 1;
        context[Step] = context[Mapped] = context[Window] = context[Unseen] = 0;
        if (--context[CyclesLeft] > 0)
        {
            context[Lazy] = OuterBatch;
            return;
        }
        bool isTask = ContextOf(state, Layout.Interrupt)[Cpu] != cpu + 1;
        context.Clear();
        if (isTask)
            Drain(state, cpu);
    }

    private Outcome Do(Span<byte> state, Span<byte> context, ProtocolStep step, byte choice)
    {
        int window = WindowOf(context);
        int slot = Slot(window, step.Page);
        switch (step.Operation)
        {
            case Operation.PreemptDisable:
                Take(ref context[Guard]);
                return default;
            case Operation.PreemptEnable:
                return Undo(ref context[Guard]);
            case Operation.EnterLazyMmu:
                Take(ref context[Lazy]);
                return default;
            case Operation.LeaveLazyMmu:
                Drain(state, context[Cpu] - 1);
                return Undo(ref context[Lazy]);
            case Operation.WindowOfProcessor:
                context[Window] = context[Cpu];
                return default;
            case Operation.TakeWindow:
                // A context that holds a window already loses it for good.
                bool another = (context[Window] & Held) != 0;
                if (choice != Transition.NoWindow)
                {
                    state[Taken] |= (byte)(1 << choice);
                    context[Window] = (byte)(choice + 1 | Held);
                }
                return Outcome.Broken(another ? TranslationRule.BalancedGuards : TranslationRule.None);
            case var _ when window < 0:
                // Without a window the address is undefined.
                return new Outcome(Verdict.Faults);
            case Operation.ReturnWindow:
                if ((context[Window] & Held) == 0)
                    return Outcome.Broken(TranslationRule.BalancedGuards);
                state[Taken] &= (byte)~(1 << window);
                context[Window] &= Held ^ byte.MaxValue;
                return default;
            case Operation.Set or Operation.SetAtAddressZero or Operation.RawSet:
                return Set(state, context, slot, step);
            case Operation.GetAndClear:
                return Clear(state, context, slot, raw: false);
            case Operation.RawClear:
                return Clear(state, context, slot, raw: true);
            case Operation.FlushLocal:
                Flush(state, context, slot, context[Cpu] - 1, context[Cpu]);
                return default;
            case Operation.FlushRange:
                Flush(state, context, Slot(window, 0), 0, Layout.Cpus);
                Flush(state, context, Slot(window, 1), 0, Layout.Cpus);
                return default;
            case Operation.Preload:
                return Preload(state, slot);
            case Operation.Access:
                return Access(state, context, slot, step.Page, choice);
            case Operation.CopyIn:
                state[Entry(slot)] = context[Mapped];
                return default;
            case Operation.AccessCopy or Operation.CopyOut:
                // What is written to the buffer reaches the object only when it is copied back.
                byte unsaved = (byte)(1 << (step.Page + UnsavedShift));
                context[Unseen] = (byte)(step.Operation == Operation.CopyOut ? context[Unseen] & ~unsaved : context[Unseen] | unsaved);
                return new Outcome(ObjectOf(state[Entry(slot)]) == ObjectOf(context[Mapped]) ? Verdict.Safe : Verdict.Corrupts);
            default:
                throw new InvalidOperationException($"There is no {step.Operation}.");
        }
    }

    private static void Take(ref byte guard) => guard = (byte)Math.Min(guard + 1, byte.MaxValue);

    private static Outcome Undo(ref byte guard)
    {
        if (guard == 0)
            return Outcome.Broken(TranslationRule.BalancedGuards);
        guard--;
        return default;
    }
}
