using System.Runtime.InteropServices;

namespace PageFold.Frames;

/// <summary>The account of every byte that a pool or store holds.</summary>
/// <remarks>
/// Frames, tables and buffers are charged before they exist and released after they are gone, so <see cref="Used"/> never exceeds
/// <see cref="Limit"/>. Thread-safe. Charging and releasing are lock-free.
/// </remarks>
internal sealed unsafe class MemoryBudget(long limit)
{
    // The blocks that exist, so that the blocks of a collected owner can be freed.
    private readonly HashSet<nint> _blocks = [];
    private bool _retired;
    private long _limit = limit;
    private long _charged;
    private long _idle;
    private long _peak;

    ~MemoryBudget()
    {
        // Without Dispose the owner frees the blocks; its finalizer may run after this one.
        if (_retired)
            FreeBlocks();
    }

    /// <summary>The maximum that <see cref="Limit"/> can be set to.</summary>
    public long MaxLimit { get; } = limit;

    /// <summary>The maximum, in bytes.</summary>
    /// <remarks>If it is set below what is charged, nothing more is charged until enough was released.</remarks>
    public long Limit
    {
        get => Volatile.Read(ref _limit);
        set => Volatile.Write(ref _limit, value);
    }

    /// <summary>Bytes in use now: all charged bytes except <see cref="Idle"/>.</summary>
    public long Used
    {
        get
        {
            while (true)
            {
                // Both values of one moment: if one run were released and another charged in between, the difference would be too small.
                long idle = Volatile.Read(ref _idle);
                long charged = Volatile.Read(ref _charged);
                if (Volatile.Read(ref _idle) == idle)
                    return charged - idle;
            }
        }
    }

    /// <summary>Bytes that are charged and held but not used, so that their next use needs no memory of the system.</summary>
    public long Idle => Volatile.Read(ref _idle);

    /// <summary>The maximum of <see cref="Used"/> since the start or the last <see cref="ResetPeak"/>.</summary>
    public long Peak => Volatile.Read(ref _peak);

    /// <summary>Bytes that may still be charged.</summary>
    public long Available => Limit - Volatile.Read(ref _charged);

    /// <summary>An account for memory that is set aside within this one; its blocks are freed with this one's.</summary>
    public MemoryBudget? Part { get; set; }

    /// <summary>Releases at least so many idle bytes, or as many as one call can; false if it released none.</summary>
    public Func<long, bool>? LetIdleGo { get; set; }

    /// <summary>When set, decides which allocations fail.</summary>
    /// <remarks>For tests.</remarks>
    public AllocationFaults? Faults { get; init; }

    /// <summary>Charges <paramref name="bytes"/> completely, or nothing.</summary>
    public bool TryCharge(long bytes) => bytes == 0 || ChargeUpTo(bytes, bytes) == bytes;

    /// <summary>Charges bytes completely, or nothing; takes idle bytes if there are no others.</summary>
    /// <remarks>
    /// For what cannot lie in a held frame: a table, without which a write would be refused, and the memory of a task, which would find
    /// none in a budget that is held as a whole.
    /// </remarks>
    public bool TryChargeTakingIdle(long bytes)
    {
        while (!TryCharge(bytes))
        {
            long lacking = bytes - Available;
            // Another thread has released memory since the attempt.
            if (lacking <= 0)
                continue;
            // Idle bytes are released only if they suffice.
            if (Idle < lacking || LetIdleGo?.Invoke(lacking) != true)
                return false;
        }
        return true;
    }

    /// <summary>
    /// Charges as many whole <paramref name="unit"/>s as fit, up to <paramref name="most"/> bytes; returns the bytes
    /// charged.
    /// </summary>
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

    /// <summary>Charges bytes that are held but not used yet; false, and nothing is charged, if they are not available.</summary>
    public bool TryChargeIdle(long bytes)
    {
        LeaveIdle(bytes);
        if (TryCharge(bytes))
            return true;
        LeaveIdle(-bytes);
        return false;
    }

    /// <summary>Moves bytes from idle to used.</summary>
    public void UseIdle(long bytes)
    {
        LeaveIdle(-bytes);
        RaisePeak(Used);
    }

    /// <summary>Moves bytes from used to idle.</summary>
    public void LeaveIdle(long bytes) => Interlocked.Add(ref _idle, bytes);

    /// <summary>Adjusts a charge to the actual size; false, and nothing changes, if the additional bytes are not available.</summary>
    public bool TryAdjust(ref long charged, long actual)
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

    /// <summary>Records a block of native memory that was charged.</summary>
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

    /// <summary>The number of blocks that exist.</summary>
    /// <remarks>For tests.</remarks>
    internal int BlockCount
    {
        get
        {
            lock (_blocks)
                return _blocks.Count;
        }
    }

    /// <summary>Lets the finalizer free the remaining blocks: their owner is disposed.</summary>
    public void Retire()
    {
        _retired = true;
        Part?.Retire();
    }

    /// <summary>Frees the remaining blocks; their owner was collected.</summary>
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
        // Counts what was charged between the read and the write.
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
