using static PageFold.TlbLab.MachineLayout;

namespace PageFold.TlbLab;

/// <summary>Explains in one sentence what the last step of a trace does wrong.</summary>
internal sealed class Diagnosis(Machine machine, CheckResult result, StateText text)
{
    public string Explain(ReadOnlySpan<byte> before, Transition transition, ProtocolStep step, Outcome outcome, int cpu)
    {
        ReadOnlySpan<byte> context = machine.ContextOf(before, transition.Context);
        string who = $"{Capital(text.Actor(transition.Context, transition.Kind))} on CPU {cpu}";
        if (context[Window] == 0 && outcome.Verdict == Verdict.Faults)
        {
            string kind = result.Protocol.Copies ? "buffer" : "window";
            return $"{who} does {step} without having chosen a {kind}, so it could use that of any other task.";
        }
        int wanted = WantedObject(context, transition);
        bool reached = step.Operation is Operation.Access
            || step.Operation is Operation.AccessCopy or Operation.CopyOut
                && Machine.ObjectOf(before[Entry(Slot(WindowOf(context), step.Page))]) != wanted;
        return outcome.Verdict switch
        {
            Verdict.Corrupts when !reached =>
                $"{who} ends a cycle and loses what it has written to {StateText.ObjectName(wanted)}: the buffer was not copied back.",
            Verdict.Corrupts => $"{who} wants {Wanted(context, transition, step)} and gets {Found(before, context, transition, step)}",
            Verdict.Faults => $"{who} wants {Wanted(context, transition, step)} and faults: {WhyFault(context, transition, step)}",
            _ when result.Rule == TranslationRule.BalancedGuards =>
                $"{who} breaks the rule {result.Rule.Name()} with {step}: each cycle has to undo its guards, batches and windows "
                    + "as often as it takes them.",
            _ => $"{who} breaks the rule {result.Rule.Name()} with {step}: {Broken(before, context, step, cpu)}",
        };
    }

    private static int WantedObject(ReadOnlySpan<byte> context, Transition transition) =>
        context[Step] == 0 ? transition.Argument : context[Mapped] - 1;

    private static string Wanted(ReadOnlySpan<byte> context, Transition transition, ProtocolStep step) =>
        StateText.Frame(WantedObject(context, transition), step.Page);

    private string Found(ReadOnlySpan<byte> before, ReadOnlySpan<byte> context, Transition transition, ProtocolStep step)
    {
        int slot = Slot(WindowOf(context), step.Page);
        byte entry = before[Entry(slot)];
        int item = Machine.ObjectOf(entry);
        if (step.Operation is Operation.AccessCopy or Operation.CopyOut && item < 0)
            return "nothing: it was never copied in.";
        string actual = StateText.Frame(item, step.Page);
        if (step.Operation is Operation.AccessCopy or Operation.CopyOut)
            return $"{actual}: another task or interrupt has copied into the buffer while it was in use.";
        if (transition.Choice == Transition.Walk || transition.Choice == item)
            return $"{actual}: another task or interrupt has mapped another object there while the window was in use.";
        string found = StateText.Frame(transition.Choice, step.Page);
        string remembered = $"{found}, which the TLB of CPU {context[Cpu] - 1} still remembers";
        if (!result.Architecture.HasHashTable && before[machine.Layout.Tlb(context[Cpu] - 1, slot)] > Machine.GlobalEntries)
            return $"{remembered}: set for address 0, it is tagged with an address space, and flushes of the window's address miss it.";
        if (!result.Architecture.HasHashTable)
            return $"{remembered}: it has not been flushed there since the entry was changed.";
        return Queued(before, slot, transition.Choice) is { } queue
            ? $"{found}, which is still in the hash table: its removal waits in the batch of CPU {queue}."
            : $"{found}, which is stranded in the hash table: the store over the page-table entry has lost where it is, "
                + "and nothing removes it any more.";
    }

    private int? Queued(ReadOnlySpan<byte> before, int slot, int item)
    {
        for (int cpu = 0; cpu < machine.Layout.Cpus; cpu++)
        {
            if ((before[machine.Layout.Queue(cpu, slot)] >> item & 1) != 0)
                return cpu;
        }
        return null;
    }

    private string WhyFault(ReadOnlySpan<byte> context, Transition transition, ProtocolStep step)
    {
        if (transition.Choice == Transition.RememberedInvalid)
            return "the TLB remembers that the page pointed nowhere; it was not flushed after the entry had been set.";
        bool wasSet = result.Protocol.Steps.Take(context[Step]).Any(earlier => earlier.Page == step.Page
            && earlier.Operation is Operation.Set or Operation.SetAtAddressZero or Operation.RawSet);
        return wasSet ? "the entry has been cleared while the window was in use." : "the entry was never set.";
    }

    private string Broken(ReadOnlySpan<byte> before, ReadOnlySpan<byte> context, ProtocolStep step, int cpu)
    {
        byte entry = context[Window] == 0 ? (byte)0 : before[Entry(Slot(WindowOf(context), step.Page))];
        string old = Machine.ObjectOf(entry) < 0 ? "the entry" : StateText.Frame(Machine.ObjectOf(entry), step.Page);
        return result.Rule switch
        {
            TranslationRule.BarrierAfterSet => $"no barrier since page {step.Page} was set, so CPU {cpu} may not see the entry yet.",
            TranslationRule.NoSetOverValid => $"{old} is still set.",
            TranslationRule.InvalidateBeforeChange => $"{old} is valid, and was not invalidated before it is changed.",
            TranslationRule.BreakBeforeMake when Machine.ObjectOf(entry) >= 0 => $"{old} is still set.",
            TranslationRule.BreakBeforeMake => $"a TLB still holds another translation of page {step.Page}.",
            TranslationRule.OneHashEntry => $"the hash table has one for page {step.Page} already.",
            _ => string.Empty,
        };
    }

    private static string Capital(string name) => char.ToUpperInvariant(name[0]) + name[1..];
}
