using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>Slots (<see cref="SlotWord"/>) by number, 8 bytes each: the owner of a pool's or a page store's objects.</summary>
/// <remarks>
/// The slot is the only place that names an object's location. The low half of an object's tag names its slot; compaction moves the object
/// only if that slot is locked and still points at it. A page store numbers its slots by page, a pool by handle.
/// </remarks>
internal sealed unsafe class SlotTable(FrameArena arena) : FrameTable<ulong>(arena), IObjectOwner
{
    public bool TryBeginMove(ulong tag, ObjectLocation location)
    {
        ulong* slot = Find((uint)tag);
        if (slot is null)
            return false;
        ulong word = Volatile.Read(ref *slot);
        return !SlotWord.IsLocked(word) && SlotWord.IsAt(word, location) && SlotWord.TryAcquireExclusive(ref *slot, word);
    }

    public void EndMove(ulong tag, ObjectLocation from, ObjectLocation to)
    {
        ulong* slot = Find((uint)tag);
        SlotWord.ReleaseExclusive(ref *slot, SlotWord.MovedTo(*slot, to));
    }
}
