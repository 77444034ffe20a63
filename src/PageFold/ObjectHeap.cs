using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold;

/// <summary>
/// A heap of objects of odd sizes for an owner that keeps their locations itself: what a <see cref="ZsPool"/> is without its handles.
/// </summary>
/// <remarks>
/// <para>
/// For data structures that have a table of their own, such as a cache with its index: a handle would cost 12 bytes an object and one more
/// cache miss an access. An object costs its bytes and 8 for the tag, rounded up to 16. The price is care: the heap trusts its owner, and
/// asks it before it moves an object (<see cref="IObjectOwner"/>).
/// </para>
/// <para>
/// Objects, charges and buffers are taken and freed inside (<see cref="Enter"/>), by many threads at once; nothing there allocates on the
/// GC heap. A location that was not allocated, or was freed, is not recognised.
/// </para>
/// <para>
/// Thread-safe, <see cref="Dispose"/> included: memory goes when the last operation has left. The memory of a heap that was not disposed
/// goes when the garbage collector finds it.
/// </para>
/// </remarks>
public sealed class ObjectHeap : IDisposable
{
    // Descriptors and the object itself; and the directories and bits that lead to them.
    private const int FramesOfFirstObject = 2;
    private const int TablesOfFirstObject = 20 << 10;

    private readonly FrameArena _arena;
    private readonly RundownGate _gate;
    private readonly ZsHeap _heap;
    private readonly Action? _finished;

    /// <summary>Makes an empty heap.</summary>
    /// <param name="options">The options.</param>
    /// <param name="owner">The owner of the objects; compaction may call it as soon as it has objects.</param>
    /// <param name="finished">
    /// Runs once, when the heap was disposed and the last operation has left, before the memory goes, on the thread that was last. Not if
    /// the heap is collected undisposed. Default null.
    /// </param>
    /// <exception cref="ArgumentNullException">There are no options, or no owner.</exception>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing does not exist here.</exception>
    public ObjectHeap(ObjectHeapOptions options, IObjectOwner owner, Action? finished = null)
    {
        _finished = finished;
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(owner);
        PoolThrow.IfLimitInvalid(options.MemoryLimit, options.MaxMemoryLimit);
        _arena = options.MakeArena();
        bool made = false;
        try
        {
            _gate = new RundownGate(Finish);
            _heap = new ZsHeap(_arena, owner, _gate, SizeClasses.For(options.FrameSize, SizeClasses.DefaultMaxChain));
            if (_arena.Budget.Available < (long)FramesOfFirstObject * _arena.FrameSize + TablesOfFirstObject)
                FrameThrow.LimitTooSmall(_arena.MemoryLimit, "object", _arena.FrameSize);
            _gate.WhenForgotten(Forget);
            made = true;
        }
        finally
        {
            if (!made)
            {
                _heap?.Dispose();
                _arena.Dispose();
            }
        }
    }

    /// <summary>The largest object, in bytes: one frame.</summary>
    public int MaxObjectSize => _arena.FrameSize;

    /// <summary>The most that <see cref="MemoryLimit"/> can be set to.</summary>
    public long MaxMemoryLimit => _arena.Budget.MaxLimit;

    /// <summary>The most memory the heap holds, in bytes.</summary>
    /// <remarks>
    /// Set below <see cref="UsedBytes"/>, nothing is allocated until the owner has freed enough; free frames go back at once.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not positive, or above <see cref="MaxMemoryLimit"/>.</exception>
    /// <exception cref="ObjectDisposedException">Set after the heap was disposed.</exception>
    public long MemoryLimit
    {
        get => _arena.Budget.Limit;
        set
        {
            PoolThrow.IfLimitInvalid(value, MaxMemoryLimit);
            using RundownGate.Entry entry = _gate.Enter();
            _arena.Budget.Limit = value;
            if (UsedBytes > value)
                _ = _arena.Trim();
        }
    }

    /// <summary>All bytes held: frames, tables, buffers, and what the owner charged.</summary>
    public long UsedBytes => _arena.Budget.Used;

    /// <summary>Bytes that may still be taken; negative while the limit is below <see cref="UsedBytes"/>.</summary>
    public long AvailableBytes => _arena.Budget.Available;

    /// <summary>Begins an operation of the owner, which disposes the result.</summary>
    /// <exception cref="ObjectDisposedException">The heap was disposed.</exception>
    public HeapAccess Enter() => new(_gate.Enter());

    /// <summary>Begins an operation of the owner, which disposes <paramref name="access"/>; false if the heap was disposed.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The access disposes the entry.")]
    public bool TryEnter(out HeapAccess access)
    {
        bool entered = _gate.TryEnter(out RundownGate.Entry entry);
        access = new HeapAccess(entry);
        return entered;
    }

    /// <summary>Bytes that an object of <paramref name="size"/> bytes takes: rounded up to its class, without the tag's 8.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public int Footprint(int size)
    {
        PoolThrow.IfObjectSizeInvalid(size, MaxObjectSize, nameof(size));
        return _heap.Footprint(size);
    }

    /// <summary>
    /// Allocates an object; false when the limit is reached or the system has no memory. Its bytes and its tag are whatever was left there:
    /// the owner writes both, and then publishes the location.
    /// </summary>
    /// <param name="size">Bytes, 1 to <see cref="MaxObjectSize"/>.</param>
    /// <param name="mayCompact">
    /// Compacts a little when memory is short, which may wait for another compaction; so the caller holds nothing that
    /// <see cref="IObjectOwner.TryBeginMove"/> only tries, except for a short time.
    /// </param>
    /// <param name="location">Where the object is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public bool TryAllocate(int size, bool mayCompact, out ObjectLocation location)
    {
        PoolThrow.IfObjectSizeInvalid(size, _arena.FrameSize, nameof(size));
        return _heap.TryAllocate(size, ReserveUse.None, mayCompact, out location);
    }

    /// <summary>The bytes of an object where they lie.</summary>
    public unsafe HeapObject View(ObjectLocation location)
    {
        ObjectView view = _heap.View(location, out ulong* tag);
        return new HeapObject(view, tag);
    }

    /// <summary>Frees an object that is not published any more and that no thread reads.</summary>
    public void Free(ObjectLocation location) => _heap.Free(location);

    /// <summary>Charges bytes that the owner holds elsewhere to the heap's limit; false if they do not fit.</summary>
    /// <param name="bytes">Zero or more.</param>
    public bool TryCharge(long bytes)
    {
        Throw.IfNegative(bytes, nameof(bytes));
        return _arena.Budget.TryCharge(bytes);
    }

    /// <summary>Releases bytes that were charged.</summary>
    public void Release(long bytes)
    {
        Throw.IfNegative(bytes, nameof(bytes));
        _arena.Budget.Release(bytes);
    }

    /// <summary>
    /// Allocates a block of zeros that is charged to the limit; false when the limit is reached or the system has no memory.
    /// </summary>
    /// <remarks>
    /// For tables and buffers of the owner, which are no objects: they do not move. Aligned to 64 bytes. A heap that ends frees what its
    /// owner has not freed.
    /// </remarks>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="buffer">The block.</param>
    public bool TryAllocateBuffer(int length, out Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        bool allocated = NativeBuffer.TryAllocateForTable(_arena.Budget, length, out NativeBuffer block);
        buffer = allocated ? block.Span : [];
        return allocated;
    }

    /// <summary>Frees a block, given whole.</summary>
    public unsafe void FreeBuffer(Span<byte> buffer)
    {
        if (!buffer.IsEmpty)
            NativeBuffer.Free(_arena.Budget, (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer)), buffer.Length);
    }

    /// <summary>
    /// Compacts a little and gives all free frames back, for a buffer or a charge that found no memory: such memory does not come from
    /// frames. True if anything went back; may wait for another compaction.
    /// </summary>
    public bool TryMakeRoom() => _heap.TryReclaim() | _arena.Trim();

    /// <summary>Moves objects together so that frames go back, then gives all free frames back. Others may work meanwhile.</summary>
    /// <param name="cancellationToken">Ends the compaction early; what was done so far is returned.</param>
    /// <exception cref="ObjectDisposedException">The heap was disposed.</exception>
    public CompactionResult Compact(CancellationToken cancellationToken = default)
    {
        using RundownGate.Entry entry = _gate.Enter();
        return _heap.Compact(cancellationToken);
    }

    /// <summary>What the heap holds now, all figures as they were at one moment.</summary>
    /// <exception cref="ObjectDisposedException">The heap was disposed.</exception>
    public ZsPoolStatistics GetStatistics()
    {
        HeapFigures heap = new(_heap);
        using RundownGate.Entry entry = _gate.Enter();
        return heap.Read();
    }

    /// <summary>Closes the heap: every further operation is refused, and the memory goes when the last one has left.</summary>
    public void Dispose() => _heap.Close();

    private void Finish()
    {
        _finished?.Invoke();
        FreeEverything();
    }

    private void FreeEverything()
    {
        _heap.Dispose();
        _arena.Budget.FreeBlocks();
        _arena.Dispose();
    }

    /// <summary>The heap was collected, undisposed.</summary>
    private void Forget(bool inUse)
    {
        if (!inUse)
            FreeEverything();
        _arena.Forget(inUse);
    }
}
