namespace PageFold.Frames;

// Committing memory of the operating system, and giving it back.
internal sealed unsafe partial class FrameArena
{
    // Runs of frames in one system call.
    private const int MaxRuns = 64;

    // Limits how long a commit holds the lock when many threads commit at once.
    private const uint MaxCommit = 1024;

    /// <summary>Commits cold or fresh frames, takes the first of them and leaves the others free.</summary>
    /// <remarks>The frames are charged and removed from the sets under the lock. The system call runs outside the lock.</remarks>
    private bool TryCommitBatch(out uint frame)
    {
        frame = NoFrame;
        Span<FrameRun> room = stackalloc FrameRun[MaxRuns];
        int count;
        bool isWhole = false;
        lock (_lock)
        {
            count = ChargeRuns(room, ref isWhole);
            // Another thread may have freed a frame meanwhile.
            if (count == 0)
                return TryTakeFree(NoFrame, out frame);
        }
        ReadOnlySpan<FrameRun> runs = room[..count];
        if (!_backing.TryCommit(runs))
        {
            lock (_lock)
            {
                foreach (FrameRun run in runs)
                    UndoCommit(run);
            }
            return false;
        }
        lock (_lock)
        {
            foreach (FrameRun run in runs)
            {
                for (uint i = 0; i < run.Count; i++)
                    _free.Add(run.First + i);
            }
            TryTakeFree(NoFrame, out frame);
        }
        if (isWhole)
            _onUpkeep?.Invoke();
        return true;
    }

    /// <summary>Releases a run for which the system has no memory.</summary>
    /// <remarks>Called under the lock.</remarks>
    private void UndoCommit(FrameRun run)
    {
        _huge?.Decommit(Beyond(_held, run));
        ReleaseRun(run);
        AddToCold([run]);
    }

    /// <summary>Chooses runs, cold ones before fresh ones, and charges them; returns how many.</summary>
    /// <remarks>Called under the lock.</remarks>
    private int ChargeRuns(Span<FrameRun> runs, ref bool isWhole)
    {
        uint granularity = _backing.Granularity;
        // Commits a 4096th of the frames in use ahead, but at most a sixteenth of the memory that is left.
        long ahead = Math.Min(Math.Min(_used.Count / 4096, MaxCommit), (Budget.Available + Budget.Idle) / 16 >> FrameShift);
        uint wanted = _stride == 2 ? 1 : (uint)Math.Max(granularity, ahead / granularity * granularity);
        int count = 0;
        while (wanted > 0 && count < runs.Length && TryChargeRun(wanted, out runs[count], ref isWhole))
            wanted -= Math.Min(wanted, runs[count++].Count);
        return count;
    }

    /// <summary>Charges the lowest run of cold frames, or of fresh ones if there are no cold ones.</summary>
    /// <remarks>Called under the lock.</remarks>
    private bool TryChargeRun(uint most, out FrameRun run, ref bool isWhole)
    {
        uint granularity = _backing.Granularity;
        bool cold = _cold.TryFindFirst(out uint first);
        if (!IsWithinReach(cold ? first : _fresh) && (TryReleaseSetAside() || TryFillHoles()))
            cold = _cold.TryFindFirst(out first);
        if (!cold)
        {
            first = _fresh;
            most = Math.Min(most, _backing.Capacity - first);
        }
        run = default;
        if (most == 0 || !cold && !TryChargeSets(first + Math.Max(most, _stride)))
            return false;
        if (cold)
        {
            uint length = 1;
            while (length < most && _cold.Contains(first + length))
                length++;
            most = length / granularity * granularity;
        }
        uint count = ChargeFrames(first, most, ref isWhole);
        if (count == 0)
            return false;
        run = new FrameRun(first, count);
        if (!cold)
            _fresh += Math.Max(count, _stride);
        for (uint i = 0; cold && i < count; i++)
            _cold.Remove(first + i);
        return true;
    }

    /// <summary>Charges the memory of the frame sets, which grows with the highest frame ever used.</summary>
    private bool TryChargeSets(uint frames)
    {
        uint pages = SetPages(frames);
        if (pages <= _setPagesCharged)
            return true;
        // An arena smaller than a page of bits is charged for the whole page.
        if (!Budget.TryCharge((pages - _setPagesCharged) * 4096L))
            return false;
        _setPagesCharged = pages;
        return true;
    }

    private uint SetPages(uint frames) => (_setAside is null ? 3u : 4u) * ((frames + FramesPerSetPage - 1) / FramesPerSetPage);

    /// <summary>Gives free frames back, the highest first, until <paramref name="keep"/> are left; true if any went.</summary>
    private bool TrimTo(uint keep)
    {
        bool any = false;
        while (TryTrimSome(keep, out bool more))
        {
            any = true;
            if (!more)
                break;
        }
        return any;
    }

    /// <summary>Gives back as many free frames as one system call takes; false if none went.</summary>
    private bool TryTrimSome(uint keep, out bool more)
    {
        Span<FrameRun> room = stackalloc FrameRun[MaxRuns];
        lock (_mapping)
        {
            int count = 0;
            lock (_lock)
            {
                uint most = MaxRelease;
                while (!_disposed && count < MaxRuns && _free.Count > keep && most > 0
                    && _free.TryTakeHighest(Math.Min(_free.Count - keep, most), out room[count]))
                    most -= Math.Min(most, room[count++].Count);
                _minFree = Math.Min(_minFree, _free.Count);
                _inTransit += count;
            }
            ReadOnlySpan<FrameRun> runs = room[..count];
            Budget.Faults?.InTransit?.Invoke();
            // Held frames stay committed, so the huge page under them stays too.
            SplitHugePages(runs, _held);
            int gone = _backing.Decommit(runs);
            lock (_lock)
            {
                _inTransit -= count;
                foreach (FrameRun run in runs[..gone])
                    ReleaseRun(run);
                AddToCold(runs[..gone]);
                foreach (FrameRun run in runs[gone..])
                {
                    _huge?.Commit(Beyond(_held, run));
                    for (uint i = 0; i < run.Count; i++)
                        _free.Add(run.First + i);
                }
            }
            more = gone == count;
            return gone > 0;
        }
    }
}
