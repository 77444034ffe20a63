using PageFold.Interop;

namespace PageFold.Allocation;

/// <summary>
/// Handles as slots: takes slot numbers from a free list, or new ones, and counts each slot's generation. Free slots hold the links of the free list. Thread-safe.
/// </summary>
/// <remarks>
/// Generations have a table of their own, 4 bytes each. Beside the object, in its tag, they would cost nothing, but whoever frees an object would have to wait for
/// slot, descriptor and object one after the other; so he waits for slot and generation at once and never looks at the object.
/// </remarks>
internal sealed unsafe class HandleTable(FrameArena arena, SlotTable slots)
{
    private const uint EndOfList = ZsHandle.MaxSlots - 1;

    private readonly Lock _lock = new();
    private readonly FrameTable<uint> _generations = new(arena);
    private uint _firstFree = EndOfList;
    private uint _next;

    /// <summary>Takes a slot that holds nothing; false when there is no memory or no number left for one.</summary>
    public bool TryTake(out uint slot, out uint generation)
    {
        generation = 0;
        lock (_lock)
        {
            slot = _firstFree;
            if (slot == EndOfList)
                return TryAdd(out slot);
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
        {
            SlotWord.ReleaseExclusive(ref *slots.Find(slot), SlotWord.ForPayload(SlotKind.Empty, _firstFree));
            _firstFree = slot;
        }
    }

    /// <summary>Puts a slot back whose object is gone: the handle that named it is stale from then on.</summary>
    public void Expire(uint slot)
    {
        // Empty and not yet on the list it is the caller's alone.
        uint* generation = _generations.Find(slot);
        // Past the last generation a slot stays empty and no handle to it is ever valid again.
        if (*generation == ZsHandle.MaxGeneration)
            return;
        Volatile.Write(ref *generation, *generation + 1);
        GiveBack(slot);
    }

    /// <summary>The slot that a handle names and the place of its generation, which stands still while the slot is held; false if there was never such a slot.</summary>
    public bool TryFind(ZsHandle handle, out ulong* slot, out uint* generation)
    {
        slot = null;
        generation = null;
        if (handle.Slot >= Volatile.Read(ref _next))
            return false;
        slot = slots.Find(handle.Slot);
        generation = _generations.Find(handle.Slot);
        Prefetch.One(generation);
        return true;
    }

    /// <summary>Gives the way to the generations back. Their frames go with the arena.</summary>
    public void Free() => _generations.Free();

    /// <summary>Makes a new slot. Called under the lock.</summary>
    private bool TryAdd(out uint slot)
    {
        slot = _next;
        if (slot == EndOfList || !slots.TryEnsure(slot, out _) || !_generations.TryEnsure(slot, out _))
            return false;
        Volatile.Write(ref _next, slot + 1);
        return true;
    }
}
