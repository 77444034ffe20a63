using static PageFold.TlbLab.MachineLayout;

namespace PageFold.TlbLab;

/// <summary>Formats the content of a state for a timeline.</summary>
internal sealed class StateText(Machine machine, Architecture architecture)
{
    private const string Nothing = "-";
    private const string Invalid = "inv";

    private MachineLayout Layout => machine.Layout;

    public static string ObjectName(int item) => ((char)('A' + item)).ToString();

    /// <summary>The name of the frame of an object that a page maps.</summary>
    public static string Frame(int item, int page) => $"{ObjectName(item)}{page}";

    public string Actor(int context, TransitionKind kind) => kind == TransitionKind.Switch ? "scheduler"
        : context == Layout.Interrupt ? "interrupt"
        : $"task {context}";

    public TimelineEntry Entry(TimelineKind kind, int cpu, string actor, string text, ReadOnlySpan<byte> state)
    {
        bool hashed = architecture.HasHashTable;
        return new TimelineEntry(
            kind, cpu, actor, text,
            PageTable(state),
            hashed ? [] : PerCpu(state, Layout.Tlb),
            hashed ? PerWindow(state, Layout.Hash) : [],
            hashed ? PerCpu(state, Layout.Queue) : []);
    }

    /// <summary>Describes a transition, given the state before it.</summary>
    public string Line(ReadOnlySpan<byte> state, Transition transition, ProtocolStep step)
    {
        switch (transition.Kind)
        {
            case TransitionKind.Switch:
                return Switched(state, transition);
            case TransitionKind.Interrupt:
                return "an interrupt arrives";
        }
        ReadOnlySpan<byte> context = machine.ContextOf(state, transition.Context);
        int wanted = context[Step] == 0 ? transition.Argument : context[Mapped] - 1;
        string who = ObjectName(wanted);
        bool copied = step.Operation == Operation.TakeWindow && transition.Choice == Transition.NoWindow;
        string what = copied ? "no window is free: copied" : step.ToString();
        if (step.Operation == Operation.TakeWindow && transition.Choice != Transition.NoWindow)
            what = $"take window {transition.Choice}";
        return step.Operation == Operation.Access && context[Window] > 0
            ? $"{who}: {what} {Translation(state, context, step.Page, transition.Choice)}"
            : $"{who}: {what}";
    }

    /// <summary>Describes a switch; a task that has disabled preemption can only have gone to sleep.</summary>
    private string Switched(ReadOnlySpan<byte> state, Transition transition)
    {
        int stopped = machine.TaskOn(state, transition.Argument);
        int from = machine.ContextOf(state, transition.Context)[Cpu] - 1;
        bool slept = machine.ContextOf(state, transition.Context)[Guard] > 0;
        string stops = stopped < 0 ? string.Empty
            : machine.ContextOf(state, stopped)[Guard] > 0 ? $"task {stopped} sleeps, "
            : $"task {stopped} is stopped, ";
        string comes = from < 0 ? "goes on here" : slept ? $"has slept on CPU {from} and goes on here" : $"comes from CPU {from}";
        return $"{stops}task {transition.Context} {comes}";
    }

    private string Translation(ReadOnlySpan<byte> state, ReadOnlySpan<byte> context, int page, byte choice)
    {
        int item = Machine.ObjectOf(state[MachineLayout.Entry(Slot(WindowOf(context), page))]);
        return choice switch
        {
            Transition.RememberedInvalid => "hits inv: faults",
            Transition.Walk when item < 0 => "faults",
            Transition.Walk when architecture.HasHashTable => $"fault inserts {Frame(item, page)}",
            Transition.Walk => $"walks: {Frame(item, page)}",
            _ => $"hits {Frame(choice, page)}",
        };
    }

    private string[] PageTable(ReadOnlySpan<byte> state)
    {
        string[] windows = new string[Layout.Windows];
        for (int window = 0; window < windows.Length; window++)
            windows[window] = $"{EntryText(state, window, 0)} {EntryText(state, window, 1)}";
        return windows;
    }

    private static string EntryText(ReadOnlySpan<byte> state, int window, int page)
    {
        byte entry = state[MachineLayout.Entry(Slot(window, page))];
        int item = Machine.ObjectOf(entry);
        string hash = (entry & Machine.InHashTable) != 0 ? "#" : string.Empty;
        string tag = (entry & Machine.Tagged) != 0 ? "~" : string.Empty;
        return item < 0 ? Nothing : $"{Frame(item, page)}{hash}{tag}";
    }

    private string[][] PerCpu(ReadOnlySpan<byte> state, Func<int, int, int> field)
    {
        string[][] cpus = new string[Layout.Cpus][];
        for (int cpu = 0; cpu < cpus.Length; cpu++)
        {
            int of = cpu;
            cpus[cpu] = PerWindow(state, slot => field(of, slot));
        }
        return cpus;
    }

    private string[] PerWindow(ReadOnlySpan<byte> state, Func<int, int> field)
    {
        string[] windows = new string[Layout.Windows];
        for (int window = 0; window < windows.Length; window++)
            windows[window] = $"{Set(state[field(Slot(window, 0))], 0)} {Set(state[field(Slot(window, 1))], 1)}";
        return windows;
    }

    private string Set(byte set, int page)
    {
        if (architecture.RemembersInvalid && (set & Machine.InvalidEntry) != 0)
            return Invalid;
        List<string> names = [];
        for (int item = 0; item < MaxObjects; item++)
        {
            if (!machine.MayHold(set, item))
                continue;
            bool tagged = architecture.TagsLowAddresses && (set >> (item + MaxObjects) & 1) != 0;
            names.Add(Frame(item, page) + (tagged ? "~" : string.Empty));
        }
        return names.Count == 0 ? Nothing : string.Join('+', names);
    }
}
