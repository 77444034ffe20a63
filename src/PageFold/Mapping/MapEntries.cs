using PageFold.Frames;

namespace PageFold.Mapping;

/// <summary>One open mapping: its slot, and the buffer or window that makes a straddling object contiguous.</summary>
/// <remarks><see cref="Sequence"/> is odd while the mapping is open.</remarks>
internal unsafe struct MapEntry
{
    public ulong Sequence;
    public byte* Buffer;
    public uint Slot;
    public uint Next;
    public uint Number;
    public int Stripe;

    /// <summary>The number of the window that maps the object, plus one; zero without window.</summary>
    public int Window;
    public bool CopyBack;
}

/// <summary>The open mappings.</summary>
/// <remarks>
/// The sequence number of an entry changes when its mapping ends. A second Dispose, or the Dispose of a copy, finds another number and does
/// nothing. Entries are checked out exclusively, because a thread may change processor at any moment. They never move. There are two free
/// lists, one of entries with a buffer; the heads of both carry a counter against ABA. A buffer stays with its entry for the next mapping
/// while there are at most two buffers a processor, and until <see cref="FreeIdleBuffers"/>; buffers beyond that are freed with their
/// mapping. Entries are never freed before the budget, because the Dispose of an old copy of a mapping reads them. Thread-safe.
/// </remarks>
internal sealed unsafe class MapEntries(MemoryBudget budget, int bufferSize)
{
    private const int BlockShift = 6;

    private readonly Lock _growth = new();
    private readonly BlockArray<MapEntry> _entries = new(budget, BlockShift);
    private readonly int _buffersKept = 2 * Environment.ProcessorCount;
    private uint _count;
    private int _buffers;

    // Low half: number of the first free entry plus one. High half: counts the changes of the head.
    private ulong _free;
    private ulong _freeWithBuffer;

    /// <summary>Checks out an entry for a mapping of a slot's object; false when there is no memory for it.</summary>
    /// <remarks><see cref="CountOpen"/> counts the mapping from now on.</remarks>
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
    /// Gives the mapping a buffer, and for that perhaps another entry; false, and nothing changes, when there is no memory.
    /// </summary>
    public bool TryBuffer(ref MapEntry* entry)
    {
        if (entry->Buffer is not null || TryAddBuffer(entry))
            return true;
        MapEntry* buffered = Pop(ref _freeWithBuffer);
        if (buffered is null)
            return false;
        // Opens the other entry first, so that the mapping is counted at every moment.
        Open(buffered, entry->Slot);
        Abandon(entry);
        entry = buffered;
        return true;
    }

    /// <summary>Returns an entry whose mapping was not made.</summary>
    public void Abandon(MapEntry* entry)
    {
        Volatile.Write(ref entry->Sequence, entry->Sequence + 1);
        Release(entry);
    }

    /// <summary>Counts the open mappings of a slot's object, including mappings that are being made.</summary>
    /// <remarks>Reads every entry.</remarks>
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

    /// <summary>Ends the mapping that began as <paramref name="sequence"/>; false if it has ended before.</summary>
    /// <remarks>The caller finishes it and then calls <see cref="Release"/>.</remarks>
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

    /// <summary>Frees the buffers that no mapping uses now, one by one, so that a new mapping still finds an entry.</summary>
    public void FreeIdleBuffers()
    {
        for (int left = Volatile.Read(ref _buffers); left > 0 && Pop(ref _freeWithBuffer) is var entry && entry is not null; left--)
        {
            FreeBuffer(entry);
            Push(entry);
        }
    }

    /// <summary>Frees the buffers; no mapping is open any more.</summary>
    /// <remarks>The entries stay until the budget is collected, because the Dispose of an old copy of a mapping reads them.</remarks>
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
            // Counted before they can be taken, so that CountOpen misses none.
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

    /// <summary>Takes a free entry, preferably one with a buffer; null if there is none.</summary>
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
