using PageFold.Frames;

namespace PageFold.Mapping;

/// <summary>
/// One open mapping: what is mapped, how, and the buffer that a straddling object is made contiguous in. <see cref="Sequence"/> is odd while the
/// mapping is open.
/// </summary>
internal unsafe struct MapEntry
{
    public ulong Sequence;
    public byte* Buffer;
    public uint Slot;
    public uint Next;
    public uint Number;
    public int Stripe;

    /// <summary>The number of the window that shows the object, plus one; zero if none does.</summary>
    public int Window;
    public bool CopyBack;
}

/// <summary>
/// The mappings that are open now. An entry's sequence number ends with its mapping: a second Dispose, or the Dispose of a copy, finds
/// another number and does nothing.
/// </summary>
/// <remarks>
/// Entries are checked out exclusively, because a thread may change processor at any moment and user space cannot forbid it. They never move and are
/// chained on two free lists, one of entries with a buffer, whose heads carry a counter against ABA. A buffer stays with its entry for the
/// next mapping while there are no more than two a processor, and until <see cref="FreeIdleBuffers"/>; what nested maps needed beyond that
/// goes back with them. Entries stay, for the Dispose of an old copy of a mapping to look at. Thread-safe.
/// </remarks>
internal sealed unsafe class MapEntries(MemoryBudget budget, int bufferSize)
{
    private const int BlockShift = 6;

    private readonly Lock _growth = new();
    private readonly BlockArray<MapEntry> _entries = new(budget, BlockShift);
    private readonly int _buffersKept = 2 * Environment.ProcessorCount;
    private uint _count;
    private int _buffers;

    // Low half: number of the first free entry plus one. High half: how often the head has changed.
    private ulong _free;
    private ulong _freeWithBuffer;

    /// <summary>Bytes of entries and buffers.</summary>
    public long Bytes => _entries.Bytes + (long)Volatile.Read(ref _buffers) * bufferSize;

    /// <summary>
    /// Checks out an entry for a mapping of a slot's object, which <see cref="CountOpen"/> counts from now on; false when there is no
    /// memory for it.
    /// </summary>
    public bool TryAcquire(uint slot, out MapEntry* entry)
    {
        entry = Pop();
        while (entry is null)
        {
            if (!TryGrow())
                return false;
            entry = Pop();
        }
        Open(entry, slot);
        return true;
    }

    /// <summary>
    /// Sees to it that the mapping has a buffer, for which it may be given another entry; false, and then it is as it was, when there is no
    /// memory for one.
    /// </summary>
    public bool TryBuffer(ref MapEntry* entry)
    {
        if (entry->Buffer is not null || TryAddBuffer(entry))
            return true;
        MapEntry* buffered = Pop(ref _freeWithBuffer);
        if (buffered is null)
            return false;
        // The other first, so that the mapping is counted at every moment.
        Open(buffered, entry->Slot);
        Abandon(entry);
        entry = buffered;
        return true;
    }

    /// <summary>Puts back an entry whose mapping does not come about.</summary>
    public void Abandon(MapEntry* entry)
    {
        Volatile.Write(ref entry->Sequence, entry->Sequence + 1);
        Release(entry);
    }

    /// <summary>Mappings of a slot's object that are open now, those included that are about to be. Looks at every entry.</summary>
    public int CountOpen(uint slot)
    {
        int open = 0;
        uint count = Volatile.Read(ref _count);
        for (uint number = 0; number < count; number++)
        {
            MapEntry* entry = _entries.Find(number);
            if ((Volatile.Read(ref entry->Sequence) & 1) != 0 && Volatile.Read(ref entry->Slot) == slot)
                open++;
        }
        return open;
    }

    /// <summary>
    /// Ends the mapping that began as <paramref name="sequence"/>, for the caller to finish and then <see cref="Release"/>; false if it has ended
    /// before.
    /// </summary>
    public bool TryEnd(uint number, ulong sequence, out MapEntry* entry)
    {
        entry = _entries.Find(number);
        return Interlocked.CompareExchange(ref entry->Sequence, sequence + 1, sequence) == sequence;
    }

    public void Release(MapEntry* entry)
    {
        if (entry->Buffer is not null && Volatile.Read(ref _buffers) > _buffersKept)
            FreeBuffer(entry);
        Push(entry);
    }

    /// <summary>
    /// Frees the buffers that no mapping uses now, one after the other, so that a mapping that begins meanwhile finds an entry.
    /// </summary>
    public void FreeIdleBuffers()
    {
        for (int left = Volatile.Read(ref _buffers); left > 0 && Pop(ref _freeWithBuffer) is var entry && entry is not null; left--)
        {
            FreeBuffer(entry);
            Push(entry);
        }
    }

    /// <summary>
    /// Frees the buffers; no mapping is open any more. The entries stay for the Dispose of an old copy of a mapping to look at, until the budget is collected.
    /// </summary>
    public void FreeBuffers()
    {
        for (uint number = 0; number < _count; number++)
            FreeBuffer(_entries.Find(number));
    }

    private static void Open(MapEntry* entry, uint slot)
    {
        entry->Slot = slot;
        Volatile.Write(ref entry->Sequence, entry->Sequence + 1);
    }

    private bool TryAddBuffer(MapEntry* entry)
    {
        if (!NativeBuffer.TryAllocate(budget, bufferSize, out NativeBuffer buffer))
            return false;
        entry->Buffer = buffer.Pointer;
        Interlocked.Increment(ref _buffers);
        return true;
    }

    private void FreeBuffer(MapEntry* entry)
    {
        if (entry->Buffer is null)
            return;
        NativeBuffer.Free(budget, entry->Buffer, bufferSize);
        entry->Buffer = null;
        Interlocked.Decrement(ref _buffers);
    }

    private bool TryGrow()
    {
        lock (_growth)
        {
            if ((uint)(Volatile.Read(ref _free) | Volatile.Read(ref _freeWithBuffer)) != 0)
                return true;
            if (!_entries.TryEnsure(_count, out MapEntry* first))
                return false;
            // Counted before they can be taken: CountOpen misses none.
            uint count = _count;
            Volatile.Write(ref _count, count + _entries.BlockLength);
            for (uint i = 0; i < _entries.BlockLength; i++)
            {
                first[i].Number = count + i;
                Push(&first[i]);
            }
            return true;
        }
    }

    /// <summary>Takes a free entry, one with a buffer before one without; null if there is none.</summary>
    private MapEntry* Pop()
    {
        MapEntry* entry = Pop(ref _freeWithBuffer);
        return entry is not null ? entry : Pop(ref _free);
    }

    private MapEntry* Pop(ref ulong first)
    {
        while (true)
        {
            ulong head = Volatile.Read(ref first);
            if ((uint)head == 0)
                return null;
            MapEntry* entry = _entries.Find((uint)head - 1);
            ulong next = (head >> 32) + 1 << 32 | Volatile.Read(ref entry->Next);
            if (Interlocked.CompareExchange(ref first, next, head) == head)
                return entry;
        }
    }

    private void Push(MapEntry* entry)
    {
        ref ulong first = ref entry->Buffer is null ? ref _free : ref _freeWithBuffer;
        while (true)
        {
            ulong head = Volatile.Read(ref first);
            Volatile.Write(ref entry->Next, (uint)head);
            ulong next = (head >> 32) + 1 << 32 | entry->Number + 1;
            if (Interlocked.CompareExchange(ref first, next, head) == head)
                return;
        }
    }
}
