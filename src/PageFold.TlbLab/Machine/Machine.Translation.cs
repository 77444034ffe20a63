using static PageFold.TlbLab.MachineLayout;

namespace PageFold.TlbLab;

// Page tables, TLBs and hash table, by the rules of the architecture.
internal sealed partial class Machine
{
    // Flags of a page-table entry, above the object: the hash table holds it (PPC64); it is tagged with an address space (ARMv7).
    public const byte InHashTable = 0x40;
    public const byte Tagged = 0x80;
    private const byte ObjectPart = 0x0F;

    // Parts of a set of entries.
    public const byte GlobalEntries = 0x0F;
    private const byte TaggedEntries = 0xF0;
    private const int TaggedShift = 4;
    public const byte InvalidEntry = 0x80;

    /// <summary>The object of a page-table entry; -1 if it is not valid.</summary>
    public static int ObjectOf(byte entry) => (entry & ObjectPart) - 1;

    /// <summary>True if the set of entries that a TLB may hold contains one of an object.</summary>
    public bool MayHold(byte mask, int item) => (mask & EntriesOf(item)) != 0;

    private byte EntriesOf(int item) => (byte)(_architecture.TagsLowAddresses ? 0x11 << item : 1 << item);

    /// <summary>The entry in the form in which a TLB caches it.</summary>
    public byte Remembered(byte entry)
    {
        int item = ObjectOf(entry);
        if (item < 0)
            return _architecture.RemembersInvalid ? InvalidEntry : (byte)0;
        return (byte)(1 << ((entry & Tagged) != 0 ? item + TaggedShift : item));
    }

    /// <summary>Adds what TLBs may have read speculatively.</summary>
    private void Speculate(Span<byte> state, int slot)
    {
        if (!_speculative || _architecture.HasHashTable)
            return;
        byte remembered = Remembered(state[Entry(slot)]);
        for (int cpu = 0; cpu < Layout.Cpus; cpu++)
            state[Layout.Tlb(cpu, slot)] |= remembered;
    }

    private Outcome Set(Span<byte> state, Span<byte> context, int slot, ProtocolStep step)
    {
        byte old = state[Entry(slot)];
        bool tagged = step.Operation == Operation.SetAtAddressZero && _architecture.TagsLowAddresses;
        byte entry = (byte)(context[Mapped] | (tagged ? Tagged : 0));
        TranslationRule broken = BrokenBySetting(state, slot, old, entry);
        state[Entry(slot)] = entry;
        bool withoutBarrier = _architecture.SetHasNoBarrier || step.Operation == Operation.RawSet;
        if (_architecture.NeedsBarrierAfterSet && withoutBarrier)
            context[Unseen] |= (byte)(1 << step.Page);
        else if (_architecture.NeedsBarrierAfterSet)
            Synchronise(context);
        Speculate(state, slot);
        return Outcome.Broken(broken);
    }

    private TranslationRule BrokenBySetting(ReadOnlySpan<byte> state, int slot, byte old, byte next)
    {
        if (ObjectOf(old) >= 0)
        {
            if (_architecture.ForbidsSetOverValid)
                return TranslationRule.NoSetOverValid;
            if (_architecture.ForbidsRawChange)
                return TranslationRule.InvalidateBeforeChange;
        }
        if (!_architecture.NeedsBreakBeforeMake)
            return TranslationRule.None;
        bool broken = ObjectOf(old) >= 0 && Remembered(old) != Remembered(next);
        for (int cpu = 0; cpu < Layout.Cpus; cpu++)
            broken |= (state[Layout.Tlb(cpu, slot)] & ~Remembered(next)) != 0;
        return broken ? TranslationRule.BreakBeforeMake : TranslationRule.None;
    }

    private Outcome Clear(Span<byte> state, Span<byte> context, int slot, bool raw)
    {
        byte old = state[Entry(slot)];
        state[Entry(slot)] = 0;
        Outcome outcome = default;
        if (ObjectOf(old) < 0)
            return outcome;
        if (raw)
        {
            // The hash table keeps its entry: the page-table entry that said where it is has just been overwritten.
            if (_architecture.ForbidsRawChange)
                outcome = Outcome.Broken(TranslationRule.InvalidateBeforeChange);
        }
        else if (_architecture.HasHashTable && (old & InHashTable) != 0)
        {
            byte entry = (byte)(1 << ObjectOf(old));
            if (context[Lazy] > 0)
                state[Layout.Queue(context[Cpu] - 1, slot)] |= entry;
            else
                state[Layout.Hash(slot)] &= (byte)~entry;
        }
        else if (_architecture.ClearInvalidatesEverywhere)
        {
            for (int cpu = 0; cpu < Layout.Cpus; cpu++)
                state[Layout.Tlb(cpu, slot)] = 0;
        }
        Speculate(state, slot);
        return outcome;
    }

    /// <summary>Flushes a page on some processors; does nothing with a hash table.</summary>
    private void Flush(Span<byte> state, Span<byte> context, int slot, int firstCpu, int lastCpu)
    {
        Synchronise(context);
        if (_architecture.HasHashTable)
            return;
        // The flush is for a kernel address, so it misses entries that are tagged with an address space.
        byte missed = _architecture.TagsLowAddresses ? TaggedEntries : (byte)0;
        for (int cpu = firstCpu; cpu < lastCpu; cpu++)
            state[Layout.Tlb(cpu, slot)] &= missed;
        Speculate(state, slot);
    }

    /// <summary>Completes the removals that the batch of a processor has delayed.</summary>
    private void Drain(Span<byte> state, int cpu)
    {
        if (!_architecture.HasHashTable)
            return;
        for (int slot = 0; slot < Layout.Slots; slot++)
        {
            ref byte queue = ref state[Layout.Queue(cpu, slot)];
            state[Layout.Hash(slot)] &= (byte)~queue;
            queue = 0;
        }
    }

    /// <summary>Inserts an entry into the hash table by software.</summary>
    private Outcome Preload(Span<byte> state, int slot)
    {
        byte entry = state[Entry(slot)];
        if (!_architecture.HasHashTable || ObjectOf(entry) < 0 || (entry & InHashTable) != 0)
            return default;
        bool second = state[Layout.Hash(slot)] != 0;
        state[Layout.Hash(slot)] |= (byte)(1 << ObjectOf(entry));
        state[Entry(slot)] |= InHashTable;
        return Outcome.Broken(second ? TranslationRule.OneHashEntry : TranslationRule.None);
    }

    /// <summary>Lists the translations that an access may use.</summary>
    private void EnumerateTranslations(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> context, byte number, byte argument, int page, List<Transition> next)
    {
        int slot = Slot(WindowOf(context), page);
        byte entry = state[Entry(slot)];
        byte mask = _architecture.HasHashTable ? state[Layout.Hash(slot)] : state[Layout.Tlb(context[Cpu] - 1, slot)];
        bool remembersInvalid = _architecture.RemembersInvalid && (mask & InvalidEntry) != 0;
        // A miss and a hit are the same transition if they find the same entry and leave the same state.
        bool walkDiffers = true;
        for (int item = 0; item < Bounds.Objects; item++)
        {
            if (!MayHold(mask, item))
                continue;
            next.Add(new Transition(TransitionKind.Step, number, argument, (byte)item));
            if (ObjectOf(entry) == item)
            {
                walkDiffers = _architecture.HasHashTable
                    ? (entry & InHashTable) == 0 || mask != 1 << item
                    : (mask & EntriesOf(item)) != Remembered(entry);
            }
        }
        if (remembersInvalid)
            next.Add(new Transition(TransitionKind.Step, number, argument, Transition.RememberedInvalid));
        if (walkDiffers)
            next.Add(new Transition(TransitionKind.Step, number, argument, Transition.Walk));
    }

    private Outcome Access(Span<byte> state, Span<byte> context, int slot, int page, byte choice)
    {
        int wanted = context[Mapped] - 1;
        byte entry = state[Entry(slot)];
        if (choice == Transition.RememberedInvalid || choice == Transition.Walk && ObjectOf(entry) < 0)
            return new Outcome(Verdict.Faults);
        int found = choice == Transition.Walk ? ObjectOf(entry) : choice;
        if (found != wanted)
            return new Outcome(Verdict.Corrupts);
        if (_architecture.HasHashTable)
        {
            // A miss: the entry was evicted, and the fault inserts it. Two entries for an address stay two.
            if (choice == Transition.Walk)
            {
                state[Layout.Hash(slot)] = (byte)(1 << found);
                state[Entry(slot)] |= InHashTable;
            }
            return default;
        }
        ref byte mask = ref state[Layout.Tlb(context[Cpu] - 1, slot)];
        mask = choice == Transition.Walk ? Remembered(entry) : (byte)(mask & EntriesOf(found));
        if (_speculative)
            mask |= Remembered(entry);
        return Outcome.Broken((context[Unseen] >> page & 1) != 0 ? TranslationRule.BarrierAfterSet : TranslationRule.None);
    }
}
