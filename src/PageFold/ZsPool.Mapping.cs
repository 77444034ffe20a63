using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold;

// Mappings: an object stays where it is until the mapping is disposed.
public sealed unsafe partial class ZsPool
{
    /// <summary>
    /// How often an object can be mapped or viewed at once. A slot counts up to 127 readers; the other places are for <see cref="Read"/>,
    /// <see cref="Write"/> and <see cref="SizeOf"/>, which wait for one another but could not wait for a mapping that their own thread
    /// holds.
    /// </summary>
    public const int MaxMappings = 64;

    // Taken only for objects with so many readers that their mappings have to be counted.
    private readonly Lock _crowded = new();

    /// <summary>
    /// Makes an object contiguous for reading until the result is disposed. Mappings may nest and may be disposed in any order; an object
    /// can be mapped <see cref="MaxMappings"/> times at once.
    /// </summary>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="InvalidOperationException">The object is mapped as often as it can be.</exception>
    /// <exception cref="MemoryLimitException"> There is no memory for the entry of one more mapping, or for the buffer of one more
    /// straddling object.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public ZsReadMap MapRead(ZsHandle handle)
    {
        MapEntry* entry = OpenEntry(handle, inOnePiece: true, out ObjectView view, out byte* bytes);
        entry->CopyBack = false;
        if (bytes is null)
        {
            bytes = entry->Buffer;
            view.CopyTo(bytes);
        }
        return new ZsReadMap(Open(entry), new ReadOnlySpan<byte>(bytes, view.Length));
    }

    /// <summary>Makes an object contiguous for writing until the result is disposed: see <see cref="MapRead"/>.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="mode">What the mapping shows at first.</param>
    /// <exception cref="ArgumentOutOfRangeException">The mode is none of the two.</exception>
    /// <inheritdoc cref="MapRead" path="/exception"/>
    public ZsMap Map(ZsHandle handle, MapMode mode = MapMode.ReadWrite)
    {
        PoolThrow.IfMapModeInvalid(mode);
        MapEntry* entry = OpenEntry(handle, inOnePiece: true, out ObjectView view, out byte* bytes);
        bool copied = bytes is null;
        entry->CopyBack = copied;
        Span<byte> span = new(copied ? entry->Buffer : bytes, view.Length);
        if (mode == MapMode.Write)
            span.Clear();
        else if (copied)
            view.CopyTo(entry->Buffer);
        return new ZsMap(Open(entry), span);
    }

    /// <summary>
    /// Shows an object as it lies, in one part or two, for reading until the result is disposed. It counts as a mapping.
    /// </summary>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="InvalidOperationException">The object is mapped as often as it can be.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for the entry of one more mapping.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public ZsReadView ViewRead(ZsHandle handle)
    {
        MapEntry* entry = OpenEntry(handle, inOnePiece: false, out ObjectView view, out _);
        entry->CopyBack = false;
        return new ZsReadView(Open(entry), view.FirstSpan, view.SecondSpan);
    }

    /// <summary>
    /// Shows an object as it lies, in one part or two, for writing until the result is disposed. It counts as a mapping.
    /// </summary>
    /// <inheritdoc cref="ViewRead" path="/exception"/>
    public ZsView View(ZsHandle handle)
    {
        MapEntry* entry = OpenEntry(handle, inOnePiece: false, out ObjectView view, out _);
        entry->CopyBack = false;
        return new ZsView(Open(entry), view.FirstSpan, view.SecondSpan);
    }

    private OpenMapping Open(MapEntry* entry) => new(this, entry->Number, entry->Sequence);

    /// <summary>Ends a mapping, once.</summary>
    internal void Unmap(uint number, ulong sequence)
    {
        if (!_maps.TryEnd(number, sequence, out MapEntry* entry))
            return;
        ref ulong slot = ref *_slots.Find(entry->Slot);
        if (entry->CopyBack)
            _heap.View(Volatile.Read(ref slot)).CopyFrom(entry->Buffer);
        if (entry->Window != 0 && OperatingSystem.IsLinux())
            _windows!.Unmap(entry->Window - 1);
        int stripe = entry->Stripe;
        SlotWord.ReleaseShared(ref slot);
        _maps.Release(entry);
        _gate.Exit(stripe);
    }

    /// <summary>
    /// Opens an entry for an object and pins it. If it is to be in one piece, <paramref name="bytes"/> is where, or null if it has to be
    /// copied into the entry's buffer.
    /// </summary>
    private MapEntry* OpenEntry(ZsHandle handle, bool inOnePiece, out ObjectView view, out byte* bytes)
    {
        int stripe = _gate.Enter().Stripe;
        MapEntry* entry = null;
        bool pinned = false;
        bool opened = false;
        int window = -1;
        try
        {
            ref ulong slot = ref SlotOf(handle, out uint* generation);
            // The entry before the object is pinned, so that a count of an object's mappings misses none that has pinned it.
            if (!_maps.TryAcquire(handle.Slot, out entry) && !(_heap.ReclaimBytes() && _maps.TryAcquire(handle.Slot, out entry)))
                FrameThrow.LimitReached(_arena.MemoryLimit, _arena.FrameSize);
            Pin(handle, ref slot, generation, out ulong word);
            pinned = true;
            if (SlotWord.Readers(word) >= MaxMappings)
                Admit(handle, ref entry);
            view = _heap.View(word);
            bytes = view.IsContiguous ? view.First : null;
            bool windowed = inOnePiece && bytes is null && TryShow(view, out window, out bytes);
            if (inOnePiece && bytes is null && !_maps.TryBuffer(ref entry) && !(_heap.ReclaimBytes() && _maps.TryBuffer(ref entry)))
                FrameThrow.LimitReached(_arena.MemoryLimit, _arena.FrameSize);
            entry->Stripe = stripe;
            entry->Window = windowed ? window + 1 : 0;
            opened = true;
            return entry;
        }
        finally
        {
            // An open mapping stays inside the gate until it is disposed.
            if (!opened)
            {
                if (pinned)
                    SlotWord.ReleaseShared(ref *_slots.Find(handle.Slot));
                if (entry is not null)
                    _maps.Abandon(entry);
                _gate.Exit(stripe);
            }
        }
    }

    /// <summary>
    /// Counts the mappings of a pinned object that has many readers, and refuses one too many. Fewer readers cannot be more mappings; so
    /// this is exact: what was pinned before is seen, and what is pinned later comes here too.
    /// </summary>
    private void Admit(ZsHandle handle, ref MapEntry* entry)
    {
        lock (_crowded)
        {
            if (_maps.CountOpen(handle.Slot) <= MaxMappings)
                return;
            // Within the lock, so that of two that take the last place one gets it.
            _maps.Abandon(entry);
            entry = null;
        }
        PoolThrow.TooManyMaps(handle, MaxMappings);
    }

    private bool TryShow(in ObjectView view, out int window, out byte* bytes)
    {
        if (_windows is not null && OperatingSystem.IsLinux())
            return _windows.TryMap(view, out window, out bytes);
        window = -1;
        bytes = null;
        return false;
    }
}
