using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Allocation;

/// <summary>
/// Handles as slots: takes slot numbers from a free list, or new ones a leaf at a time, and counts each slot's generation. Free slots hold
/// the links of the free list. Thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// Generations have a table of their own, 4 bytes each. Beside the object, in its tag, they would cost nothing, but a thread that frees an
/// object would have to wait for slot, descriptor and object one after the other; so it waits for slot and generation at once and never
/// looks at the object.
/// </para>
/// <para>
/// Generations are only compared for equality, so they may begin anywhere: at the origin, which <see cref="PoolNumbers"/> chooses. A slot
/// that has come round to the origin is retired.
/// </para>
/// <para>
/// <see cref="Trim"/> gives back the leaves in which no handle is valid. The generation at which the slots there go on stays, 4 bytes for a
/// leaf of generations.
/// </para>
/// </remarks>
internal sealed unsafe class HandleTable(FrameArena arena, SlotTable slots, uint origin)
{
    private const uint EndOfList = ZsHandle.MaxSlots - 1;

    // A leaf in which a slot has used up more of its generations stays: slots that are made anew have at least half of them left.
    private const uint MostUsedUp = ZsHandle.MaxGeneration / 2;

    private readonly Lock _lock = new();
    private readonly GenerationTable _generations = new(arena, origin);
    private uint _firstFree = EndOfList;

    // Slots below have been made at some time. So many leaves of those are gone, none of them below the last number.
    private uint _next;
    private uint _leavesGone;
    private uint _goneFrom;

    // The most generations that a slot in a leaf which is gone has used up.
    private uint _usedUpInGone;

    // Slots that were free at the last attempt to trim, or fewer since.
    private long _freeInVain;

    /// <summary>Bytes of generations and of the way to them.</summary>
    public long Bytes => _generations.Bytes;

    /// <summary>How many generations, from the origin on, any slot has had at most.</summary>
    public uint GenerationsUsed
    {
        get
        {
            uint most = _usedUpInGone;
            for (uint number = 0; _generations.NextExisting(number) is { } first; number = first + _generations.LeafLength)
                most = Math.Max(most, MostUsedIn(first));
            // The last of them may be in use.
            return _next == 0 ? 0 : most + 1;
        }
    }

    /// <summary>Takes a slot that holds nothing; false when there is no memory or no number left for one.</summary>
    public bool TryTake(out uint slot, out uint generation)
    {
        generation = 0;
        lock (_lock)
        {
            slot = _firstFree;
            if (slot == EndOfList)
            {
                if (!TryAddLeaf())
                    return false;
                slot = _firstFree;
            }
            _firstFree = (uint)SlotWord.Payload(*slots.Find(slot));
        }
        // Off the list it is the caller's alone.
        generation = *_generations.Find(slot);
        return true;
    }

    /// <summary>Puts a slot back that never became live.</summary>
    public void GiveBack(uint slot)
    {
        lock (_lock)
            Link(slot, slots.Find(slot));
    }

    /// <summary>Puts a slot back whose object is gone: the handle that named it is stale from then on.</summary>
    public void Expire(uint slot)
    {
        // Empty and not yet on the list it is the caller's alone.
        uint* generation = _generations.Find(slot);
        uint next = *generation + 1 & ZsHandle.MaxGeneration;
        // Past the last generation a slot stays empty and no handle to it is ever valid again.
        if (next == origin)
            return;
        Volatile.Write(ref *generation, next);
        GiveBack(slot);
    }

    /// <summary>
    /// The slot that a handle names and the place of its generation, which stands still while the slot is held; false if there is no such
    /// slot.
    /// </summary>
    public bool TryFind(ZsHandle handle, out ulong* slot, out uint* generation)
    {
        slot = slots.Find(handle.Slot);
        generation = null;
        if (slot is null)
            return false;
        generation = _generations.Find(handle.Slot);
        Prefetch.One(generation);
        return true;
    }

    /// <summary>
    /// True if leaves may be given back: as many slots are free as in a leaf and, at the limit, clearly more than at the last attempt,
    /// because an attempt keeps others waiting.
    /// </summary>
    public bool IsWorthTrimming(long objects, bool atTheLimit)
    {
        long made = slots.Leaves * slots.LeafLength;
        long free = made - objects;
        long before = Volatile.Read(ref _freeInVain);
        if (free < before)
            Volatile.Write(ref _freeInVain, before = free);
        if (free < slots.LeafLength || atTheLimit && free - before < Math.Max(slots.LeafLength, made / 8))
            return false;
        Volatile.Write(ref _freeInVain, free);
        return true;
    }

    /// <summary>
    /// Gives back the leaves in which no handle is valid. The caller is the only thread that uses the table, and has no slot that holds
    /// nothing.
    /// </summary>
    public void Trim()
    {
        bool any = false;
        for (uint number = 0; _generations.NextExisting(number) is { } first; number = first + _generations.LeafLength)
        {
            uint used = MostUsedIn(first);
            if (used > MostUsedUp || !IsFree(first))
                continue;
            any = true;
            _usedUpInGone = Math.Max(_usedUpInGone, used);
            _generations.Drop(first, origin + used & ZsHandle.MaxGeneration);
            for (uint slot = first; slot < first + _generations.LeafLength; slot += slots.LeafLength)
            {
                if (slot >= _next || slots.Find(slot) is null)
                    continue;
                slots.Drop(slot, note: null);
                _leavesGone++;
            }
            _goneFrom = Math.Min(_goneFrom, first);
        }
        if (!any)
            return;
        slots.TrimDirectory();
        _generations.TrimDirectory();
        LinkAll();
    }

    /// <summary>Gives the way to the generations back. Their frames go with the arena.</summary>
    public void Free() => _generations.Free();

    private uint UsedUp(uint generation) => generation - origin & ZsHandle.MaxGeneration;

    private uint MostUsedIn(uint first)
    {
        uint most = 0;
        foreach (uint generation in new ReadOnlySpan<uint>(_generations.Find(first), (int)_generations.LeafLength))
            most = Math.Max(most, UsedUp(generation));
        return most;
    }

    /// <summary>True if no slot of a leaf of generations holds anything.</summary>
    private bool IsFree(uint first)
    {
        for (uint leaf = first; leaf < first + _generations.LeafLength; leaf += slots.LeafLength)
        {
            ulong* slot = slots.Find(leaf);
            for (uint i = 0; slot is not null && i < slots.LeafLength; i++)
            {
                if (SlotWord.Kind(slot[i]) != SlotKind.Empty)
                    return false;
            }
        }
        return true;
    }

    /// <summary>Makes the slots of one more leaf, one that is gone before a new one. Called under the lock.</summary>
    private bool TryAddLeaf()
    {
        uint first = _next;
        if (_leavesGone > 0)
        {
            while (slots.Find(_goneFrom) is not null)
                _goneFrom += slots.LeafLength;
            first = _goneFrom;
        }
        // The generations first: where there is a slot there is its generation.
        if (first >= EndOfList || !_generations.TryEnsure(first, out _) || !slots.TryEnsure(first, out ulong* leaf))
            return false;
        if (first == _next)
            _next += slots.LeafLength;
        else
            _leavesGone--;
        LinkLeaf(first, leaf);
        return true;
    }

    private void Link(uint number, ulong* slot)
    {
        SlotWord.ReleaseExclusive(ref *slot, SlotWord.ForPayload(SlotKind.Empty, _firstFree));
        _firstFree = number;
    }

    /// <summary>Links the slots of a leaf that hold nothing and are not retired, the lowest to be taken first.</summary>
    private void LinkLeaf(uint first, ulong* leaf)
    {
        uint* generations = _generations.Find(first);
        for (int i = (int)slots.LeafLength - 1; i >= 0; i--)
        {
            uint number = first + (uint)i;
            if (number != EndOfList && SlotWord.Kind(leaf[i]) == SlotKind.Empty && UsedUp(generations[i]) != ZsHandle.MaxGeneration)
                Link(number, leaf + i);
        }
    }

    private void LinkAll()
    {
        _firstFree = EndOfList;
        for (uint end = _next; end > 0; end -= slots.LeafLength)
        {
            uint first = end - slots.LeafLength;
            ulong* leaf = slots.Find(first);
            if (leaf is not null)
                LinkLeaf(first, leaf);
        }
    }
}
