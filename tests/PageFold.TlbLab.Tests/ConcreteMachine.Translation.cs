namespace PageFold.TlbLab.Tests;

// Page tables, TLBs and hash table.
internal sealed partial class ConcreteMachine
{
    /// <summary>The entry that a walk would load.</summary>
    private int Seen(int slot)
    {
        if (_entry[slot] == Nothing)
            return _architecture.RemembersInvalid ? Invalid : Nothing;
        return _entry[slot] + (_flag[slot] && _architecture.TagsLowAddresses ? TaggedFrom : 0);
    }

    private static (Verdict Verdict, TranslationRule Rule) Broken(TranslationRule rule) =>
        (rule == TranslationRule.None ? Verdict.Safe : Verdict.BreaksRule, rule);

    private TranslationRule Set(int runner, int slot, ProtocolStep step)
    {
        int old = _entry[slot];
        int seen = Seen(slot);
        _entry[slot] = _object[runner];
        _flag[slot] = step.Operation == Operation.SetAtAddressZero && _architecture == Architecture.Armv7;
        bool raw = step.Operation == Operation.RawSet;
        if (_architecture == Architecture.Armv7 || raw && (_architecture == Architecture.Arm64 || _architecture == Architecture.Ppc64Radix))
            _unseen[runner * 2 + step.Page] = true;
        else if (_architecture == Architecture.Arm64 || _architecture == Architecture.Ppc64Radix)
            _unseen.AsSpan(runner * 2, 2).Clear();
        if (old != Nothing && (_architecture == Architecture.Ppc64Hash || _architecture == Architecture.Ppc64Radix))
            return TranslationRule.NoSetOverValid;
        if (old != Nothing && _architecture == Architecture.S390x)
            return TranslationRule.InvalidateBeforeChange;
        if (_architecture != Architecture.Armv7 && _architecture != Architecture.Arm64)
            return TranslationRule.None;
        bool held = old != Nothing && seen != Seen(slot);
        for (int cpu = 0; cpu < Cpus; cpu++)
        {
            int entry = _tlb[cpu * Slots + slot];
            held |= entry != Nothing && entry != Seen(slot);
        }
        return held ? TranslationRule.BreakBeforeMake : TranslationRule.None;
    }

    private TranslationRule Clear(int runner, int slot, bool raw)
    {
        int old = _entry[slot];
        bool hashed = _flag[slot] && _architecture.HasHashTable;
        _entry[slot] = Nothing;
        _flag[slot] = false;
        if (old == Nothing)
            return TranslationRule.None;
        if (raw)
            return _architecture == Architecture.S390x ? TranslationRule.InvalidateBeforeChange : TranslationRule.None;
        if (hashed && _batch[runner] == 0)
            _hash[slot] &= ~(1 << old);
        else if (hashed)
            _queue[_cpu[runner] * Slots + slot] |= 1 << old;
        if (_architecture == Architecture.S390x)
        {
            for (int cpu = 0; cpu < Cpus; cpu++)
                _tlb[cpu * Slots + slot] = Nothing;
        }
        return TranslationRule.None;
    }

    private TranslationRule Preload(int slot)
    {
        if (!_architecture.HasHashTable || _entry[slot] == Nothing || _flag[slot])
            return TranslationRule.None;
        bool second = _hash[slot] != 0;
        _hash[slot] |= 1 << _entry[slot];
        _flag[slot] = true;
        return second ? TranslationRule.OneHashEntry : TranslationRule.None;
    }

    private void Flush(int runner, int slot, int? only)
    {
        _unseen.AsSpan(runner * 2, 2).Clear();
        for (int cpu = 0; cpu < Cpus; cpu++)
        {
            ref int entry = ref _tlb[cpu * Slots + slot];
            if ((only ?? cpu) == cpu && entry < TaggedFrom)
                entry = Nothing;
        }
    }

    private (Verdict Verdict, TranslationRule Rule) Access(int runner, int slot, int page, IOracle oracle)
    {
        if (_architecture.HasHashTable)
            return AccessHashed(runner, slot, oracle);
        ref int held = ref _tlb[_cpu[runner] * Slots + slot];
        if (held == Nothing)
            held = _entry[slot] == Nothing ? Nothing : Seen(slot);
        if (held is Nothing or Invalid)
            return (Verdict.Faults, TranslationRule.None);
        if (held % TaggedFrom != _object[runner])
            return (Verdict.Corrupts, TranslationRule.None);
        return Broken(_unseen[runner * 2 + page] ? TranslationRule.BarrierAfterSet : TranslationRule.None);
    }

    private (Verdict Verdict, TranslationRule Rule) AccessHashed(int runner, int slot, IOracle oracle)
    {
        // The access may find any of the entries, or all of them have been evicted.
        int[] there = [.. Enumerable.Range(0, _bounds.Objects).Where(item => (_hash[slot] >> item & 1) != 0)];
        int choice = oracle.Choose(there.Length + 1);
        if (choice < there.Length)
            return (there[choice] == _object[runner] ? Verdict.Safe : Verdict.Corrupts, TranslationRule.None);
        if (_entry[slot] == Nothing)
            return (Verdict.Faults, TranslationRule.None);
        _hash[slot] = 1 << _entry[slot];
        _flag[slot] = true;
        return (_entry[slot] == _object[runner] ? Verdict.Safe : Verdict.Corrupts, TranslationRule.None);
    }

    private static TranslationRule Undo(ref int guard)
    {
        if (guard == 0)
            return TranslationRule.BalancedGuards;
        guard--;
        return TranslationRule.None;
    }
}
