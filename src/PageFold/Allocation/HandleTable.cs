using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Allocation;

/// <summary>The slots that handles name, their free list and their generations.</summary>
/// <remarks>
/// <para>
/// A free slot holds the link of the free list. When the list is empty, slots are added a leaf at a time. Thread-safe.
/// </para>
/// <para>
/// Generations have a table of their own, 4 bytes each. In the tag of the object they would cost no memory, but a thread that frees an
/// object would have to wait for slot, descriptor and object one after the other. Now it waits for slot and generation at the same time and
/// never reads the object.
/// </para>
/// <para>
/// Generations are only compared for equality, so they may start anywhere: at the origin, which <see cref="PoolNumbers"/> chooses. A slot
/// whose generation has returned to the origin is retired.
/// </para>
/// <para>
/// <see cref="Trim"/> frees the leaves in which no handle is valid. A note of 4 bytes for each leaf of generations keeps the generation at
/// which its slots continue.
/// </para>
/// </remarks>
internal sealed unsafe class HandleTable(FrameArena arena, SlotTable slots, uint origin)
{
    private const uint EndOfList = ZsHandle.MaxSlots - 1;

    // A leaf in which a slot has used more of its generations is kept: slots that are made again have at least half of them left.
    private const uint MaxUsed = ZsHandle.MaxGeneration / 2;

    private readonly Lock _lock = new();
    private readonly GenerationTable _generations = new(arena, origin);
    private uint _firstFree = EndOfList;

    // Slots below _next were made at some time. _leavesGone leaves of them were freed, none below _goneFrom.
    private uint _next;
    private uint _leavesGone;
    private uint _goneFrom;

    // The maximum of generations that a slot in a freed leaf has used.
    private uint _usedUpInGone;

    // The number of free slots at the last attempt to trim, or fewer since.
    private long _freeAtLastTrim;

    /// <summary>The maximum of generations, from the origin on, that any slot has used.</summary>
    public uint GenerationsUsed
    {
        get
        {
            uint most = _usedUpInGone;
            for (uint number = 0; _generations.NextExisting(number) is { } first; number = first + _generations.LeafLength)
                most = Math.Max(most, MaxUsedIn(first));
            // The last generation may be in use.
            return _next == 0 ? 0 : most + 1;
        }
    }

    /// <summary>Takes an empty slot; false when there is no memory or no number left.</summary>
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
        // The slot is off the list, so only the caller uses it.
        generation = *_generations.Find(slot);
        return true;
    }

    /// <summary>Returns a slot whose handle was never given out.</summary>
    public void GiveBack(uint slot)
    {
        lock (_lock)
            Link(slot, slots.Find(slot));
    }

    /// <summary>Returns a slot whose object was freed and makes its handle stale.</summary>
    public void Expire(uint slot)
    {
        // The slot is empty and not yet on the list, so only the caller uses it.
        uint* generation = _generations.Find(slot);
        uint next = *generation + 1 & ZsHandle.MaxGeneration;
        // After the last generation a slot is retired: it stays empty, and no handle to it is ever valid again.
        if (next == origin)
            return;
        Volatile.Write(ref *generation, next);
        GiveBack(slot);
    }

    /// <summary>Finds the slot that a handle names and its generation; false if there is no such slot.</summary>
    /// <remarks>The generation does not change while the slot is locked.</remarks>
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

    /// <summary>True if an attempt to free leaves is worthwhile: as many slots are free as in a leaf.</summary>
    /// <remarks>
    /// At the limit, clearly more slots than at the last attempt must be free, because an attempt makes other threads wait.
    /// </remarks>
    public bool IsWorthTrimming(long objects, bool atTheLimit)
    {
        long made = slots.Leaves * slots.LeafLength;
        long free = made - objects;
        long before = Volatile.Read(ref _freeAtLastTrim);
        if (free < before)
            Volatile.Write(ref _freeAtLastTrim, before = free);
        if (free < slots.LeafLength || atTheLimit && free - before < Math.Max(slots.LeafLength, made / 8))
            return false;
        Volatile.Write(ref _freeAtLastTrim, free);
        return true;
    }

    /// <summary>Frees the leaves in which no handle is valid.</summary>
    /// <remarks>The caller is the only thread that uses the table and holds no empty slot.</remarks>
    public void Trim()
    {
        bool any = false;
        for (uint number = 0; _generations.NextExisting(number) is { } first; number = first + _generations.LeafLength)
        {
            uint used = MaxUsedIn(first);
            if (used > MaxUsed || !IsFree(first))
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

    /// <summary>Frees the directory of the generations.</summary>
    /// <remarks>Their frames are freed with the arena.</remarks>
    public void Free() => _generations.Free();

    private uint UsedUp(uint generation) => generation - origin & ZsHandle.MaxGeneration;

    private uint MaxUsedIn(uint first)
    {
        uint most = 0;
        foreach (uint generation in new ReadOnlySpan<uint>(_generations.Find(first), (int)_generations.LeafLength))
            most = Math.Max(most, UsedUp(generation));
        return most;
    }

    /// <summary>True if all slots of a leaf of generations are empty.</summary>
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

    /// <summary>Makes the slots of one more leaf, preferably one that was freed.</summary>
    /// <remarks>Called under the lock.</remarks>
    private bool TryAddLeaf()
    {
        uint first = _next;
        if (_leavesGone > 0)
        {
            while (slots.Find(_goneFrom) is not null)
                _goneFrom += slots.LeafLength;
            first = _goneFrom;
        }
        // The generations first, so that every slot has a generation.
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

    /// <summary>Links the slots of a leaf that are empty and not retired; the lowest will be taken first.</summary>
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
