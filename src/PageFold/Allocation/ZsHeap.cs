using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PageFold.Frames;
using PageFold.Interop;
using PageFold.Mapping;

namespace PageFold.Allocation;

/// <summary>
/// The allocator proper: objects of 1 byte to a frame, packed into zspages of single frames. It hands out locations and asks the objects'
/// owner before it moves one. Pools and page stores own objects by a <see cref="SlotTable"/>, a cache by its index.
/// </summary>
/// <remarks>
/// <para>
/// Thread-safe. Locks, in the order they are taken: the compaction lock, a class's latch, that of the table of zspages, the arena's two.
/// Under a class's latch an owner only tries its locks, so there is no cycle, whatever a thread holds that waits for one of these locks.
/// </para>
/// <para>
/// An object that was allocated but not published yet stays where it is: compaction moves only what the owner confirms.
/// </para>
/// </remarks>
internal sealed unsafe class ZsHeap : IDisposable
{
    private const int BackgroundDelayMilliseconds = 100;
    private const long FramesPerReclaim = 16;
    private const int MaxClassesPerReclaim = 8;
    private const int MaxRounds = 4;
    private const int MaxReserved = 4;

    // A header, bitmaps of a hundred objects and the numbers of 64 frames.
    private const int TypicalDescriptor = 320;

    // A SizeClass with its lock and list heads, as the runtime lays them out.
    private const int ManagedBytesPerClass = 320;

    private readonly Lock _compaction = new();

    // Held for as long as the upkeep is inside the gate.
    private readonly Lock _upkeep = new();
    private readonly SizeClasses _table;
    private readonly ZspageTable _zspages;
    private readonly SizeClass[] _classes;
    private readonly Timer _timer;
    private readonly RundownGate _gate;
    private readonly int _indexBits;
    private int _requested;
    private long _framesCompacted;
    private long _bytesMoved;

    public ZsHeap(FrameArena arena, IObjectOwner owner, RundownGate gate, SizeClasses table)
    {
        Arena = arena;
        Owner = owner;
        _gate = gate;
        _table = table;
        _indexBits = ZspageGeometry.IndexBitsFor(arena.FrameShift);
        ManagedBytes = _table.Geometries.Count * ManagedBytesPerClass;
        if (!arena.Budget.TryCharge(ManagedBytes))
            FrameThrow.LimitTooSmall(arena.MemoryLimit, "frame", arena.FrameSize);
        arena.Reserve((int)Math.Min(MaxReserved, arena.MemoryLimit / arena.FrameSize / 64));
        _zspages = new ZspageTable(arena);
        _classes = [.. _table.Geometries.Select((geometry, number) => new SizeClass(arena, _zspages, number, geometry))];
        arena.DeferUpkeep(RequestUpkeep);
        // A weak reference, so that a waiting timer does not keep a forgotten pool alive.
        _timer = new Timer(static state =>
            UpkeepInBackground((WeakReference<ZsHeap>)state!), new WeakReference<ZsHeap>(this), Timeout.Infinite, Timeout.Infinite);
        arena.BelongTo(gate);
    }

    /// <summary>Bytes that the classes' own records take on the GC heap; charged like any other table.</summary>
    public long ManagedBytes { get; }

    public FrameArena Arena { get; }

    /// <summary>Who keeps the locations of the objects.</summary>
    public IObjectOwner Owner { get; }

    public IReadOnlyList<SizeClass> Classes => _classes;

    /// <summary>Frames that compaction has given back so far.</summary>
    public long FramesCompacted => Volatile.Read(ref _framesCompacted);

    /// <summary>Bytes that compaction has moved so far.</summary>
    public long BytesMoved => Volatile.Read(ref _bytesMoved);

    /// <summary>Objects of all classes.</summary>
    public long Objects
    {
        get
        {
            long objects = 0;
            foreach (SizeClass sizeClass in _classes)
                objects += sizeClass.Objects;
            return objects;
        }
    }

    /// <summary>Bytes that an object of <paramref name="size"/> bytes takes.</summary>
    public int Footprint(int size) => GeometryFor(size).ObjectSize;

    /// <summary>The layout of the zspages for objects of <paramref name="size"/> bytes.</summary>
    public ZspageGeometry GeometryFor(int size) => _classes[_table.IndexFor(size)].Geometry;

    /// <summary>The word of an object in this location, which may be one of a larger class than the object's size asks for.</summary>
    public ulong WordFor(ObjectLocation location, int size, int owner) =>
        Capacity(location) == Footprint(size) ? SlotWord.ForObject(location, size, owner)
            : SlotWord.ForMisplacedObject(location, size, owner);

    /// <summary>
    /// Takes an object; its bytes and its tag are whatever was left there. False when there is no memory. The caller writes both, and then
    /// the slot.
    /// </summary>
    /// <param name="size">Bytes, 1 to a frame.</param>
    /// <param name="reserve">How far the arena's reserve may be used if there are no other frames.</param>
    /// <param name="mayReclaim">Has sparse zspages compacted if memory is short, which may wait for another compaction.</param>
    /// <param name="location">Where the object is.</param>
    public bool TryAllocate(int size, ReserveUse reserve, bool mayReclaim, out ObjectLocation location)
    {
        SizeClass sizeClass = _classes[_table.IndexFor(size)];
        if (sizeClass.TryAllocate(reserve, out location))
            return true;
        // What is freed may go to the reserve first, or to another thread.
        for (int round = 0; mayReclaim && round < MaxRounds && TryReclaim(); round++)
        {
            if (sizeClass.TryAllocate(reserve, out location))
                return true;
        }
        // Tables take their memory from the system, which free frames may hold.
        return mayReclaim && Arena.Trim() && sizeClass.TryAllocate(reserve, out location);
    }

    /// <summary>
    /// Allocates an object and asks for its memory ahead. The caller fills it and publishes its word in a slot, or frees its location.
    /// False when there is no memory.
    /// </summary>
    /// <param name="size">Bytes, 1 to a frame.</param>
    /// <param name="owner">The owner's bits of the word.</param>
    /// <param name="reserve">How far the arena's reserve may be used if there are no other frames.</param>
    /// <param name="mayReclaim">Has sparse zspages compacted if memory is short, which may wait for another compaction.</param>
    /// <param name="made">The object.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMake(int size, int owner, ReserveUse reserve, bool mayReclaim, out UnpublishedObject made)
    {
        if (!TryAllocate(size, reserve, mayReclaim, out ObjectLocation location))
        {
            made = default;
            return false;
        }
        ulong word = SlotWord.ForObject(location, size, owner);
        ObjectView view = View(word, out ulong* tag);
        Prefetch.All(view.First, view.FirstLength);
        Prefetch.All(view.Second, view.SecondLength);
        made = new UnpublishedObject(word, view, tag);
        return true;
    }

    public void Free(ObjectLocation location)
    {
        if (ClassOf(location).Free(location))
            RequestUpkeep();
    }

    /// <summary>
    /// The bytes of the object that a slot names, and its tag. The caller holds the slot, or has allocated the object and not published it
    /// yet.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ObjectView View(ulong word, out ulong* tag)
    {
        ObjectLocation location = SlotWord.Location(word);
        byte* descriptor = _zspages.At(location.Zspage(_indexBits));
        int size = SlotWord.Size(word);
        // The class is known by the size, so that of the descriptor only the line with the frame's number is touched.
        int allocatedFor = SlotWord.Kind(word) == SlotKind.Object ? size : Capacity(location);
        return _table.LayoutFor(allocatedFor).View(Arena, descriptor, location.Index(_indexBits), size, out tag);
    }

    /// <inheritdoc cref="View(ulong, out ulong*)"/>
    public ObjectView View(ulong word) => View(word, out _);

    /// <summary>The bytes of an object, all that its class has, and its tag. Under the same condition.</summary>
    public ObjectView View(ObjectLocation location, out ulong* tag)
    {
        byte* descriptor = _zspages.At(location.Zspage(_indexBits));
        return _classes[((ZspageHeader*)descriptor)->Class].View(descriptor, location.Index(_indexBits), out tag);
    }

    /// <summary>Asks ahead for the descriptor of the zspage that a slot names, which need not be there any more.</summary>
    public void PrefetchDescriptor(ulong word)
    {
        if (SlotWord.HoldsObject(word))
            Prefetch.All(_zspages.At(SlotWord.Location(word).Zspage(_indexBits)), TypicalDescriptor);
    }

    /// <summary>Bytes that the object in this location may grow to without moving.</summary>
    public int Capacity(ObjectLocation location) => ClassOf(location).Geometry.ObjectSize;

    /// <summary>Compacts all classes, down to the last frames that pay, then gives all free frames back.</summary>
    public CompactionResult Compact(CancellationToken cancellation)
    {
        CompactionResult total = default;
        for (int sizeClass = 0; sizeClass < _classes.Length; sizeClass++)
            total += CompactClass(sizeClass, cancellation);
        total = total with { WasCancelled = cancellation.IsCancellationRequested };
        Arena.Trim();
        return total;
    }

    /// <summary>Compacts one class, by its number, down to the last frames that pay.</summary>
    public CompactionResult CompactClass(int sizeClass, CancellationToken cancellation)
    {
        lock (_compaction)
            return Compact(_classes[sizeClass], thorough: true, long.MaxValue, cancellation);
    }

    /// <summary>
    /// Closes the rundown gate, and waits until upkeep that is under way has left it, which it does at its next step. So only the user's
    /// own operations can keep the memory for longer.
    /// </summary>
    public void Close()
    {
        _gate.Close();
        lock (_upkeep)
        {
        }
    }

    /// <summary>Ends the upkeep; no thread uses an object any more. The zspages' frames go with the arena.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _zspages.Free();
        Arena.Budget.Release(ManagedBytes);
    }

    private SizeClass ClassOf(ObjectLocation location) => _classes[((ZspageHeader*)_zspages.At(location.Zspage(_indexBits)))->Class];

    private CompactionResult Compact(SizeClass sizeClass, bool thorough, long maxFrames, CancellationToken cancellation)
    {
        CompactionResult result = sizeClass.Compact(Owner, thorough, maxFrames, cancellation);
        Interlocked.Add(ref _framesCompacted, result.FramesFreed);
        Interlocked.Add(ref _bytesMoved, result.BytesMoved);
        return result;
    }

    /// <summary>
    /// Frees a few frames for an allocation that found none, from the class that can spare most and will; false if none will.
    /// </summary>
    public bool TryReclaim()
    {
        lock (_compaction)
        {
            // Mapped objects may hold a class as it is; then the next has to give.
            SizeClass? sparsest = null;
            long below = long.MaxValue;
            for (int tried = 0; tried < MaxClassesPerReclaim && TryFindSparsest(ref sparsest, ref below); tried++)
            {
                if (Compact(sparsest, thorough: true, FramesPerReclaim, CancellationToken.None).FramesFreed > 0)
                    return true;
            }
            return false;
        }
    }

    /// <summary>
    /// Frees a few frames and gives all free ones back, for a table or buffer that found no memory: such memory comes from the system, not
    /// from the arena.
    /// </summary>
    /// <returns>Always true, for the caller to try once more.</returns>
    public bool ReclaimBytes()
    {
        TryReclaim();
        _ = Arena.Trim();
        return true;
    }

    /// <summary>The class that comes next after another by frames to spare, most first, and by number among equals.</summary>
    private bool TryFindSparsest([NotNullWhen(true)] ref SizeClass? sparsest, ref long reclaimable)
    {
        int after = sparsest?.Number ?? -1;
        long below = reclaimable;
        sparsest = null;
        reclaimable = 0;
        foreach (SizeClass sizeClass in _classes)
        {
            long candidate = sizeClass.ReclaimableFrames;
            bool comesLater = candidate < below || candidate == below && sizeClass.Number > after;
            if (candidate > reclaimable && comesLater)
                (sparsest, reclaimable) = (sizeClass, candidate);
        }
        return sparsest is not null;
    }

    /// <summary>
    /// Has sparse classes compacted, idle frames given back and whole blocks merged soon, by another thread: a little later, so that a run
    /// of frees is over by then.
    /// </summary>
    private void RequestUpkeep()
    {
        if (Volatile.Read(ref _requested) == 0 && Interlocked.Exchange(ref _requested, 1) == 0)
            _timer.Change(BackgroundDelayMilliseconds, Timeout.Infinite);
    }

    private static void UpkeepInBackground(WeakReference<ZsHeap> reference)
    {
        if (!reference.TryGetTarget(out ZsHeap? heap))
            return;
        lock (heap._upkeep)
            heap.Upkeep();
    }

    private void Upkeep()
    {
        if (!_gate.TryEnter(out RundownGate.Entry entry))
            return;
        using (entry)
        {
            Volatile.Write(ref _requested, 0);
            lock (_compaction)
            {
                foreach (SizeClass sizeClass in _classes)
                    Compact(sizeClass, thorough: false, long.MaxValue, _gate.Closing);
            }
            if (Arena.Decay() | Arena.CollapseBlocks())
                RequestUpkeep();
        }
    }
}
