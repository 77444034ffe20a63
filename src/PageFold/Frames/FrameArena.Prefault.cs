using PageFold.Frames;

namespace PageFold;

/// <content>Memory that is taken ahead and stays.</content>
/// <remarks>
/// The frames below a mark are held from <see cref="Prefault"/> on, committed or not. Those that are not committed are charged as idle
/// bytes, so that everything else that is charged finds only what is left beside them:
/// what is resident never passes the limit. Committing one of them, and giving one back, moves its bytes from idle to used and the other
/// way; that never fails and takes no system call. Where the limit has no room for all of them when the mark is made, as in a full store,
/// some are left out and held as soon as they are needed and there is.
/// </remarks>
public sealed unsafe partial class FrameArena
{
    // Frames in one system call, so that a request to end is seen in between.
    private const uint FramesPrefaultedAtOnce = 4096;

    // More would be worth an account of their own.
    private const int MostHoles = 1 << 14;
    private const int HolesFilledAtOnce = 16;

    // Frames that are not committed and below the mark, but not held, because the limit had no room for them when it was made. In no set.
    private readonly Stack<uint> _holes = new();

    // Frames below are held, but for the holes. Changed under both locks.
    private uint _held;

    /// <summary>Bytes of frames whose memory stays, committed or not.</summary>
    internal long PrefaultedBytes
    {
        get
        {
            lock (_lock)
                return (long)(_held - (uint)_holes.Count) << FrameShift;
        }
    }

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
            List<FrameRun> runs = [];
            bool isWhole;
            lock (_lock)
            {
                Throw.IfDisposed(_disposed, this);
                if (_held > 0)
                    return;
                // What was free a moment ago need not be now.
                while (!TryHold(Budget.Available - Budget.Available / 16 >> FrameShift, runs))
                    runs.Clear();
                isWhole = _holes.Count == 0;
            }
            bool done = false;
            try
            {
                foreach (FrameRun run in runs)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (Budget.Faults?.ShouldRefuse() == true || !_backing.TryPrefault(run))
                        Throw.PrefaultFailed(PrefaultedBytes, MemoryLimit);
                }
                _backing.Keep(_held, isWhole);
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
    /// Charges so many frames that are not committed, the lowest, and holds all up to the last of them, and all that are committed. Called
    /// under both locks.
    /// </summary>
    /// <param name="frames">How many.</param>
    /// <param name="runs">What is held then.</param>
    private bool TryHold(long frames, List<FrameRun> runs)
    {
        uint end = 0;
        long idle = 0;
        List<uint> holes = [];
        // The bits of their numbers too, or else there might be none for them when the rest of the limit is used up.
        for (; end < _backing.Capacity && (idle < frames || end < _fresh) && holes.Count < MostHoles && TryChargeSets(end + 1); end++)
        {
            if (!IsIdle(end) || idle++ < frames)
                AddTo(runs, end);
            else
                holes.Add(end);
        }
        if (!Budget.TryChargeIdle(Math.Min(idle, frames) << FrameShift))
            return false;
        foreach (uint hole in holes)
        {
            if (!_cold.Remove(hole))
                _setAside!.Remove(hole);
            _holes.Push(hole);
        }
        _held = end;
        return true;
    }

    private static void AddTo(List<FrameRun> runs, uint frame)
    {
        if (runs is [.., var last] && last.First + last.Count == frame && last.Count < FramesPrefaultedAtOnce)
            runs[^1] = last with { Count = last.Count + 1 };
        else
            runs.Add(new FrameRun(frame, 1));
    }

    /// <summary>Holds a few frames that there was no room for before; false if there is none now. Called under the lock.</summary>
    private bool TryFillHoles()
    {
        int filled = 0;
        for (; filled < HolesFilledAtOnce && _holes.Count > 0 && Budget.TryChargeIdle(FrameSize); filled++)
            _cold.Add(_holes.Pop());
        return filled > 0;
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
            while (_holes.TryPop(out uint hole))
                AddToCold([new FrameRun(hole, 1)]);
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

    // A hole is in none of these sets.
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
