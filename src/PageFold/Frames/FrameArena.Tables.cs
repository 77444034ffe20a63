namespace PageFold.Frames;

// Frames for tables.
//
// Every load reads one or two tables at random, so it misses the TLB for tables as often as it misses the cache. Frames of tables are
// therefore set aside in blocks as long and aligned as a huge page, and a block is collapsed when all of it is in use. A gigabyte of pages
// has three megabytes of tables: two TLB entries instead of eight hundred. No table needs adjacent frames: where no block can be set aside,
// any frame is used.
internal sealed unsafe partial class FrameArena
{
    // An arena with fewer blocks never fills one with tables.
    private const uint MinBlocks = 8;
    private const int MaxFreedRemembered = 16;

    // Frames of table blocks that are not committed. Null in a small arena, or where there are no huge pages.
    private readonly FrameSet? _setAside;

    // Frames of table blocks that were freed recently and may still be free: a table that is freed and made again takes the same frame.
    private readonly Stack<uint> _freedByTables = new(MaxFreedRemembered);

    /// <summary>Takes a frame for a table, with undefined content; false when there is no memory.</summary>
    /// <param name="use">How far the reserve may be used if there is no other frame.</param>
    /// <param name="frame">The frame's number.</param>
    internal bool TryAllocateForTable(ReserveUse use, out uint frame)
    {
        frame = NoFrame;
        bool refused = Budget.Faults?.ShouldRefuse() == true;
        return !refused && (TryTakeFreeForTable(out frame) || TryCommitForTable(out frame) || TryTakeOrCommit(NoFrame, out frame))
            || TryTakeReserve(use, out frame);
    }

    /// <summary>Takes a free frame that tables have used before, or any free frame if there are many.</summary>
    /// <remarks>Otherwise a frame of a table block is committed only if few frames are free: its place alone is not worth memory.</remarks>
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

    /// <summary>Remembers a freed frame if it belongs to a table block.</summary>
    /// <remarks>Called under the lock.</remarks>
    private void RememberFreed(uint frame)
    {
        if (_freedByTables.Count < MaxFreedRemembered && _huge?.IsForTables(frame) == true)
            _freedByTables.Push(frame);
    }

    /// <summary>Commits the next frame that is set aside; false if there is none, or no memory for it.</summary>
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

    /// <summary>Sets the next whole block of fresh frames aside for tables; false if there is none.</summary>
    /// <remarks>Called under the lock.</remarks>
    private bool TrySetAside(out uint first, ref bool isWhole)
    {
        first = NoFrame;
        if (_setAside is null)
            return false;
        uint block = (_fresh + _huge!.FramesPerBlock - 1) / _huge.FramesPerBlock;
        first = block * _huge.FramesPerBlock;
        if (first > _backing.Capacity || _backing.Capacity - first < _huge.FramesPerBlock
            || !TryChargeSets(first + _huge.FramesPerBlock) || !TryWatch(block, 1))
            return false;
        for (uint skipped = _fresh; skipped < first; skipped++)
            _cold.Add(skipped);
        _huge.SetForTables(block);
        _fresh = first + _huge.FramesPerBlock;
        for (uint frame = first; frame < _fresh; frame++)
            _setAside.Add(frame);
        // Held frames were charged before their block was watched, so the block counts them now.
        if (!_watchesAll && first < _held)
            isWhole |= _huge.Commit(new FrameRun(first, Math.Min(_huge.FramesPerBlock, _held - first)));
        return true;
    }

    /// <summary>Makes the frames that are set aside available for every use; false if there are none.</summary>
    /// <remarks>Called under the lock.</remarks>
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

    /// <summary>Adds frames that are not committed to the set of their block: tables or others.</summary>
    /// <remarks>Called under the lock.</remarks>
    private void AddToCold(ReadOnlySpan<FrameRun> runs)
    {
        foreach (FrameRun run in runs)
        {
            for (uint frame = run.First; frame < run.First + run.Count; frame++)
                (_huge?.IsForTables(frame) == true ? _setAside! : _cold).Add(frame);
        }
    }

    /// <summary>Makes blocks candidates for collapsing; false when there is no memory for their records.</summary>
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
