using PageFold.Allocation;

namespace PageFold;

/// <content>From a handle to its slot, held shared or alone.</content>
public sealed unsafe partial class ZsPool
{
    private const int SpinsBeforeRefusal = 40;

    private static bool Contains(ulong word, int offset, int length) =>
        (uint)offset <= (uint)SlotWord.Size(word) && length <= SlotWord.Size(word) - offset;

    private ref ulong SlotOf(ZsHandle handle, out uint* generation)
    {
        if (handle.Pool != _number)
            PoolThrow.ForeignHandle(handle);
        if (!_handles.TryFind(handle, out ulong* slot, out generation))
            PoolThrow.StaleHandle(handle);
        return ref *slot;
    }

    /// <summary>Keeps the object of a valid handle from moving and from being freed.</summary>
    private ref ulong Pin(ZsHandle handle, out ulong word)
    {
        ref ulong slot = ref SlotOf(handle, out uint* generation);
        Pin(handle, ref slot, generation, out word);
        return ref slot;
    }

    private static void Pin(ZsHandle handle, ref ulong slot, uint* generation, out ulong word)
    {
        SharedOutcome outcome = SlotWord.TryAcquireShared(ref slot, out word);
        if (outcome == SharedOutcome.Saturated)
            outcome = AwaitPlace(ref slot, handle, generation, out word);
        if (outcome == SharedOutcome.Empty)
            PoolThrow.StaleHandle(handle);
        if (Volatile.Read(ref *generation) != handle.Generation)
        {
            SlotWord.ReleaseShared(ref slot);
            PoolThrow.StaleHandle(handle);
        }
    }

    /// <summary>
    /// Waits for one of the readers of a slot to leave. Mappings, which may stay for ever, never take all places
    /// (<see cref="MaxMappings"/>).
    /// </summary>
    private static SharedOutcome AwaitPlace(ref ulong slot, ZsHandle handle, uint* generation, out ulong word)
    {
        SpinWait spin = default;
        SharedOutcome outcome;
        do
        {
            // A slot that is held keeps its generation, so a stale handle need not wait.
            if (Volatile.Read(ref *generation) != handle.Generation)
                PoolThrow.StaleHandle(handle);
            spin.SpinOnce();
            outcome = SlotWord.TryAcquireShared(ref slot, out word);
        }
        while (outcome == SharedOutcome.Saturated);
        return outcome;
    }

    /// <summary>Makes the caller the only holder of a valid handle's slot, or refuses and changes nothing.</summary>
    private ref ulong AcquireToFree(ZsHandle handle, out ulong word)
    {
        ref ulong slot = ref SlotOf(handle, out uint* generation);
        SpinWait spin = default;
        while (true)
        {
            word = Volatile.Read(ref slot);
            if (!SlotWord.HoldsObject(word))
                PoolThrow.StaleHandle(handle);
            _heap.PrefetchDescriptor(word);
            if (!SlotWord.IsLocked(word) && SlotWord.TryAcquireExclusive(ref slot, word))
            {
                if (Volatile.Read(ref *generation) == handle.Generation)
                    return ref slot;
                SlotWord.ReleaseExclusive(ref slot, word);
                PoolThrow.StaleHandle(handle);
            }
            // A reader may be gone in a moment: a copy in or out, or a thread with a stale handle. A mapping stays.
            if (SlotWord.Readers(word) > 0 && spin.Count > SpinsBeforeRefusal)
            {
                // A generation does not come back while it is compared, so this one was stale before whatever is mapped now came.
                if (Volatile.Read(ref *generation) != handle.Generation)
                    PoolThrow.StaleHandle(handle);
                PoolThrow.ObjectIsMapped(handle);
            }
            spin.SpinOnce();
        }
    }
}
