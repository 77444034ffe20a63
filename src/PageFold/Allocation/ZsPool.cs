using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Interop;
using PageFold.Mapping;

namespace PageFold;

/// <summary>
/// A pool of objects of odd sizes, off the GC heap, packed into single page frames that need not be next to each other. An object may begin in one
/// frame and end in another; it is made contiguous for as long as somebody looks at it.
/// </summary>
/// <remarks>
/// <para>
/// After the Linux kernel's zsmalloc: size classes, zspages, handles that stay while objects move, compaction. Different from it: a zspage owns a frame of
/// its chain only while an object touches that frame, so long chains waste little; and descriptors lie together, so that few translations lead to them.
/// </para>
/// <para>
/// Thread-safe, <see cref="Dispose"/> included: memory goes when the last operation or mapping has ended. Allocate, free, map, read and write allocate nothing on the
/// GC heap. Freshly allocated objects are zeros, or the content they were given: nobody sees an earlier owner's bytes.
/// </para>
/// </remarks>
public sealed unsafe class ZsPool : IDisposable
{
    private const int SpinsBeforeRefusal = 40;

    // Slots, generations, descriptors and the object itself; and the directories and bits that lead to them.
    private const int FramesOfFirstObject = 4;
    private const int TablesOfFirstObject = 28 << 10;

    private readonly FrameArena _arena;
    private readonly SlotTable _slots;
    private readonly HandleTable _handles;
    private readonly ZsHeap _heap;
    private readonly MapEntries _maps;
    private readonly MapWindows? _windows;
    private readonly Gate _gate;
    private readonly PoolNumber _number;

    /// <summary>Makes an empty pool.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    public ZsPool(ZsPoolOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _arena = options.MakeArena();
        _gate = new Gate(FreeEverything);
        _slots = new SlotTable(_arena);
        _handles = new HandleTable(_arena, _slots);
        _heap = new ZsHeap(_arena, _slots, _gate, options.SizeClasses);
        _maps = new MapEntries(_arena.Budget, _arena.FrameSize);
        if (_arena.Budget.Available < (long)FramesOfFirstObject * _arena.FrameSize + TablesOfFirstObject)
        {
            _heap.Dispose();
            _arena.Dispose();
            Throw.LimitTooSmall(_arena.MemoryLimit, _arena.FrameSize);
        }
        try
        {
            if (options.Mapping == MappingKind.Window && OperatingSystem.IsLinux())
                _windows = MapWindows.Reserve(_arena);
        }
        catch
        {
            _heap.Dispose();
            _arena.Dispose();
            throw;
        }
        _number = new PoolNumber();
    }

    /// <summary>The largest object, in bytes: one frame.</summary>
    public int MaxObjectSize => _arena.FrameSize;

    /// <summary>The most memory the pool holds, in bytes.</summary>
    public long MemoryLimit => _arena.MemoryLimit;

    internal ZsHeap Heap => _heap;

    internal HandleTable Handles => _handles;

    internal MemoryBudget Budget => _arena.Budget;

    /// <summary>Allocates an object of zeros.</summary>
    /// <param name="size">Bytes, 1 to <see cref="MaxObjectSize"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    /// <exception cref="MemoryLimitException">The limit is reached, or the system has no memory.</exception>
    public ZsHandle Allocate(int size)
    {
        if (!TryAllocate(size, out ZsHandle handle))
            Throw.LimitReached(_arena.MemoryLimit, size);
        return handle;
    }

    /// <summary>Allocates an object and copies its content in, which spares the zeros.</summary>
    /// <param name="content">1 to <see cref="MaxObjectSize"/> bytes; as many are allocated.</param>
    /// <exception cref="ArgumentOutOfRangeException">The content is empty or too long.</exception>
    /// <exception cref="MemoryLimitException">The limit is reached, or the system has no memory.</exception>
    public ZsHandle Allocate(ReadOnlySpan<byte> content)
    {
        if (!TryAllocate(content, out ZsHandle handle))
            Throw.LimitReached(_arena.MemoryLimit, content.Length);
        return handle;
    }

    /// <summary>Allocates an object of zeros; false when the limit is reached or the system has no memory.</summary>
    /// <inheritdoc cref="Allocate(int)"/>
    public bool TryAllocate(int size, out ZsHandle handle) => TryAllocate(size, [], out handle);

    /// <summary>Allocates an object and copies its content in; false when the limit is reached or the system has no memory.</summary>
    /// <inheritdoc cref="Allocate(ReadOnlySpan{byte})"/>
    public bool TryAllocate(ReadOnlySpan<byte> content, out ZsHandle handle) => TryAllocate(content.Length, content, out handle);

    /// <summary>Frees an object. Its handle is not valid any more.</summary>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="ObjectMappedException">The object is mapped, or being read or written by another thread; it stays as it is.</exception>
    public void Free(ZsHandle handle)
    {
        int stripe = _gate.Enter();
        try
        {
            ref ulong slot = ref AcquireToFree(handle, out ulong word);
            ObjectLocation location = SlotWord.Location(word);
            SlotWord.ReleaseExclusive(ref slot, SlotWord.ForPayload(SlotKind.Empty, 0));
            _heap.Free(location);
            _handles.Expire(handle.Slot);
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Bytes in an object, as many as were allocated.</summary>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    public int SizeOf(ZsHandle handle)
    {
        int stripe = _gate.Enter();
        try
        {
            ref ulong slot = ref Pin(handle, out ulong word);
            SlotWord.ReleaseShared(ref slot);
            return SlotWord.Size(word);
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>
    /// Makes an object contiguous until the result is disposed. Mappings may nest and may be disposed in any order; an object can be mapped 127 times at once.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The mode is none of the three.</exception>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for the buffer of one more straddling object.</exception>
    public ZsMap Map(ZsHandle handle, MapMode mode)
    {
        Throw.IfMapModeInvalid(mode);
        MapEntry* entry = OpenEntry(handle, inOnePiece: true, out ObjectView view, out byte* bytes);
        bool reads = (mode & MapMode.Read) != 0;
        bool copied = bytes is null;
        entry->CopyBack = copied && (mode & MapMode.Write) != 0;
        Span<byte> span = new(copied ? entry->Buffer : bytes, view.Length);
        if (!reads)
            span.Clear();
        else if (copied)
            view.CopyTo(entry->Buffer);
        return new ZsMap(this, span, entry->Number, entry->Sequence);
    }

    /// <summary>Shows an object as it lies, in one part or two, until the result is disposed.</summary>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for the entry of one more mapping.</exception>
    public ZsView View(ZsHandle handle)
    {
        MapEntry* entry = OpenEntry(handle, inOnePiece: false, out ObjectView view, out _);
        entry->CopyBack = false;
        return new ZsView(this, view.FirstSpan, view.SecondSpan, entry->Number, entry->Sequence);
    }

    /// <summary>Copies bytes of an object out.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="destination">Filled whole; offset and length must lie within the object.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the object.</exception>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    public void Read(ZsHandle handle, int offset, Span<byte> destination)
    {
        int stripe = _gate.Enter();
        try
        {
            ref ulong slot = ref Pin(handle, out ulong word);
            bool inside = Contains(word, offset, destination.Length);
            if (inside)
                _heap.View(word).CopyTo(offset, destination);
            SlotWord.ReleaseShared(ref slot);
            if (!inside)
                Throw.RangeOutsideObject(offset, destination.Length, SlotWord.Size(word));
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Copies bytes into an object; the others stay.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="source">Offset and length must lie within the object.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the object.</exception>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    public void Write(ZsHandle handle, int offset, ReadOnlySpan<byte> source)
    {
        int stripe = _gate.Enter();
        try
        {
            ref ulong slot = ref Pin(handle, out ulong word);
            bool inside = Contains(word, offset, source.Length);
            if (inside)
                _heap.View(word).CopyFrom(offset, source);
            SlotWord.ReleaseShared(ref slot);
            if (!inside)
                Throw.RangeOutsideObject(offset, source.Length, SlotWord.Size(word));
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Moves objects together so that frames go back, then gives all free frames back. Others may work meanwhile.</summary>
    public CompactionResult Compact(CancellationToken cancellationToken = default)
    {
        int stripe = _gate.Enter();
        try
        {
            return _heap.Compact(cancellationToken);
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>What the pool holds now: all figures as they were at one moment, so that they add up while other threads work.</summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public ZsPoolStatistics GetStatistics()
    {
        HeapFigures heap = new(_heap);
        int stripe = _gate.Enter();
        try
        {
            heap.Enter();
            heap.Exit();
            IReadOnlyList<SizeClassStatistics> classes = heap.Classes;
            return new ZsPoolStatistics
            {
                Objects = classes.Sum(sizeClass => sizeClass.Objects),
                ObjectBytes = classes.Sum(sizeClass => sizeClass.Objects * sizeClass.ObjectSize),
                PoolBytes = heap.PoolBytes,
                TableBytes = heap.TableBytes,
                PeakBytes = heap.PeakBytes,
                MemoryLimit = Budget.Limit,
                FramesCompacted = _heap.FramesCompacted,
                BytesMoved = _heap.BytesMoved,
                Classes = classes,
            };
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Closes the pool: every further call throws, and the memory goes when the last operation or mapping has ended.</summary>
    public void Dispose() => _heap.Close();

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

    private static bool Contains(ulong word, int offset, int length) =>
        (uint)offset <= (uint)SlotWord.Size(word) && length <= SlotWord.Size(word) - offset;

    /// <summary>Allocates an object and fills it before its slot names it: with the content, which is as long as the object, or with zeros if that is empty.</summary>
    private bool TryAllocate(int size, ReadOnlySpan<byte> content, out ZsHandle handle)
    {
        Throw.IfObjectSizeInvalid(size, MaxObjectSize);
        handle = default;
        int stripe = _gate.Enter();
        try
        {
            if (!_handles.TryTake(out uint slot, out uint generation) && !(_heap.ReclaimBytes() && _handles.TryTake(out slot, out generation)))
                return false;
            if (!_heap.TryAllocate(size, ReserveUse.None, mayReclaim: true, out ObjectLocation location))
            {
                _handles.GiveBack(slot);
                return false;
            }
            ulong word = SlotWord.ForObject(location, size);
            ObjectView view = _heap.View(word, out ulong* tag);
            Prefetch.All(view.First, view.FirstLength);
            Prefetch.All(view.Second, view.SecondLength);
            fixed (byte* source = content)
            {
                if (content.IsEmpty)
                    view.Clear();
                else
                    view.CopyFrom(source);
            }
            *tag = slot;
            SlotWord.ReleaseExclusive(ref *_slots.Find(slot), word);
            handle = new ZsHandle(slot, generation, _number.Value);
            return true;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Pins an object and opens an entry for it. If it is to be in one piece, <paramref name="bytes"/> is where, or null if it has to be copied into the entry's buffer.</summary>
    private MapEntry* OpenEntry(ZsHandle handle, bool inOnePiece, out ObjectView view, out byte* bytes)
    {
        int stripe = _gate.Enter();
        bool opened = false;
        int window = -1;
        try
        {
            ref ulong slot = ref Pin(handle, out ulong word);
            view = _heap.View(word);
            bytes = view.IsContiguous ? view.First : null;
            bool windowed = inOnePiece && bytes is null && TryShow(view, out window, out bytes);
            bool withBuffer = inOnePiece && bytes is null;
            opened = _maps.TryAcquire(withBuffer, out MapEntry* entry) || _heap.ReclaimBytes() && _maps.TryAcquire(withBuffer, out entry);
            if (!opened)
            {
                if (windowed && OperatingSystem.IsLinux())
                    _windows!.Unmap(window);
                SlotWord.ReleaseShared(ref slot);
                Throw.LimitReached(_arena.MemoryLimit, _arena.FrameSize);
            }
            entry->Slot = handle.Slot;
            entry->Stripe = stripe;
            entry->Window = windowed ? window + 1 : 0;
            return entry;
        }
        finally
        {
            // An open mapping stays inside the gate until it is disposed.
            if (!opened)
                _gate.Exit(stripe);
        }
    }

    private bool TryShow(in ObjectView view, out int window, out byte* bytes)
    {
        if (_windows is not null && OperatingSystem.IsLinux())
            return _windows.TryMap(view, out window, out bytes);
        window = -1;
        bytes = null;
        return false;
    }

    private ref ulong SlotOf(ZsHandle handle, out uint* generation)
    {
        if (handle.Pool != _number.Value)
            Throw.ForeignHandle(handle);
        if (!_handles.TryFind(handle, out ulong* slot, out generation))
            Throw.StaleHandle(handle);
        return ref *slot;
    }

    /// <summary>Keeps the object of a valid handle from moving and from being freed.</summary>
    private ref ulong Pin(ZsHandle handle, out ulong word)
    {
        ref ulong slot = ref SlotOf(handle, out uint* generation);
        SharedOutcome outcome = SlotWord.TryAcquireShared(ref slot, out word);
        if (outcome == SharedOutcome.Empty)
            Throw.StaleHandle(handle);
        if (outcome == SharedOutcome.Saturated)
            ThrowSaturated(handle, *generation);
        if (Volatile.Read(ref *generation) != handle.Generation)
        {
            SlotWord.ReleaseShared(ref slot);
            Throw.StaleHandle(handle);
        }
        return ref slot;
    }

    private static void ThrowSaturated(ZsHandle handle, uint generation)
    {
        if (generation != handle.Generation)
            Throw.StaleHandle(handle);
        Throw.TooManyMaps(handle, SlotWord.MaxReaders);
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
                Throw.StaleHandle(handle);
            _heap.PrefetchDescriptor(word);
            if (!SlotWord.IsLocked(word) && SlotWord.TryAcquireExclusive(ref slot, word))
            {
                if (Volatile.Read(ref *generation) == handle.Generation)
                    return ref slot;
                SlotWord.ReleaseExclusive(ref slot, word);
                Throw.StaleHandle(handle);
            }
            // A reader may be gone in a moment: a copy in or out, or somebody with a stale handle. A mapping stays.
            if (SlotWord.Readers(word) > 0 && spin.Count > SpinsBeforeRefusal)
            {
                // Generations only count up, so this one was stale before whatever is mapped now came.
                if (Volatile.Read(ref *generation) != handle.Generation)
                    Throw.StaleHandle(handle);
                Throw.ObjectIsMapped(handle);
            }
            spin.SpinOnce();
        }
    }

    private void FreeEverything()
    {
        _number.Dispose();
        _heap.Dispose();
        _slots.Free();
        _handles.Free();
        _maps.FreeBuffers();
        if (OperatingSystem.IsLinux())
            _windows?.Dispose();
        _arena.Dispose();
    }
}
