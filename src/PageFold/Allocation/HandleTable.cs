namespace PageFold.Allocation;

/// <summary>
/// Handles as slots: takes slot numbers from a free list, or new ones, and counts each slot's generation. The generation of a live slot is the upper half of
/// its object's tag; that of a free slot lies in the slot, beside the link of the free list. Thread-safe.
/// </summary>
internal sealed unsafe class HandleTable(SlotTable slots)
{
    private const ulong SlotMask = ZsHandle.MaxSlots - 1;
    private const uint EndOfList = ZsHandle.MaxSlots - 1;

    private readonly Lock _lock = new();
    private uint _firstFree = EndOfList;
    private uint _next;

    /// <summary>Slots handed out so far, live, free or retired.</summary>
    public uint Count => Volatile.Read(ref _next);

    /// <summary>Takes a slot that holds nothing; false when there is no memory or no number left for one.</summary>
    public bool TryTake(out uint slot, out uint generation)
    {
        lock (_lock)
        {
            slot = _firstFree;
            if (slot != EndOfList)
            {
                ulong payload = SlotWord.Payload(*slots.Find(slot));
                _firstFree = (uint)(payload & SlotMask);
                generation = (uint)(payload >> ZsHandle.SlotBits);
                return true;
            }
            slot = _next;
            generation = 0;
            if (slot == EndOfList || !slots.TryEnsure(slot, out _))
                return false;
            _next++;
            return true;
        }
    }

    /// <summary>Puts a slot back that never became live, or whose object is gone and whose generation has moved on.</summary>
    public void Return(uint slot, uint generation)
    {
        // Past the last generation a slot is retired: it stays empty and no handle to it is ever valid again.
        if (generation > ZsHandle.MaxGeneration)
            return;
        lock (_lock)
        {
            SlotWord.ReleaseExclusive(ref *slots.Find(slot), SlotWord.ForPayload(SlotKind.Empty, _firstFree | (ulong)generation << ZsHandle.SlotBits));
            _firstFree = slot;
        }
    }
}
