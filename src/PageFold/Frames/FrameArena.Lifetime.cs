namespace PageFold.Frames;

// The end of an arena: disposed, disposed by its owner, or collected without Dispose.
//
// Spans of frames and of mapped objects hold no reference to the arena. If the collector finds the arena while a frame is in use or a
// mapping is open, the memory stays mapped until the process ends: a span may still point into it. The arena has the only finalizer of its
// parts, because finalizers run in any order. An arena that a pool or store owns has none.
internal sealed unsafe partial class FrameArena
{
    private bool _disposed;

    // A pool or store owns the arena and decides when its memory is freed.
    private bool _isOwned;

    /// <summary>Frees the memory unless frames are in use.</summary>
    ~FrameArena()
    {
        // Without a set of used frames the constructor has failed and has freed its parts.
        if (!_isOwned && _used is not null)
            Forget(inUse: _used.Count > 0);
    }

    /// <summary>Frees all memory.</summary>
    /// <remarks>The caller uses no frame from now on.</remarks>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        Budget.Release(Budget.Idle + RunBytes(CommittedFrames) + _setPagesCharged * 4096L + (_huge?.Bytes ?? 0));
        FreeParts();
        Budget.Retire();
        GC.SuppressFinalize(this);
    }

    /// <summary>Hands the decision when memory is freed to a pool or store.</summary>
    /// <param name="gate">The owner's gate: the memory is freed when no operation is inside and no mapping is open.</param>
    internal void BelongTo(RundownGate gate)
    {
        gate.WhenForgotten(Forget);
        _isOwned = true;
    }

    /// <summary>Frees the memory after the owner was collected, or reports that it stays.</summary>
    /// <remarks>Runs on the finalizer thread.</remarks>
    internal void Forget(bool inUse)
    {
        if (!inUse)
        {
            Dispose();
            Budget.FreeBlocks();
            return;
        }
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        PageFoldEvents.Log.MemoryLeaked(Budget.Used);
    }

    private void FreeParts()
    {
        _free?.Dispose();
        _cold?.Dispose();
        _setAside?.Dispose();
        _used?.Dispose();
        _backing?.Dispose();
    }
}
