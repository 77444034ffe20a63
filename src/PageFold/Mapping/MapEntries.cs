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
/// chained on a free list whose head carries a counter against ABA. A buffer stays with its entry for the next mapping while there are no
/// more than two a processor; what nested maps needed beyond that goes back with them. Thread-safe.
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
    private ulong _head;

    /// <summary>Bytes of entries and buffers.</summary>
    public long Bytes => _entries.Bytes + (long)Volatile.Read(ref _buffers) * bufferSize;

    /// <summary>Checks out an entry, with a buffer if asked; false when there is no memory for it.</summary>
    public bool TryAcquire(bool withBuffer, out MapEntry* entry)
    {
        entry = Pop();
        while (entry is null)
        {
            if (!TryGrow())
                return false;
            entry = Pop();
        }
        if (withBuffer && entry->Buffer is null && !TryAddBuffer(entry))
        {
            entry = ExchangeForBuffered(entry);
            if (entry is null)
                return false;
        }
        Volatile.Write(ref entry->Sequence, entry->Sequence + 1);
        return true;
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
    /// Frees the buffers; no mapping is open any more. The entries stay for the Dispose of an old copy of a mapping to look at, until the budget is collected.
    /// </summary>
    public void FreeBuffers()
    {
        for (uint number = 0; number < _count; number++)
            FreeBuffer(_entries.Find(number));
    }

    /// <summary>Puts an entry back and takes one that has a buffer from further down the free list; null if there is none.</summary>
    private MapEntry* ExchangeForBuffered(MapEntry* entry)
    {
        MapEntry* found = Pop();
        MapEntry* withoutBuffer = entry;
        entry->Next = 0;
        while (found is not null && found->Buffer is null)
        {
            found->Next = withoutBuffer->Number + 1;
            withoutBuffer = found;
            found = Pop();
        }
        while (withoutBuffer is not null)
        {
            uint next = withoutBuffer->Next;
            Push(withoutBuffer);
            withoutBuffer = next == 0 ? null : _entries.Find(next - 1);
        }
        return found;
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
            if ((uint)Volatile.Read(ref _head) != 0)
                return true;
            if (!_entries.TryEnsure(_count, out MapEntry* first))
                return false;
            for (uint i = 0; i < _entries.BlockLength; i++)
            {
                first[i].Number = _count + i;
                Push(&first[i]);
            }
            _count += _entries.BlockLength;
            return true;
        }
    }

    private MapEntry* Pop()
    {
        while (true)
        {
            ulong head = Volatile.Read(ref _head);
            if ((uint)head == 0)
                return null;
            MapEntry* entry = _entries.Find((uint)head - 1);
            ulong next = (head >> 32) + 1 << 32 | Volatile.Read(ref entry->Next);
            if (Interlocked.CompareExchange(ref _head, next, head) == head)
                return entry;
        }
    }

    private void Push(MapEntry* entry)
    {
        while (true)
        {
            ulong head = Volatile.Read(ref _head);
            Volatile.Write(ref entry->Next, (uint)head);
            ulong next = (head >> 32) + 1 << 32 | entry->Number + 1;
            if (Interlocked.CompareExchange(ref _head, next, head) == head)
                return;
        }
    }
}
