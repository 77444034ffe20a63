namespace PageFold.Frames;

// Prefaulted memory: taken from the system ahead of use, and kept.
//
// Prefault sets a mark. From then on the frames below the mark are held, committed or not. Held frames that are not committed are charged
// as idle bytes, so everything else can charge only the rest of the limit, and resident memory never exceeds the limit. Committing a held
// frame moves its bytes from idle to used; giving it back moves them from used to idle. Neither can fail and neither takes a system call.
//
// A hole is a frame below the mark that is not held. There are two sources of holes. When the mark is set, the limit may not have room for
// all frames, as in a full store. Later, a table that finds no other memory takes the memory of idle frames. A hole is held again when its
// frame is needed and there is room. From the first hole on, each commit asks the system for the memory.
internal sealed unsafe partial class FrameArena
{
    // Frames in one system call. A cancellation is noticed between calls.
    private const uint FramesPrefaultedAtOnce = 4096;

    // More holes would need an account of their own.
    private const int MaxHoles = 1 << 14;
    private const int HolesFilledAtOnce = 16;

    // Serializes calls of Prefault. Taken before the mapping lock.
    private readonly Lock _prefaulting = new();

    // The holes: frames below the mark that are neither committed nor held. They are in no set and below the first fresh frame.
    private readonly Stack<uint> _holes = new();

    // The mark: frames below it are held, except holes. Changed under both locks.
    private uint _held;

    // True when all held memory is resident, so single idle frames can be let go.
    private bool _isPrefaulted;

    /// <summary>Bytes of held frames, committed or not.</summary>
    internal long PrefaultedBytes
    {
        get
        {
            lock (_lock)
                return (long)(_held - (uint)_holes.Count) << FrameShift;
        }
    }

    /// <summary>Prefaults the frames that the limit has room for now, except a sixteenth of that room, and keeps their memory.</summary>
    /// <remarks>A second call does nothing. Other threads continue meanwhile: no lock of theirs is held while the system finds the
    /// memory.</remarks>
    /// <exception cref="InsufficientMemoryException">The system has too little memory.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing cannot keep memory.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the arena is unchanged.</exception>
    internal void Prefault(CancellationToken cancellationToken)
    {
        if (!_backing.CanPrefault)
            throw FrameThrow.PrefaultNotHere();
        lock (_prefaulting)
        {
            if (!TryRaiseMark(out List<FrameRun> runs, out bool isWhole))
                return;
            bool done = false;
            try
            {
                foreach (FrameRun run in runs)
                {
                    Budget.Faults?.Prefaulting?.Invoke();
                    cancellationToken.ThrowIfCancellationRequested();
                    if (Budget.Faults?.ShouldRefuse() == true || !_backing.TryPrefault(run))
                        FrameThrow.PrefaultFailed(PrefaultedBytes, MemoryLimit);
                }
                done = true;
            }
            finally
            {
                if (done)
                    EndPrefault(isWhole);
                else
                    LetGo();
            }
        }
        _onUpkeep?.Invoke();
    }

    /// <summary>Waits until no call of <see cref="Prefault"/> is running.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal void AwaitPrefault(CancellationToken cancellationToken)
    {
        const int MillisecondsBetweenLooks = 50;
        while (!_prefaulting.TryEnter(MillisecondsBetweenLooks))
            cancellationToken.ThrowIfCancellationRequested();
        _prefaulting.Exit();
    }

    /// <summary>Sets the mark so that frames for which the limit has room are held; false if frames are held already.</summary>
    /// <param name="runs">The held frames; their memory may not be resident yet.</param>
    /// <param name="isWhole">True if there are no holes.</param>
    private bool TryRaiseMark(out List<FrameRun> runs, out bool isWhole)
    {
        runs = [];
        isWhole = false;
        lock (_mapping)
        {
            lock (_lock)
            {
                Throw.IfDisposed(_disposed, this);
                if (_held > 0)
                    return false;
                // Retry: another thread may have charged memory since Available was read.
                while (!TryHold(Budget.Available - Budget.Available / 16 >> FrameShift, runs))
                    runs.Clear();
                isWhole = _holes.Count == 0;
                // A write that lets idle frames go must not allocate on the GC heap.
                _holes.EnsureCapacity((int)Math.Min(_held, MaxHoles));
                // From here on the backing keeps memory that is given back, although a commit does not count on it yet.
                _backing.Keep(_held, isWhole: false);
                return true;
            }
        }
    }

    private void EndPrefault(bool isWhole)
    {
        lock (_mapping)
        {
            lock (_lock)
            {
                _backing.Keep(_held, isWhole);
                _isPrefaulted = true;
                Budget.LetIdleGo = TryLetIdleGo;
            }
        }
    }

    /// <summary>Charges the lowest frames that are not committed as idle and sets the mark behind the last frame that is held.</summary>
    /// <remarks>Called under both locks.</remarks>
    /// <param name="frames">The number of frames to charge.</param>
    /// <param name="runs">Receives the held frames.</param>
    private bool TryHold(long frames, List<FrameRun> runs)
    {
        uint end = 0;
        long idle = 0;
        List<uint> holes = [];
        // Charges the bits of the frames in the sets too: there might be no memory for them once the rest of the limit is used up.
        for (; end < _backing.Capacity && (idle < frames || end < _fresh) && holes.Count < MaxHoles && TryChargeSets(end + 1); end++)
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
        for (uint frame = 0; _huge is not null && frame < end; frame++)
        {
            if (IsIdle(frame))
                _huge.Commit(new FrameRun(frame, 1));
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

    /// <summary>Holds a few of the holes; false if there is no room for any now.</summary>
    /// <remarks>Called under the lock.</remarks>
    private bool TryFillHoles()
    {
        int filled = 0;
        for (; filled < HolesFilledAtOnce && _holes.Count > 0 && Budget.TryChargeIdle(FrameSize); filled++)
        {
            uint hole = _holes.Pop();
            _huge?.Commit(new FrameRun(hole, 1));
            _cold.Add(hole);
        }
        return filled > 0;
    }

    /// <summary>Gives the memory of idle frames back to the system, so that a table can have their bytes; false if none went.</summary>
    /// <remarks>The frames become holes.</remarks>
    /// <param name="bytes">The bytes that the caller lacks.</param>
    private bool TryLetIdleGo(long bytes)
    {
        Span<FrameRun> room = stackalloc FrameRun[MaxRuns];
        lock (_mapping)
        {
            int count = 0;
            lock (_lock)
            {
                if (_disposed || !_isPrefaulted)
                    return false;
                uint most = (uint)Math.Min(bytes + FrameSize - 1 >> FrameShift, Math.Min(MaxRelease, MaxHoles - _holes.Count));
                while (count < MaxRuns && most > 0 && TryTakeIdle(most, out room[count]))
                    most -= room[count++].Count;
                if (count == 0)
                    return false;
                _inTransit += count;
                _backing.Keep(_held, isWhole: false);
            }
            ReadOnlySpan<FrameRun> runs = room[..count];
            SplitHugePages(runs, from: 0);
            bool any = false;
            foreach (FrameRun run in runs)
            {
                bool gone = _backing.TryLetGo(run);
                any |= gone;
                lock (_lock)
                    EndLettingGo(run, gone);
            }
            return any;
        }
    }

    /// <summary>Takes a run of idle frames out of its set; false if there is none.</summary>
    /// <remarks>Called under both locks.</remarks>
    private bool TryTakeIdle(uint most, out FrameRun run)
    {
        run = default;
        if (_fresh < _held && _stride == 1)
        {
            run = new FrameRun(_fresh, Math.Min(most, _held - _fresh));
            _fresh += run.Count;
            return true;
        }
        if ((!_cold.TryFindFirst(out uint first) || first >= _held) && TryReleaseSetAside())
            _cold.TryFindFirst(out first);
        uint count = 0;
        while (count < most && first < _held - count && _cold.Remove(first + count))
            count++;
        run = new FrameRun(first, count);
        return count > 0;
    }

    /// <summary>Turns idle frames into holes, or back into idle frames if the system kept their memory.</summary>
    /// <remarks>Called under both locks.</remarks>
    private void EndLettingGo(FrameRun run, bool isGone)
    {
        _inTransit--;
        if (!isGone)
        {
            _huge?.Commit(run);
            AddToCold([run]);
            return;
        }
        for (uint frame = run.First; frame < run.First + run.Count; frame++)
        {
            _holes.Push(frame);
            ReleaseIdleFrame();
        }
    }

    /// <summary>Undoes a failed prefault: idle frames go back, a part at a time, so that other threads do not wait long.</summary>
    private void LetGo()
    {
        while (true)
        {
            lock (_mapping)
            {
                lock (_lock)
                {
                    LowerMark(_held - Math.Min(_held, FramesPrefaultedAtOnce));
                    if (_held > 0)
                        continue;
                    uint pages = Math.Min(SetPages(_fresh), _setPagesCharged);
                    Budget.Release((_setPagesCharged - pages) * 4096L);
                    _setPagesCharged = pages;
                    return;
                }
            }
        }
    }

    /// <summary>Lowers the mark and lets the idle frames at or above it go.</summary>
    /// <remarks>Called under both locks.</remarks>
    private void LowerMark(uint mark)
    {
        for (uint first = mark, end; first < _held; first = Math.Max(end, first + 1))
        {
            end = first;
            while (end < _held && IsIdle(end))
                end++;
            FrameRun run = new(first, end - first);
            if (run.Count == 0)
                continue;
            SplitHugePages([run], from: 0);
            _ = _backing.TryLetGo(run);
            for (uint frame = first; frame < end; frame++)
                ReleaseIdleFrame();
        }
        // No hole was added since the mark was set, so the highest is on top.
        while (_holes.TryPeek(out uint hole) && hole >= mark)
            AddToCold([new FrameRun(_holes.Pop(), 1)]);
        _held = mark;
        _backing.Keep(mark, isWhole: false);
    }

    /// <summary>Releases one idle frame.</summary>
    /// <remarks>Callers loop over frames, so the bytes in use never seem to be much more than they are.</remarks>
    private void ReleaseIdleFrame()
    {
        Budget.LeaveIdle(-FrameSize);
        Budget.Release(FrameSize);
    }

    /// <summary>True if a frame exists and can be charged now.</summary>
    /// <remarks>Called under the lock. When the limit has no room, only held frames can be charged.</remarks>
    private bool IsWithinReach(uint frame) =>
        frame < _backing.Capacity && (_held == 0 || frame < _held || Budget.Available >= FrameSize);

    // A hole is in none of these sets.
    private bool IsIdle(uint frame) => frame >= _fresh || _cold.Contains(frame) || _setAside?.Contains(frame) == true;

    /// <summary>Charges up to <paramref name="most"/> frames, all of them held or none of them; returns how many.</summary>
    /// <remarks>Called under the lock.</remarks>
    /// <param name="first">The first frame.</param>
    /// <param name="most">The maximum.</param>
    /// <param name="isWhole">Becomes true if all frames of a block are charged now.</param>
    private uint ChargeFrames(uint first, uint most, ref bool isWhole)
    {
        if (first < _held)
        {
            // Their block counts them since they are held.
            uint held = Math.Min(most, _held - first);
            Budget.UseIdle(RunBytes(held));
            return held;
        }
        uint granularity = _backing.Granularity;
        long unit = RunBytes(granularity);
        uint count = (uint)(Budget.ChargeUpTo(RunBytes(most), unit) / unit) * granularity;
        isWhole |= _huge?.Commit(new FrameRun(first, count)) == true;
        return count;
    }

    /// <summary>Releases a run that is no longer committed.</summary>
    /// <remarks>Called under the lock.</remarks>
    private void ReleaseRun(FrameRun run)
    {
        FrameRun beyond = Beyond(_held, run);
        Budget.LeaveIdle(RunBytes(run.Count - beyond.Count));
        Budget.Release(RunBytes(beyond.Count));
    }

    /// <summary>The part of a run at or above a frame.</summary>
    private static FrameRun Beyond(uint mark, FrameRun run)
    {
        uint before = Math.Min(run.Count, mark - Math.Min(run.First, mark));
        return new FrameRun(run.First + before, run.Count - before);
    }
}
