using static PageFold.TlbLab.MachineLayout;

namespace PageFold.TlbLab;

// The scheduler and interrupts: which task runs on which processor.
internal sealed partial class Machine
{
    private void EnumerateSwitches(ReadOnlySpan<byte> state, List<Transition> next)
    {
        for (int cpu = 0; cpu < Layout.Cpus; cpu++)
        {
            if (!MaySwitch(state, cpu))
                continue;
            for (int task = 0; task < Layout.Cpus; task++)
            {
                ReadOnlySpan<byte> context = ContextOf(state, task);
                int from = context[Cpu] - 1;
                if (context[CyclesLeft] > 0 && from != cpu && (from < 0 || MaySwitch(state, from)))
                    next.Add(new Transition(TransitionKind.Switch, (byte)task, (byte)cpu, 0));
            }
        }
    }

    /// <summary>True unless an interrupt runs on the processor, or a task that has disabled preemption effectively.</summary>
    private bool MaySwitch(ReadOnlySpan<byte> state, int cpu)
    {
        if (ContextOf(state, Layout.Interrupt)[Cpu] == cpu + 1)
            return false;
        int task = TaskOn(state, cpu);
        return task < 0 || _unguarded || ContextOf(state, task)[Guard] == 0;
    }

    /// <summary>Switches a processor to another task; the stopped task waits until a processor runs it again.</summary>
    /// <remarks>A switch completes the batch of the processor and is a barrier.</remarks>
    private void Switch(Span<byte> state, int task, int cpu)
    {
        int stopped = TaskOn(state, cpu);
        if (stopped >= 0)
        {
            Span<byte> other = ContextOf(state, stopped);
            other[Cpu] = 0;
            Synchronise(other);
        }
        Span<byte> context = ContextOf(state, task);
        if (context[Cpu] != 0)
            Drain(state, context[Cpu] - 1);
        Drain(state, cpu);
        context[Cpu] = (byte)(cpu + 1);
        Synchronise(context);
    }

    /// <summary>Starts an interrupt, inside the batch, if there is one, of the task that it stops.</summary>
    private void BeginInterrupt(Span<byte> state, int cpu)
    {
        state[Taken] -= 0x10;
        Span<byte> interrupt = ContextOf(state, Layout.Interrupt);
        interrupt[CyclesLeft] = 1;
        interrupt[Cpu] = (byte)(cpu + 1);
        interrupt[Lazy] = ContextOf(state, TaskOn(state, cpu))[Lazy];
    }

    /// <summary>Executes a barrier: all entries that were set become visible.</summary>
    private static void Synchronise(Span<byte> context) => context[Unseen] &= Unsaved;
}
