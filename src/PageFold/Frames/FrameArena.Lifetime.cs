namespace PageFold.Frames;

/// <content>How an arena ends: disposed, with its owner, or forgotten.</content>
/// <remarks>
/// Spans of frames and of mapped objects hold no reference to the arena. So when the collector finds it, memory of which a frame or a
/// mapping is still out stays mapped for the rest of the process, rather than that a span leads to nothing. The arena has the only
/// finalizer of its parts, or none where a pool or store owns it: parts are found in any order.
/// </remarks>
internal sealed unsafe partial class FrameArena
{
    private bool _disposed;

    // By a pool or store, which decides when the memory goes.
    private bool _isOwned;

    /// <summary>Gives the memory back, unless frames are still out.</summary>
    ~FrameArena()
    {
        // Without a set of used frames the constructor has failed, and has freed what there was.
        if (!_isOwned && _used is not null)
            Forget(inUse: _used.Count > 0);
    }

    /// <summary>Gives everything back. No frame may be used any more.</summary>
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

    /// <summary>
    /// From now on the memory goes back with its owner, a pool or store whose gate this is: while no operation is inside and no mapping is
    /// open.
    /// </summary>
    internal void BelongTo(RundownGate gate)
    {
        gate.WhenForgotten(Forget);
        _isOwned = true;
    }

    /// <summary>
    /// Gives the memory back because no reference to the owner is left, or says that it has to stay. Runs on the finalizer's thread.
    /// </summary>
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
