using System.Runtime.InteropServices;

namespace PageFold.Frames;

/// <summary>
/// The one account of every byte that a pool or store holds: frames, tables and buffers charge it before they exist and release it after they
/// are gone, so <see cref="Used"/> never exceeds <see cref="Limit"/>, not even for a moment. Thread-safe; lock-free.
/// </summary>
internal sealed unsafe class MemoryBudget(long limit)
{
    // Blocks that are there, so that those of a forgotten owner can be freed.
    private readonly HashSet<nint> _blocks = [];
    private bool _retired;
    private long _charged;
    private long _idle;
    private long _peak;

    ~MemoryBudget()
    {
        // The blocks of an owner that is not disposed are the owner's to free, whose finalizer may run after this one.
        if (_retired)
            FreeBlocks();
    }

    /// <summary>The most that may be held, in bytes.</summary>
    public long Limit { get; } = limit;

    /// <summary>Bytes in use now: all that is charged but <see cref="Idle"/>.</summary>
    public long Used
    {
        get
        {
            while (true)
            {
                // Of one moment: a run that goes and another that comes in between would make bytes in use look like fewer than there are.
                long idle = Volatile.Read(ref _idle);
                long charged = Volatile.Read(ref _charged);
                if (Volatile.Read(ref _idle) == idle)
                    return charged - idle;
            }
        }
    }

    /// <summary>Bytes that are charged and held although nothing uses them, so that their next use needs no memory of the system.</summary>
    public long Idle => Volatile.Read(ref _idle);

    /// <summary>The most bytes ever held at once, since the start or the last <see cref="ResetPeak"/>.</summary>
    public long Peak => Volatile.Read(ref _peak);

    /// <summary>Bytes that may still be charged.</summary>
    public long Available => Limit - Volatile.Read(ref _charged);

    /// <summary>An account of what is kept aside within this one; its blocks go with this one's.</summary>
    public MemoryBudget? Part { get; set; }

    /// <summary>Has at least so many idle bytes released, or as many as one call takes; false if none were.</summary>
    public Func<long, bool>? LetIdleGo { get; set; }

    /// <summary>When set, decides at every allocation point whether it is made to fail. For tests.</summary>
    public AllocationFaults? Faults { get; init; }

    /// <summary>Charges <paramref name="bytes"/> whole, or nothing.</summary>
    public bool TryCharge(long bytes) => bytes == 0 || ChargeUpTo(bytes, bytes) == bytes;

    /// <summary>
    /// Charges bytes of a table whole, or nothing. Where they are not free but held and not used, some of what is held is let go for them:
    /// whatever else needs memory uses what is held, or can be refused; a table cannot lie there, and without it a write would be refused.
    /// </summary>
    public bool TryChargeForTable(long bytes)
    {
        while (!TryCharge(bytes))
        {
            long lacking = bytes - Available;
            // Another thread has released memory since the attempt.
            if (lacking <= 0)
                continue;
            // Nothing is let go in vain.
            if (Idle < lacking || LetIdleGo?.Invoke(lacking) != true)
                return false;
        }
        return true;
    }

    /// <summary>Charges as many whole <paramref name="unit"/>s as fit, at most <paramref name="most"/> bytes; returns the bytes charged.</summary>
    public long ChargeUpTo(long most, long unit)
    {
        long charged = Volatile.Read(ref _charged);
        while (true)
        {
            long granted = Math.Min(most, Limit - charged) / unit * unit;
            if (granted <= 0)
                return 0;
            long seen = Interlocked.CompareExchange(ref _charged, charged + granted, charged);
            if (seen == charged)
            {
                RaisePeak(charged + granted - Idle);
                return granted;
            }
            charged = seen;
        }
    }

    /// <summary>Charges bytes that are held and not used yet; false, and no change, if so many are not free.</summary>
    public bool TryChargeIdle(long bytes)
    {
        LeaveIdle(bytes);
        if (TryCharge(bytes))
            return true;
        LeaveIdle(-bytes);
        return false;
    }

    /// <summary>Idle bytes come into use.</summary>
    public void UseIdle(long bytes)
    {
        LeaveIdle(-bytes);
        RaisePeak(Used);
    }

    /// <summary>Bytes in use become idle.</summary>
    public void LeaveIdle(long bytes) => Interlocked.Add(ref _idle, bytes);

    /// <summary>
    /// Makes what is charged for something what it turned out to take; false, and no change, if so much more is not free.
    /// </summary>
    public bool TrySettle(ref long charged, long actual)
    {
        if (actual > charged && !TryCharge(actual - charged))
            return false;
        if (actual < charged)
            Release(charged - actual);
        charged = actual;
        return true;
    }

    public void Release(long bytes)
    {
        long now = Interlocked.Add(ref _charged, -bytes);
        System.Diagnostics.Debug.Assert(now >= 0, "More memory was released than was charged.");
    }

    /// <summary>Notes a block of native memory that was charged.</summary>
    public void Adopt(byte* block)
    {
        lock (_blocks)
            _blocks.Add((nint)block);
    }

    /// <summary>Frees a block of native memory and releases its charge.</summary>
    public void Free(byte* block, long length)
    {
        lock (_blocks)
        {
            if (!_blocks.Remove((nint)block))
                return;
        }
        NativeMemory.AlignedFree(block);
        Release(length);
    }

    /// <summary>Blocks that are there. For tests.</summary>
    internal int BlockCount
    {
        get
        {
            lock (_blocks)
                return _blocks.Count;
        }
    }

    /// <summary>Has the blocks that are left freed with the account: their owner is disposed.</summary>
    public void Retire()
    {
        _retired = true;
        Part?.Retire();
    }

    /// <summary>Frees the blocks that are left, whose owner was collected.</summary>
    public void FreeBlocks()
    {
        lock (_blocks)
        {
            foreach (nint block in _blocks)
                NativeMemory.AlignedFree((void*)block);
            _blocks.Clear();
        }
        Part?.FreeBlocks();
    }

    public void ResetPeak()
    {
        Volatile.Write(ref _peak, Used);
        // What was charged between the look and the write counts.
        RaisePeak(Used);
    }

    private void RaisePeak(long candidate)
    {
        long peak = Volatile.Read(ref _peak);
        while (candidate > peak)
        {
            long seen = Interlocked.CompareExchange(ref _peak, candidate, peak);
            if (seen == peak)
                return;
            peak = seen;
        }
    }
}
