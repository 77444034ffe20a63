using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Mapping;
using PageFold.Telemetry;

namespace PageFold;

/// <summary>
/// A pool of objects of odd sizes, off the GC heap, packed into single page frames that need not be next to each other. An object may begin
/// in one frame and end in another; it is made contiguous for as long as a caller looks at it.
/// </summary>
/// <remarks>
/// <para>
/// After the Linux kernel's zsmalloc: size classes, zspages, handles that stay while objects move, compaction. Different from it: a zspage
/// owns a frame of its chain only while an object touches that frame, so long chains waste little; and descriptors lie together, so that
/// few translations lead to them.
/// </para>
/// <para>
/// Thread-safe, <see cref="Dispose"/> included: memory goes when the last operation or mapping has ended. Allocate, free, map, read and
/// write allocate nothing on the GC heap. Freshly allocated objects are zeros, or the content they were given: no caller sees an earlier
/// owner's bytes.
/// </para>
/// <para>
/// A pool that was not disposed gives its memory back when the garbage collector finds it. If a mapping is open then, its span may be in
/// use, although no reference to the pool is left: the memory stays, and the event source <c>PageFold</c> says so by the event
/// <c>MemoryLeaked</c>.
/// </para>
/// </remarks>
public sealed unsafe partial class ZsPool : IDisposable
{
    /// <summary>The smallest frame, in bytes.</summary>
    public const int MinFrameSize = FrameArena.MinFrameSize;

    /// <summary>The largest frame, in bytes.</summary>
    public const int MaxFrameSize = FrameArena.MaxFrameSize;

    // Slots, generations, descriptors and the object itself; and the directories and bits that lead to them.
    private const int FramesOfFirstObject = 4;
    private const int TablesOfFirstObject = 28 << 10;

    private readonly FrameArena _arena;
    private readonly SlotTable _slots;
    private readonly HandleTable _handles;
    private readonly ZsHeap _heap;
    private readonly MapEntries _maps;
    private readonly MapWindows? _windows;
    private readonly RundownGate _gate;
    private readonly PoolNumbers _numbers;
    private readonly uint _number;
    private readonly Action _trimTables;

    /// <summary>Makes an empty pool.</summary>
    /// <exception cref="ArgumentNullException">There are no options.</exception>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    /// <exception cref="InvalidOperationException">4,095 pools are open in this process, the most there can be at once.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing or the way of mapping does not exist here.</exception>
    public ZsPool(ZsPoolOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _arena = options.MakeArena();
        _gate = new RundownGate(FreeEverything);
        _numbers = options.Numbers;
        bool made = false;
        try
        {
            _number = _numbers.Take(out uint origin);
            _slots = new SlotTable(_arena);
            _handles = new HandleTable(_arena, _slots, origin);
            _heap = new ZsHeap(_arena, _slots, _gate, options.SizeClasses);
            _maps = new MapEntries(_arena.Budget, _arena.FrameSize);
            _trimTables = _handles.Trim;
            if (_arena.Budget.Available < (long)FramesOfFirstObject * _arena.FrameSize + TablesOfFirstObject)
                FrameThrow.LimitTooSmall(_arena.MemoryLimit, "object", _arena.FrameSize);
            if (options.Mapping == MappingKind.Window && OperatingSystem.IsLinux())
                _windows = MapWindows.Reserve(_arena);
            _gate.WhenForgotten(Forget);
            made = true;
            PoolInstruments.Add(this, static pool => ((ZsPool)pool).GetStatistics(), options.Name);
        }
        finally
        {
            if (!made)
                FreeUnfinished();
        }
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
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public ZsHandle Allocate(int size)
    {
        if (!TryAllocate(size, out ZsHandle handle))
            FrameThrow.LimitReached(_arena.MemoryLimit, size);
        return handle;
    }

    /// <summary>Allocates an object and copies its content in, which spares the zeros.</summary>
    /// <param name="content">1 to <see cref="MaxObjectSize"/> bytes; as many are allocated.</param>
    /// <exception cref="ArgumentOutOfRangeException">The content is empty or too long.</exception>
    /// <exception cref="MemoryLimitException">The limit is reached, or the system has no memory.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public ZsHandle Allocate(ReadOnlySpan<byte> content)
    {
        if (!TryAllocate(content, out ZsHandle handle))
            FrameThrow.LimitReached(_arena.MemoryLimit, content.Length);
        return handle;
    }

    /// <summary>Allocates an object of zeros; false when the limit is reached or the system has no memory.</summary>
    /// <param name="size">Bytes, 1 to <see cref="MaxObjectSize"/>.</param>
    /// <param name="handle">The object's name.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public bool TryAllocate(int size, out ZsHandle handle)
    {
        PoolThrow.IfObjectSizeInvalid(size, MaxObjectSize, nameof(size));
        return TryAllocate(size, [], out handle);
    }

    /// <summary>Allocates an object and copies its content in; false when the limit is reached or the system has no memory.</summary>
    /// <param name="content">1 to <see cref="MaxObjectSize"/> bytes; as many are allocated.</param>
    /// <param name="handle">The object's name.</param>
    /// <exception cref="ArgumentOutOfRangeException">The content is empty or too long.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public bool TryAllocate(ReadOnlySpan<byte> content, out ZsHandle handle)
    {
        PoolThrow.IfObjectSizeInvalid(content.Length, MaxObjectSize, nameof(content));
        return TryAllocate(content.Length, content, out handle);
    }

    /// <summary>Frees an object. Its handle is not valid any more.</summary>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    /// <exception cref="ObjectMappedException">
    /// The object is mapped, or being read or written by another thread; it stays as it is.
    /// </exception>
    public void Free(ZsHandle handle)
    {
        using RundownGate.Entry entry = _gate.Enter();
        ref ulong slot = ref AcquireToFree(handle, out ulong word);
        ObjectLocation location = SlotWord.Location(word);
        SlotWord.ReleaseExclusive(ref slot, SlotWord.ForPayload(SlotKind.Empty, 0));
        _heap.Free(location);
        _handles.Expire(handle.Slot);
    }

    /// <summary>Bytes in an object, as many as were allocated.</summary>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public int SizeOf(ZsHandle handle)
    {
        using RundownGate.Entry entry = _gate.Enter();
        ref ulong slot = ref Pin(handle, out ulong word);
        SlotWord.ReleaseShared(ref slot);
        return SlotWord.Size(word);
    }

    /// <summary>Copies bytes of an object out.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="destination">Filled whole; offset and length must lie within the object.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the object.</exception>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public void Read(ZsHandle handle, int offset, Span<byte> destination)
    {
        using RundownGate.Entry entry = _gate.Enter();
        ref ulong slot = ref Pin(handle, out ulong word);
        bool inside = Contains(word, offset, destination.Length);
        if (inside)
            _heap.View(word).CopyTo(offset, destination);
        SlotWord.ReleaseShared(ref slot);
        if (!inside)
            PoolThrow.RangeOutsideObject(offset, destination.Length, SlotWord.Size(word));
    }

    /// <summary>Copies bytes into an object; the others stay.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="source">Offset and length must lie within the object.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the object.</exception>
    /// <exception cref="InvalidHandleException">The handle is stale or of another pool.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public void Write(ZsHandle handle, int offset, ReadOnlySpan<byte> source)
    {
        using RundownGate.Entry entry = _gate.Enter();
        ref ulong slot = ref Pin(handle, out ulong word);
        bool inside = Contains(word, offset, source.Length);
        if (inside)
            _heap.View(word).CopyFrom(offset, source);
        SlotWord.ReleaseShared(ref slot);
        if (!inside)
            PoolThrow.RangeOutsideObject(offset, source.Length, SlotWord.Size(word));
    }

    /// <summary>
    /// Moves objects together so that frames go back, then gives all free frames back, and idle buffers of mappings. Tables of handles of
    /// which none is valid any more go back too, unless a mapping is open or other threads keep the pool busy. Others may work meanwhile.
    /// </summary>
    /// <param name="cancellationToken">Ends the compaction early; what was done so far is returned.</param>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public CompactionResult Compact(CancellationToken cancellationToken = default)
    {
        using RundownGate.Entry entry = _gate.Enter();
        CompactionResult result = _heap.Compact(cancellationToken);
        _maps.FreeIdleBuffers();
        if (TryTrimTables(atTheLimit: false))
            _ = _arena.Trim();
        return result;
    }

    /// <summary>What the pool holds now: all figures as they were at one moment, so that they add up while other threads work.</summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public ZsPoolStatistics GetStatistics()
    {
        HeapFigures heap = new(_heap);
        using RundownGate.Entry entry = _gate.Enter();
        return heap.Read();
    }

    /// <summary>Closes the pool: every further call throws, and the memory goes when the last operation or mapping has ended.</summary>
    public void Dispose()
    {
        PoolInstruments.Remove(this);
        _heap.Close();
    }

    /// <summary>
    /// Allocates an object and fills it before its slot names it: with the content, which is as long as the object, or with zeros if that
    /// is empty.
    /// </summary>
    private bool TryAllocate(int size, ReadOnlySpan<byte> content, out ZsHandle handle)
    {
        handle = default;
        using RundownGate.Entry entry = _gate.Enter();
        if (!TryTake(size, out uint slot, out uint generation, out UnpublishedObject made)
            && !(TryTrimTables(atTheLimit: true) && TryTake(size, out slot, out generation, out made)))
            return false;
        fixed (byte* source = content)
        {
            if (content.IsEmpty)
                made.FillWithZeros(slot);
            else
                made.Fill(slot, source);
        }
        SlotWord.ReleaseExclusive(ref *_slots.Find(slot), made.Word);
        handle = new ZsHandle(slot, generation, _number);
        return true;
    }

    /// <summary>Takes a slot and an object; neither when there is no memory for both.</summary>
    private bool TryTake(int size, out uint slot, out uint generation, out UnpublishedObject made)
    {
        made = default;
        if (!_handles.TryTake(out slot, out generation) && !(_heap.ReclaimBytes() && _handles.TryTake(out slot, out generation)))
            return false;
        if (_heap.TryMake(size, owner: 0, ReserveUse.None, mayReclaim: true, out made))
            return true;
        _handles.GiveBack(slot);
        return false;
    }

    /// <summary>
    /// Gives back what the tables of handles do not need, if that is likely to be something and all others leave for a moment. The caller
    /// holds no slot.
    /// </summary>
    private bool TryTrimTables(bool atTheLimit)
    {
        if (!_handles.IsWorthTrimming(_heap.Objects, atTheLimit))
            return false;
        long before = Budget.Used;
        return _gate.TryRunAlone(_trimTables) && (Budget.Used < before || _arena.HasFree);
    }

    private void FreeEverything()
    {
        _numbers.Return(_number, _handles.GenerationsUsed);
        _heap.Dispose();
        _slots.Free();
        _handles.Free();
        _maps.FreeBuffers();
        if (OperatingSystem.IsLinux())
            _windows?.Dispose();
        _arena.Dispose();
    }

    /// <summary>Frees what a constructor that fails has made so far.</summary>
    private void FreeUnfinished()
    {
        if (_number != 0)
            _numbers.Return(_number, generations: 0);
        _heap?.Dispose();
        if (OperatingSystem.IsLinux())
            _windows?.Dispose();
        _arena.Dispose();
    }

    /// <summary>The pool was collected, undisposed or with a mapping open.</summary>
    private void Forget(bool inUse)
    {
        if (inUse)
            _numbers.Return(_number, _handles.GenerationsUsed);
        else
            FreeEverything();
        _arena.Forget(inUse);
    }
}
