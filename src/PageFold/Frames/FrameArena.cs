namespace PageFold.Frames;

/// <summary>An allocator of single page frames from the operating system.</summary>
/// <remarks>
/// <para>
/// No request ever needs two adjacent frames. A caller inside the library can name a neighbour that it prefers; it gets that frame only if
/// it is free.
/// </para>
/// <para>
/// A frame is in one of five states: in use; free (committed, available at once); cold (given back, its address kept); set aside for
/// tables; or fresh (never used). When no committed frame is free, one system call commits a batch of cold or fresh frames. When more
/// frames are free than a mark, the highest are given back until three quarters of the mark remain. The mark and the batch grow with the
/// frames in use and are a fraction of a percent of them.
/// </para>
/// <para>
/// If an owner calls <see cref="Decay"/> regularly, frames are given back there instead: only those that were not needed since the last
/// call. So a pool whose size goes up and down makes no system calls for it. Until then up to a sixteenth of the frames in use may be free.
/// A few frames can be kept as a reserve, for work that frees more than it takes and has to continue when the limit is reached.
/// </para>
/// <para>
/// The limit counts committed memory, in use or not, and the arena's own tables. Memory is charged before it is committed and released
/// after it is given back, so the limit is never exceeded. Thread-safe except for <see cref="Dispose"/>, which must come last.
/// </para>
/// <para>
/// If an arena was not disposed, the garbage collector frees its memory, unless a frame is in use: a span may still point to that
/// frame although there is no reference to the arena. Then the memory stays, and the event source <c>PageFold</c> raises the
/// event <c>MemoryLeaked</c>.
/// </para>
/// </remarks>
internal sealed unsafe partial class FrameArena : IDisposable
{
    /// <summary>The smallest frame, in bytes.</summary>
    public const int MinFrameSize = 4096;

    /// <summary>The largest frame, in bytes.</summary>
    public const int MaxFrameSize = 65536;

    internal const uint NoFrame = uint.MaxValue;

    // 2 TiB of 4 KiB frames.
    internal const uint MaxFrames = 1u << 29;

    private const uint MinMark = 16;
    private const uint MaxMark = 1024;
    private const uint MinDeferred = 64;
    private const int DeferredShift = 4;
    private const int DecayMilliseconds = 400;
    private const uint MaxRelease = 512;
    private const uint FramesPerSetPage = 4096 * 8;

    private readonly Lock _lock = new();
    private readonly FrameBacking _backing;
    private readonly FreeFrames _free;
    private readonly FrameSet _cold;
    private readonly FrameSet _used;
    private readonly Stack<uint> _reserve = new();
    private readonly byte** _segments;
    private readonly int _segmentShift;
    private readonly uint _segmentMask;
    private readonly uint _stride;
    private uint _fresh;
    private uint _setPagesCharged;
    private Action? _onUpkeep;

    // The smallest number of free frames since the last decay.
    private uint _minFree;
    private long _lastDecay;

    // Not zero while charged memory is neither in use nor free: it is being given back, or a collapse uses it.
    private long _inTransit;
    private int _reserveTarget;

    /// <summary>Makes an arena that holds at most <see cref="FrameArenaOptions.MemoryLimit"/> bytes.</summary>
    /// <remarks>Nothing is committed yet.</remarks>
    /// <exception cref="ArgumentNullException">There are no options.</exception>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing does not exist here.</exception>
    public FrameArena(FrameArenaOptions options)
        : this(options, MakeBudget(options))
    {
    }

    internal FrameArena(FrameArenaOptions options, MemoryBudget budget)
    {
        FrameThrow.IfFrameSizeInvalid(options.FrameSize, nameof(options.FrameSize));
        FrameSize = options.FrameSize;
        FrameShift = System.Numerics.BitOperations.Log2((uint)FrameSize);
        Budget = budget;
        _stride = options.NoNeighbours ? 2u : 1u;
        ulong frames = (ulong)(budget.Limit >> FrameShift) * _stride;
        if (frames == 0)
            FrameThrow.LimitTooSmall(budget.Limit, "frame", FrameSize);
        // A multiple of the largest segment, so that every segment is whole.
        uint capacity = (uint)Math.Min((frames + 15) & ~15ul, MaxFrames);
        bool made = false;
        try
        {
            _backing = MakeBacking(options.Backing, capacity);
            _segments = _backing.Segments;
            _segmentShift = _backing.SegmentShift;
            _segmentMask = (1u << _segmentShift) - 1;
            _free = new FreeFrames(capacity, _backing.Granularity);
            _cold = new FrameSet(capacity);
            if (_backing.FramesPerHugePage != 0 && _stride == 1)
            {
                _huge = new HugeBlocks(_backing.FramesPerHugePage);
                if (capacity / _huge.FramesPerBlock >= MinBlocks)
                    _setAside = new FrameSet(capacity);
            }
            _used = new FrameSet(capacity);
            made = true;
        }
        finally
        {
            if (!made)
                FreeParts();
        }
        // A limit too small for the records gains nothing from huge pages.
        _watchesAll = _huge is not null && options.HugePages && TryWatch(0, capacity / _huge.FramesPerBlock);
    }

    /// <summary>Bytes in a frame.</summary>
    public int FrameSize { get; }

    /// <summary>The most memory the arena holds, in bytes.</summary>
    public long MemoryLimit => Budget.Limit;

    /// <summary>Frames handed out and not yet taken back.</summary>
    public long FramesInUse => _used.Count;

    /// <summary>Bytes of committed frames, in use or free.</summary>
    public long CommittedBytes
    {
        get
        {
            lock (_lock)
                return CommittedFrames << FrameShift;
        }
    }

    /// <summary>Bytes of committed frames that are free, read without a lock.</summary>
    internal long FreeBytes => (long)_free.Count << FrameShift;

    /// <summary>True if a committed frame is free.</summary>
    internal bool HasFree
    {
        get
        {
            lock (_lock)
                return _free.Count > 0;
        }
    }

    internal int FrameShift { get; }

    internal MemoryBudget Budget { get; }

    /// <summary>The number of free committed frames above which frames are given back.</summary>
    private uint HighMark => Math.Clamp(_used.Count / 512, MinMark, MaxMark);

    /// <summary>The number of free frames above which frames are given back without waiting for a decay.</summary>
    private uint DeferredMark => Math.Max(MinDeferred, _used.Count >> DeferredShift);

    /// <summary>Bytes that a run of whole segments takes from the system, overhead included.</summary>
    private long RunBytes(long frames) => (frames << FrameShift) + frames / _backing.Granularity * _backing.SegmentOverhead;

    private long CommittedFrames => _used.Count + _free.Count + _reserve.Count;

    /// <summary>Takes a frame of zeros; false when the limit is reached or the system has no memory.</summary>
    /// <param name="frame">The frame's number.</param>
    /// <exception cref="ObjectDisposedException">The arena was disposed.</exception>
    public bool TryAllocate(out uint frame)
    {
        if (!TryAllocate(NoFrame, out frame))
            return false;
        new Span<byte>(AddressOf(frame), FrameSize).Clear();
        return true;
    }

    /// <summary>
    /// Takes the frame <paramref name="wanted"/> if it is free and committed, otherwise any frame; its content is
    /// undefined.
    /// </summary>
    internal bool TryAllocate(uint wanted, out uint frame)
    {
        frame = NoFrame;
        return Budget.Faults?.ShouldRefuse() != true && TryTakeOrCommit(wanted, out frame);
    }

    private bool TryTakeOrCommit(uint wanted, out uint frame)
    {
        lock (_lock)
        {
            Throw.IfDisposed(_disposed, this);
            if (TryTakeFree(wanted, out frame))
                return true;
        }
        if (TryCommitBatch(out frame))
            return true;
        if (Volatile.Read(ref _inTransit) == 0)
            return false;
        // Memory that is being given back, or that a collapse uses, is available when the lock is free.
        lock (_mapping)
        {
            return TryCommitBatch(out frame);
        }
    }

    /// <summary>Takes a frame as <see cref="TryAllocate(uint, out uint)"/> does, or else from the reserve as far as allowed.</summary>
    internal bool TryAllocate(uint wanted, ReserveUse use, out uint frame) =>
        TryAllocate(wanted, out frame) || TryTakeReserve(use, out frame);

    private bool TryTakeReserve(ReserveUse use, out uint frame)
    {
        frame = NoFrame;
        if (use == ReserveUse.None)
            return false;
        lock (_lock)
        {
            int keep = use == ReserveUse.Compaction ? 0 : (_reserveTarget + 1) / 2;
            if (_reserve.Count <= keep)
                return false;
            frame = _reserve.Pop();
            _used.Add(frame);
            return true;
        }
    }

    /// <summary>Sets frames aside as a reserve; where memory is missing, the next freed frames fill it up.</summary>
    internal void Reserve(int frames)
    {
        _reserve.EnsureCapacity(frames);
        for (int i = 0; i < frames && TryAllocate(NoFrame, out uint frame); i++)
        {
            lock (_lock)
            {
                _used.Remove(frame);
                _reserve.Push(frame);
            }
        }
        lock (_lock)
            _reserveTarget = frames;
    }

    /// <summary>Takes a frame back.</summary>
    /// <remarks>Its memory goes back to the operating system now or later, or serves the next request.</remarks>
    /// <exception cref="ArgumentException">The frame is not in use.</exception>
    /// <exception cref="ObjectDisposedException">The arena was disposed.</exception>
    public void Free(uint frame)
    {
        bool surplus;
        uint free;
        lock (_lock)
        {
            Throw.IfDisposed(_disposed, this);
            if (!_used.Remove(frame))
                FrameThrow.FrameNotInUse(frame);
            if (_reserve.Count < _reserveTarget)
            {
                _reserve.Push(frame);
                return;
            }
            _free.Add(frame);
            RememberFreed(frame);
            free = _free.Count;
            surplus = free > HighMark;
        }
        if (!surplus)
            return;
        if (_onUpkeep is null)
        {
            TrimTo(HighMark / 4 * 3);
            return;
        }
        if (free > DeferredMark)
            TrimTo(DeferredMark / 2);
        _onUpkeep();
    }

    /// <summary>A frame's memory, <see cref="FrameSize"/> bytes, valid until the frame is freed or the arena disposed.</summary>
    /// <exception cref="ArgumentException">The frame is not in use.</exception>
    /// <exception cref="ObjectDisposedException">The arena was disposed.</exception>
    public Span<byte> GetSpan(uint frame)
    {
        lock (_lock)
        {
            Throw.IfDisposed(_disposed, this);
            if (!_used.Contains(frame))
                FrameThrow.FrameNotInUse(frame);
        }
        return new Span<byte>(AddressOf(frame), FrameSize);
    }

    /// <summary>Gives all free frames back to the operating system, as far as the backing can.</summary>
    /// <returns>True if any went back.</returns>
    /// <exception cref="ObjectDisposedException">The arena was disposed.</exception>
    public bool Trim()
    {
        Throw.IfDisposed(_disposed, this);
        return TrimTo(0);
    }

    /// <summary>Bytes of the arena's frames in physical memory as the operating system reports them, else the committed bytes.</summary>
    /// <remarks>Walks the address space in use: for reports, not for hot paths.</remarks>
    /// <exception cref="ObjectDisposedException">The arena was disposed.</exception>
    public long MeasureResidentBytes()
    {
        Throw.IfDisposed(_disposed, this);
        long resident = _backing.CountResidentBytes(Volatile.Read(ref _fresh)) ?? CommittedBytes;
        // The collector must not unmap the addresses while the backing asks the system about them.
        GC.KeepAlive(this);
        return resident;
    }

    /// <summary>Bytes in physical memory of the first frames, used or not.</summary>
    /// <remarks>For tests.</remarks>
    /// <param name="bytes">The total size of these frames.</param>
    internal long MeasureResidentOf(long bytes)
    {
        long resident = _backing.CountResidentBytes((uint)(bytes >> FrameShift)) ?? 0;
        GC.KeepAlive(this);
        return resident;
    }

    /// <summary>The descriptor of the memory file behind the frames, which windows map; -1 where there is none.</summary>
    internal int FileDescriptor => _backing.Descriptor;

    /// <summary>The frame that contains an address of an arena over a memory file.</summary>
    internal uint FrameAt(byte* address) => (uint)((nuint)(address - _segments[0]) >> FrameShift);

    /// <summary>The address of a frame; the caller knows that the frame is in use.</summary>
    internal byte* AddressOf(uint frame) => _segments[frame >> _segmentShift] + ((nuint)(frame & _segmentMask) << FrameShift);

    private static MemoryBudget MakeBudget(FrameArenaOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new MemoryBudget(MemoryLimits.Resolve(options.MemoryLimit)) { Faults = options.Faults };
    }

    private FrameBacking MakeBacking(FrameBackingKind kind, uint capacity)
    {
        bool linux = OperatingSystem.IsLinux() && Environment.Is64BitProcess;
        if (kind == FrameBackingKind.Default)
        {
            bool pageFits = FrameSize % Environment.SystemPageSize == 0;
            kind = linux && pageFits ? FrameBackingKind.Anonymous : FrameBackingKind.Portable;
        }
        if (kind == FrameBackingKind.Portable)
            return new PortableBacking(FrameShift, capacity);
        if (kind is not (FrameBackingKind.Anonymous or FrameBackingKind.SharedMemory))
            FrameThrow.UnknownBacking(kind);
        if (!linux || !OperatingSystem.IsLinux())
            throw FrameThrow.BackingNotHere(kind);
        if (FrameSize % Environment.SystemPageSize != 0)
            FrameThrow.FrameSmallerThanPage(FrameSize);
        return MappedBacking.Reserve(FrameShift, capacity, kind == FrameBackingKind.SharedMemory);
    }

    /// <summary>Takes a free frame: the wanted one if it is free, else the lowest.</summary>
    /// <remarks>Called under the lock.</remarks>
    private bool TryTakeFree(uint wanted, out uint frame)
    {
        frame = wanted;
        if (!_free.Remove(wanted))
        {
            if (!_free.TryFindFirst(out frame))
                return false;
            _free.Remove(frame);
        }
        _minFree = Math.Min(_minFree, _free.Count);
        _used.Add(frame);
        return true;
    }
}
