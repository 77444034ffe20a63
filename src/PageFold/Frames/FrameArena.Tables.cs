namespace PageFold.Frames;

/// <content>Frames for tables.</content>
/// <remarks>
/// Every load goes by way of a table or two, at random, so the translations of tables are missed as often as their contents. Their frames are therefore set aside a block at a time, as long
/// and aligned as a huge page, and a block is merged once all of it is in use: a gigabyte of pages has three megabytes of tables, which then take two entries of the TLB instead
/// of eight hundred. Nothing needs those frames to be neighbours; where none can be set aside, any frame will do.
/// </remarks>
internal sealed unsafe partial class FrameArena
{
    // An arena of fewer blocks never fills one with tables.
    private const uint FewestBlocks = 8;
    private const int MostFreedRemembered = 16;

    // Frames of such blocks that are not committed; there is no such set in a small arena, or where there are no huge pages.
    private readonly FrameSet? _setAside;

    // Frames of such blocks that came back a moment ago and may still be free: a table that comes and goes takes the same frame again.
    private readonly Stack<uint> _freedByTables = new(MostFreedRemembered);

    /// <summary>Takes a frame for a table, with whatever content; false when there is no memory.</summary>
    /// <param name="use">How far the reserve may be used if there are no other frames.</param>
    /// <param name="frame">The frame's number.</param>
    internal bool TryAllocateForTable(ReserveUse use, out uint frame)
    {
        frame = NoFrame;
        bool refused = Budget.Faults?.ShouldRefuse() == true;
        return !refused && (TryTakeFreeForTable(out frame) || TryCommitForTable(out frame) || TryTakeOrCommit(NoFrame, out frame)) || TryTakeReserve(use, out frame);
    }

    /// <summary>
    /// Takes a free frame that tables have used before, or any where many are free: memory is not committed for the sake of its place alone.
    /// </summary>
    private bool TryTakeFreeForTable(out uint frame)
    {
        lock (_lock)
        {
            Throw.IfDisposed(_disposed, this);
            while (_freedByTables.TryPop(out frame))
            {
                if (_free.Contains(frame))
                    return TryTakeFree(frame, out frame);
            }
            frame = NoFrame;
            return _free.Count > HighMark && TryTakeFree(NoFrame, out frame);
        }
    }

    /// <summary>Remembers a frame that has come free, if it is of a block of tables. Called under the lock.</summary>
    private void RememberFreed(uint frame)
    {
        if (_freedByTables.Count < MostFreedRemembered && _huge?.IsForTables(frame) == true)
            _freedByTables.Push(frame);
    }

    /// <summary>Commits the next of the frames that were set aside; false if there is no such frame, or no memory for it.</summary>
    private bool TryCommitForTable(out uint frame)
    {
        FrameRun run;
        bool isWhole = false;
        lock (_lock)
        {
            Throw.IfDisposed(_disposed, this);
            frame = NoFrame;
            uint next = NoFrame;
            bool found = _setAside?.TryFindFirst(out next) == true || TrySetAside(out next, ref isWhole);
            if (!found || ChargeFrames(next, 1, ref isWhole) == 0)
                return false;
            _setAside!.Remove(next);
            run = new FrameRun(next, 1);
        }
        bool committed = _backing.TryCommit([run]);
        lock (_lock)
        {
            if (!committed)
            {
                UndoCommit(run);
                return false;
            }
            _used.Add(run.First);
        }
        if (isWhole)
            _onUpkeep?.Invoke();
        frame = run.First;
        return true;
    }

    /// <summary>Sets the next whole block of fresh frames aside; false if there is none. Called under the lock.</summary>
    private bool TrySetAside(out uint first, ref bool isWhole)
    {
        first = NoFrame;
        if (_setAside is null)
            return false;
        uint block = (_fresh + _huge!.FramesPerBlock - 1) / _huge.FramesPerBlock;
        first = block * _huge.FramesPerBlock;
        if (first > _backing.Capacity || _backing.Capacity - first < _huge.FramesPerBlock || !TryChargeSets(first + _huge.FramesPerBlock) || !TryWatch(block, 1))
            return false;
        for (uint skipped = _fresh; skipped < first; skipped++)
            _cold.Add(skipped);
        _huge.SetForTables(block);
        _fresh = first + _huge.FramesPerBlock;
        for (uint frame = first; frame < _fresh; frame++)
            _setAside.Add(frame);
        // Those that are held were charged before anything watched their block.
        if (!_watchesAll && first < _held)
            isWhole |= _huge.Commit(new FrameRun(first, Math.Min(_huge.FramesPerBlock, _held - first)));
        return true;
    }

    /// <summary>Lets anybody have what is left of the frames that were set aside; false if nothing is. Called under the lock.</summary>
    private bool TryReleaseSetAside()
    {
        if (_setAside is null || _setAside.Count == 0)
            return false;
        while (_setAside.TryFindFirst(out uint frame))
        {
            _setAside.Remove(frame);
            _cold.Add(frame);
        }
        return true;
    }

    /// <summary>Notes that frames are not committed, and whose they are when they are needed again. Called under the lock.</summary>
    private void AddToCold(ReadOnlySpan<FrameRun> runs)
    {
        foreach (FrameRun run in runs)
        {
            for (uint frame = run.First; frame < run.First + run.Count; frame++)
                (_huge?.IsForTables(frame) == true ? _setAside! : _cold).Add(frame);
        }
    }

    /// <summary>Has blocks merged as soon as they are committed whole; false when there is no memory to keep count.</summary>
    private bool TryWatch(uint first, uint count)
    {
        if (_watchesAll)
            return true;
        if (!Budget.TryCharge(_huge!.BytesToWatch(first + count)))
            return false;
        _huge.Watch(first, count);
        return true;
    }
}
