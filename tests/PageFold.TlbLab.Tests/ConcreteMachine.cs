namespace PageFold.TlbLab.Tests;

/// <summary>Chooses between several possible events.</summary>
internal interface IOracle
{
    /// <summary>Chooses a number from 0 to <paramref name="count"/> - 1.</summary>
    public int Choose(int count);
}

/// <summary>A second implementation of the rules, independent of the machine with which it is compared.</summary>
/// <remarks>
/// Here a TLB holds one entry or none for each page, and every fill and every eviction is an event of its own.
/// </remarks>
internal sealed partial class ConcreteMachine
{
    private const int Nothing = -1;
    private const int Invalid = -2;
    private const int TaggedFrom = 100;

    private readonly Protocol _protocol;
    private readonly Architecture _architecture;
    private readonly LabEnvironment _environment;
    private readonly Bounds _bounds;
    private readonly int _windows;

    // Fields of a runner. Runners are the tasks and, last, the interrupt.
    private readonly int[] _step;
    private readonly int[] _cycles;
    private readonly int[] _object;
    private readonly int[] _window;
    private readonly int[] _cpu;
    private readonly int[] _guard;
    private readonly int[] _batch;
    private readonly bool[] _unseen;
    private readonly bool[] _unsaved;

    // By window and page, or by CPU, window and page.
    private readonly int[] _entry;
    private readonly bool[] _flag;
    private readonly int[] _tlb;
    private readonly int[] _hash;
    private readonly int[] _queue;
    private readonly bool[] _taken;
    private readonly bool[] _holds;
    private int _interrupts;

    // All of these fields.
    private readonly int[][] _numbers;
    private readonly bool[][] _bits;

    private readonly List<(Event What, int Who, int Where)> _events = [];

    public ConcreteMachine(Protocol protocol, Architecture architecture, LabEnvironment environment, Bounds bounds)
    {
        _protocol = protocol;
        _architecture = architecture;
        _environment = environment;
        _bounds = bounds;
        _windows = protocol.TakesWindows ? 2 : bounds.Cpus;
        int runners = bounds.Cpus + 1;
        int slots = _windows * 2;
        _step = new int[runners];
        _cycles = new int[runners];
        _object = new int[runners];
        _window = new int[runners];
        _cpu = new int[runners];
        _guard = new int[runners];
        _batch = new int[runners];
        _unseen = new bool[runners * 2];
        _unsaved = new bool[runners * 2];
        _entry = new int[slots];
        _flag = new bool[slots];
        _tlb = new int[bounds.Cpus * slots];
        _hash = new int[slots];
        _queue = new int[bounds.Cpus * slots];
        _taken = new bool[_windows];
        _holds = new bool[runners];
        _numbers = [_step, _cycles, _object, _window, _cpu, _guard, _batch, _entry, _tlb, _hash, _queue];
        _bits = [_unseen, _unsaved, _flag, _taken, _holds];
        StateLength = _numbers.Sum(numbers => numbers.Length) + _bits.Sum(bits => bits.Length) + 1;
        Reset();
    }

    private enum Event
    {
        Step,
        Switch,
        Interrupt,
        Fill,
        Evict,
    }

    /// <summary>The number of characters of a saved state.</summary>
    public int StateLength { get; }

    private int Cpus => _bounds.Cpus;

    private int Slots => _windows * 2;

    private bool Has(LabEnvironment environment) => _environment.HasFlag(environment);

    public void Reset()
    {
        for (int runner = 0; runner <= Cpus; runner++)
        {
            bool task = runner < Cpus;
            _step[runner] = 0;
            _cycles[runner] = task ? _bounds.Cycles : 0;
            _object[runner] = _window[runner] = Nothing;
            _cpu[runner] = task ? runner : Nothing;
            _guard[runner] = 0;
            _batch[runner] = task && Has(LabEnvironment.LazyMmu) ? 1 : 0;
        }
        Array.Clear(_unseen);
        Array.Clear(_unsaved);
        Array.Fill(_entry, Nothing);
        Array.Clear(_flag);
        Array.Fill(_tlb, Nothing);
        Array.Clear(_hash);
        Array.Clear(_queue);
        Array.Clear(_taken);
        Array.Clear(_holds);
        _interrupts = Has(LabEnvironment.Reentrant) ? _bounds.Interrupts : 0;
    }

    /// <summary>Executes one event; false if none is possible.</summary>
    public bool TryAdvance(IOracle oracle, out Verdict verdict, out TranslationRule rule)
    {
        (verdict, rule) = (Verdict.Safe, TranslationRule.None);
        ListEvents();
        if (_events.Count == 0)
            return false;
        (Event what, int who, int where) = _events[oracle.Choose(_events.Count)];
        switch (what)
        {
            case Event.Step:
                (verdict, rule) = Step(who, oracle);
                break;
            case Event.Switch:
                Switch(who, where);
                break;
            case Event.Interrupt:
                _interrupts--;
                (_cycles[Cpus], _cpu[Cpus], _batch[Cpus]) = (1, where, _batch[RunnerOn(where)]);
                break;
            case Event.Fill:
                _tlb[who * Slots + where] = Seen(where);
                break;
            case Event.Evict:
                _tlb[who * Slots + where] = Nothing;
                break;
        }
        return true;
    }

    /// <summary>Writes the complete state, a character for each field, so that states are compared and kept as strings.</summary>
    public void Save(Span<char> state)
    {
        int at = 0;
        foreach (int[] numbers in _numbers)
        {
            foreach (int number in numbers)
                state[at++] = (char)(number - Invalid);
        }
        foreach (bool[] bits in _bits)
        {
            foreach (bool bit in bits)
                state[at++] = bit ? '1' : '0';
        }
        state[at] = (char)_interrupts;
    }

    public void Load(ReadOnlySpan<char> state)
    {
        int at = 0;
        foreach (int[] numbers in _numbers)
        {
            for (int i = 0; i < numbers.Length; i++)
                numbers[i] = state[at++] + Invalid;
        }
        foreach (bool[] bits in _bits)
        {
            for (int i = 0; i < bits.Length; i++)
                bits[i] = state[at++] == '1';
        }
        _interrupts = state[at];
    }

    private void ListEvents()
    {
        _events.Clear();
        for (int runner = 0; runner <= Cpus; runner++)
        {
            if (_cycles[runner] > 0 && _cpu[runner] != Nothing && (runner == Cpus || !IsInterrupted(_cpu[runner])))
                _events.Add((Event.Step, runner, 0));
        }
        if (Has(LabEnvironment.Preemptible) || Has(LabEnvironment.Unguarded))
        {
            for (int task = 0; task < Cpus; task++)
            {
                for (int cpu = 0; cpu < Cpus; cpu++)
                {
                    bool here = MayLeave(cpu);
                    bool there = _cpu[task] == Nothing || MayLeave(_cpu[task]);
                    if (_cycles[task] > 0 && _cpu[task] != cpu && here && there)
                        _events.Add((Event.Switch, task, cpu));
                }
            }
        }
        if (_interrupts > 0 && _cycles[Cpus] == 0)
        {
            for (int cpu = 0; cpu < Cpus; cpu++)
            {
                if (RunnerOn(cpu) != Nothing)
                    _events.Add((Event.Interrupt, 0, cpu));
            }
        }
        // When every runner has finished, the events of TLBs do not matter.
        if (_architecture.HasHashTable || _events.Count == 0)
            return;
        for (int cpu = 0; cpu < Cpus; cpu++)
        {
            for (int slot = 0; slot < Slots; slot++)
            {
                int held = _tlb[cpu * Slots + slot];
                if (held != Nothing)
                    _events.Add((Event.Evict, cpu, slot));
                else if (Has(LabEnvironment.Speculative) && Seen(slot) != Nothing)
                    _events.Add((Event.Fill, cpu, slot));
            }
        }
    }

    private bool IsInterrupted(int cpu) => _cycles[Cpus] > 0 && _cpu[Cpus] == cpu;

    private int RunnerOn(int cpu)
    {
        for (int task = 0; task < Cpus; task++)
        {
            if (_cycles[task] > 0 && _cpu[task] == cpu)
                return task;
        }
        return Nothing;
    }

    private bool MayLeave(int cpu)
    {
        int task = RunnerOn(cpu);
        return !IsInterrupted(cpu) && (task == Nothing || Has(LabEnvironment.Unguarded) || _guard[task] == 0);
    }

    private void Switch(int task, int cpu)
    {
        int stopped = RunnerOn(cpu);
        if (stopped != Nothing)
        {
            _cpu[stopped] = Nothing;
            _unseen.AsSpan(stopped * 2, 2).Clear();
        }
        if (_cpu[task] != Nothing)
            Drain(_cpu[task]);
        Drain(cpu);
        _cpu[task] = cpu;
        _unseen.AsSpan(task * 2, 2).Clear();
    }

    private void Drain(int cpu)
    {
        for (int slot = 0; slot < Slots; slot++)
        {
            _hash[slot] &= ~_queue[cpu * Slots + slot];
            _queue[cpu * Slots + slot] = 0;
        }
    }

    private (Verdict Verdict, TranslationRule Rule) Step(int runner, IOracle oracle)
    {
        if (_step[runner] == 0)
            _object[runner] = oracle.Choose(_bounds.Objects);
        ProtocolStep step = _protocol.Steps[_step[runner]];
        Verdict verdict = Verdict.Safe;
        TranslationRule rule = TranslationRule.None;
        bool over = false;
        if (step.Operation == Operation.TakeWindow)
        {
            rule = _holds[runner] ? TranslationRule.BalancedGuards : TranslationRule.None;
            verdict = rule == TranslationRule.None ? Verdict.Safe : Verdict.BreaksRule;
            over = !TryTake(runner, oracle);
        }
        else
            (verdict, rule) = Do(runner, step, oracle);
        if (verdict >= Verdict.Faults)
            return (verdict, rule);
        _step[runner]++;
        if (!over && _step[runner] < _protocol.Steps.Count)
            return (verdict, rule);
        if (_unsaved[runner * 2] || _unsaved[runner * 2 + 1])
            return (Verdict.Corrupts, TranslationRule.None);
        int outer = runner == Cpus ? _batch[RunnerOn(_cpu[runner])] : Has(LabEnvironment.LazyMmu) ? 1 : 0;
        bool balanced = _guard[runner] == 0 && _batch[runner] == outer && !_holds[runner];
        EndCycle(runner);
        return rule == TranslationRule.None && !balanced ? (Verdict.BreaksRule, TranslationRule.BalancedGuards) : (verdict, rule);
    }

    private bool TryTake(int runner, IOracle oracle)
    {
        int free = _taken.Count(taken => !taken);
        if (free == 0)
            return false;
        int left = oracle.Choose(free);
        for (int window = 0; window < _windows; window++)
        {
            if (_taken[window] || left-- > 0)
                continue;
            _taken[window] = true;
            _holds[runner] = true;
            _window[runner] = window;
            break;
        }
        return true;
    }

    private void EndCycle(int runner)
    {
        _step[runner] = 0;
        _object[runner] = _window[runner] = Nothing;
        _holds[runner] = false;
        _unseen.AsSpan(runner * 2, 2).Clear();
        _batch[runner] = Has(LabEnvironment.LazyMmu) ? 1 : 0;
        if (--_cycles[runner] > 0)
            return;
        if (runner < Cpus)
            Drain(_cpu[runner]);
        _cpu[runner] = Nothing;
        _guard[runner] = _batch[runner] = 0;
    }

    private (Verdict Verdict, TranslationRule Rule) Do(int runner, ProtocolStep step, IOracle oracle)
    {
        int cpu = _cpu[runner];
        int slot = _window[runner] * 2 + step.Page;
        switch (step.Operation)
        {
            case Operation.PreemptDisable:
                _guard[runner]++;
                return default;
            case Operation.PreemptEnable:
                return Broken(Undo(ref _guard[runner]));
            case Operation.EnterLazyMmu:
                _batch[runner]++;
                return default;
            case Operation.LeaveLazyMmu:
                Drain(cpu);
                return Broken(Undo(ref _batch[runner]));
            case Operation.WindowOfProcessor:
                _window[runner] = cpu;
                return default;
        }
        if (_window[runner] == Nothing)
            return (Verdict.Faults, TranslationRule.None);
        switch (step.Operation)
        {
            case Operation.ReturnWindow:
                if (!_holds[runner])
                    return Broken(TranslationRule.BalancedGuards);
                _taken[_window[runner]] = _holds[runner] = false;
                return default;
            case Operation.Set or Operation.SetAtAddressZero or Operation.RawSet:
                return Broken(Set(runner, slot, step));
            case Operation.GetAndClear or Operation.RawClear:
                return Broken(Clear(runner, slot, step.Operation == Operation.RawClear));
            case Operation.FlushLocal:
                Flush(runner, slot, only: cpu);
                return default;
            case Operation.FlushRange:
                Flush(runner, _window[runner] * 2, only: null);
                Flush(runner, _window[runner] * 2 + 1, only: null);
                return default;
            case Operation.Access:
                return Access(runner, slot, step.Page, oracle);
            case Operation.CopyIn:
                _entry[slot] = _object[runner];
                _flag[slot] = false;
                return default;
            case Operation.AccessCopy or Operation.CopyOut:
                _unsaved[runner * 2 + step.Page] = step.Operation == Operation.AccessCopy;
                return (_entry[slot] == _object[runner] ? Verdict.Safe : Verdict.Corrupts, TranslationRule.None);
            case Operation.Preload:
                return Broken(Preload(slot));
            default:
                throw new NotSupportedException(step.ToString());
        }
    }
}
