namespace PageFold.Frames;

/// <content>Memory that is taken ahead and stays.</content>
/// <remarks>
/// <para>
/// The frames below a mark are held from <see cref="Prefault"/> on, committed or not. Those that are not committed are charged as idle
/// bytes, so that everything else that is charged finds only what is left beside them:
/// what is resident never passes the limit. Committing one of them, and giving one back, moves its bytes from idle to used and the other
/// way; that never fails and takes no system call.
/// </para>
/// <para>
/// Holes are frames below the mark that are not held. Where the limit has no room for all frames when the mark is made, as in a full store,
/// some are left out. Later, a table that finds no other memory has idle frames let go. A hole is held again as soon as its frame is
/// needed and there is room. While there are holes, and from then on, a commit asks the system whether the memory is there.
/// </para>
/// </remarks>
internal sealed unsafe partial class FrameArena
{
    // Frames in one system call, so that a request to end is seen in between.
    private const uint FramesPrefaultedAtOnce = 4096;

    // More would be worth an account of their own.
    private const int MostHoles = 1 << 14;
    private const int HolesFilledAtOnce = 16;

    // One call of Prefault at a time. Taken before the mapping lock.
    private readonly Lock _prefaulting = new();

    // Frames that are not committed and below the mark, but not held. In no set; all below the first fresh one.
    private readonly Stack<uint> _holes = new();

    // Frames below are held, but for the holes. Changed under both locks.
    private uint _held;

    // All that is held is there, so idle frames can be let go one by one.
    private bool _isPrefaulted;

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
    /// nothing a second time. Other threads go on meanwhile: no lock of theirs is held while the system finds the memory.
    /// </summary>
    /// <exception cref="InsufficientMemoryException">The system has too little memory.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing gives memory back at other times than it is told.</exception>
    /// <exception cref="OperationCanceledException">A request to end came; everything is as it was.</exception>
    internal void Prefault(CancellationToken cancellationToken)
    {
        if (!_backing.CanPrefault)
            throw Throw.PrefaultNotHere();
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
                        Throw.PrefaultFailed(PrefaultedBytes, MemoryLimit);
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

    /// <summary>Waits until no call of <see cref="Prefault"/> is under way.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal void AwaitPrefault(CancellationToken cancellationToken)
    {
        const int MillisecondsBetweenLooks = 50;
        while (!_prefaulting.TryEnter(MillisecondsBetweenLooks))
            cancellationToken.ThrowIfCancellationRequested();
        _prefaulting.Exit();
    }

    /// <summary>Holds what the limit has room for; false if frames are held already.</summary>
    /// <param name="runs">What is held; its memory may not be there yet.</param>
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
                // What was free a moment ago need not be now.
                while (!TryHold(Budget.Available - Budget.Available / 16 >> FrameShift, runs))
                    runs.Clear();
                isWhole = _holes.Count == 0;
                // A write that lets frames go allocates nothing on the GC heap.
                _holes.EnsureCapacity((int)Math.Min(_held, MostHoles));
                // What goes back from here on stays, although a commit does not count on it yet.
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

    /// <summary>Holds a few of the frames that are holes; false if there is no room for any now. Called under the lock.</summary>
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

    /// <summary>
    /// Lets idle frames go, at least so many bytes of them if there are as many, so that what grows beside frames can have their bytes:
    /// their memory goes back to the system and they become holes. False if none went.
    /// </summary>
    private bool TryLetIdleGo(long bytes)
    {
        Span<FrameRun> room = stackalloc FrameRun[MostRuns];
        lock (_mapping)
        {
            int count = 0;
            lock (_lock)
            {
                if (_disposed || !_isPrefaulted)
                    return false;
                uint most = (uint)Math.Min(bytes + FrameSize - 1 >> FrameShift, Math.Min(LargestRelease, MostHoles - _holes.Count));
                while (count < MostRuns && most > 0 && TryTakeIdle(most, out room[count]))
                    most -= room[count++].Count;
                if (count == 0)
                    return false;
                _inTransit += count;
                _backing.Keep(_held, isWhole: false);
            }
            ReadOnlySpan<FrameRun> runs = room[..count];
            LeaveBlocks(runs, from: 0);
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

    /// <summary>Takes a run of idle frames, out of its set; false if there is none. Called under both locks.</summary>
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

    /// <summary>
    /// Makes holes of frames that were idle; idle ones again if the system has kept their memory. Called under both locks.
    /// </summary>
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

    /// <summary>Ends holding before it began: idle frames go back. Some at a time, so that other threads do not wait for all.</summary>
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

    /// <summary>Lets all idle frames from a number on go, and holds no frame from there on. Called under both locks.</summary>
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
            LeaveBlocks([run], from: 0);
            _ = _backing.TryLetGo(run);
            for (uint frame = first; frame < end; frame++)
                ReleaseIdleFrame();
        }
        // None was added since the mark was made, so the highest is the first.
        while (_holes.TryPeek(out uint hole) && hole >= mark)
            AddToCold([new FrameRun(_holes.Pop(), 1)]);
        _held = mark;
        _backing.Keep(mark, isWhole: false);
    }

    /// <summary>One by one, so that what is in use never looks like much more than it is.</summary>
    private void ReleaseIdleFrame()
    {
        Budget.LeaveIdle(-FrameSize);
        Budget.Release(FrameSize);
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
    /// <param name="first">The first frame.</param>
    /// <param name="most">How many at the most.</param>
    /// <param name="isWhole">Becomes true if all frames of a block are charged now.</param>
    private uint ChargeFrames(uint first, uint most, ref bool isWhole)
    {
        if (first < _held)
        {
            // Counted in their block since they are held.
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

    /// <summary>Releases a run that is no longer committed. Called under the lock.</summary>
    private void ReleaseRun(FrameRun run)
    {
        FrameRun beyond = Beyond(_held, run);
        Budget.LeaveIdle(RunBytes(run.Count - beyond.Count));
        Budget.Release(RunBytes(beyond.Count));
    }

    /// <summary>The part of a run from a frame on.</summary>
    private static FrameRun Beyond(uint mark, FrameRun run)
    {
        uint before = Math.Min(run.Count, mark - Math.Min(run.First, mark));
        return new FrameRun(run.First + before, run.Count - before);
    }
}
