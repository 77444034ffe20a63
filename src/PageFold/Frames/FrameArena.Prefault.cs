using PageFold.Frames;

namespace PageFold;

/// <content>Memory that is taken ahead and stays.</content>
/// <remarks>
/// The frames below a mark are held from <see cref="Prefault"/> on, committed or not. Those that are not committed are charged as idle
/// bytes, so that everything else that is charged finds only what is left beside them:
/// what is resident never passes the limit. Committing one of them, and giving one back, moves its bytes from idle to used and the other
/// way; that never fails and takes no system call.
/// </remarks>
public sealed unsafe partial class FrameArena
{
    // Frames in one system call, so that a request to end is seen in between.
    private const uint FramesPrefaultedAtOnce = 4096;

    // Frames below are held. Changed under both locks.
    private uint _held;

    /// <summary>Bytes of frames whose memory stays, committed or not.</summary>
    internal long PrefaultedBytes => (long)Volatile.Read(ref _held) << FrameShift;

    /// <summary>
    /// Has the memory of all frames come from the system now that the limit has room for, but for a sixteenth of that, and stay. Does
    /// nothing a second time.
    /// </summary>
    /// <exception cref="InsufficientMemoryException">The system has too little memory.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing gives memory back at other times than it is told.</exception>
    /// <exception cref="OperationCanceledException">A request to end came; everything is as it was.</exception>
    internal void Prefault(CancellationToken cancellationToken)
    {
        if (!_backing.CanPrefault)
            throw Throw.PrefaultNotHere();
        lock (_mapping)
        {
            lock (_lock)
            {
                Throw.IfDisposed(_disposed, this);
                if (_held > 0 || !TryHold(Budget.Available - Budget.Available / 16 >> FrameShift))
                    return;
            }
            bool done = false;
            try
            {
                for (uint first = 0; first < _held; first += FramesPrefaultedAtOnce)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    FrameRun run = new(first, Math.Min(FramesPrefaultedAtOnce, _held - first));
                    if (Budget.Faults?.ShouldRefuse() == true || !_backing.TryPrefault(run))
                        Throw.PrefaultFailed(PrefaultedBytes, MemoryLimit);
                }
                _backing.Keep(_held);
                done = true;
            }
            finally
            {
                if (!done)
                    LetGo();
            }
        }
    }

    /// <summary>
    /// Charges so many frames that are not committed, the lowest, and holds all up to the last of them. Called under both locks.
    /// </summary>
    private bool TryHold(long frames)
    {
        uint end = 0;
        long idle = 0;
        for (; idle < frames && end < _backing.Capacity; end++)
            idle += IsIdle(end) ? 1 : 0;
        // The bits of their numbers too, or else there might be none for them when the rest of the limit is used up.
        if (!TryChargeSets(end) || !Budget.TryChargeIdle(idle << FrameShift))
            return false;
        _held = end;
        return true;
    }

    /// <summary>Ends holding before it began: idle frames go back. Called under the mapping lock.</summary>
    private void LetGo()
    {
        lock (_lock)
        {
            for (uint first = 0, end; first < _held; first = Math.Max(end, first + 1))
            {
                end = first;
                while (end < _held && end - first < FramesPrefaultedAtOnce && IsIdle(end))
                    end++;
                if (end > first)
                    _backing.LetGo(new FrameRun(first, end - first));
                // One by one, so that what is in use never looks like much more than it is.
                for (uint frame = first; frame < end; frame++)
                {
                    Budget.LeaveIdle(-FrameSize);
                    Budget.Release(FrameSize);
                }
            }
            _held = 0;
            uint pages = Math.Min(SetPages(_fresh), _setPagesCharged);
            Budget.Release((_setPagesCharged - pages) * 4096L);
            _setPagesCharged = pages;
        }
    }

    /// <summary>
    /// False if there is no such frame, or only frames that are held can be charged and it is none of them. Called under the lock.
    /// </summary>
    private bool IsWithinReach(uint frame) =>
        frame < _backing.Capacity && (_held == 0 || frame < _held || Budget.Available >= FrameSize);

    private bool IsIdle(uint frame) => frame >= _fresh || _cold.Contains(frame) || _setAside?.Contains(frame) == true;

    /// <summary>
    /// Charges up to so many frames from the first on, those that are held or those that are not; returns how many. Called under the lock.
    /// </summary>
    private uint ChargeFrames(uint first, uint most)
    {
        if (first < _held)
        {
            uint count = Math.Min(most, _held - first);
            Budget.UseIdle(RunBytes(count));
            return count;
        }
        uint granularity = _backing.Granularity;
        long unit = RunBytes(granularity);
        return (uint)(Budget.ChargeUpTo(RunBytes(most), unit) / unit) * granularity;
    }

    /// <summary>Releases a run that is no longer committed. Called under the lock.</summary>
    private void ReleaseRun(FrameRun run)
    {
        uint held = run.First < _held ? Math.Min(run.Count, _held - run.First) : 0;
        Budget.LeaveIdle(RunBytes(held));
        Budget.Release(RunBytes(run.Count - held));
    }
}
