using System.Diagnostics;

namespace PageFold.Frames;

// Huge pages under blocks of frames: blocks of tables, and all others on request.
//
// A block is as long and aligned as a huge page. It is collapsed into a huge page when every frame of it is committed, so collapsing holds
// no additional memory. Before a part of the block is given back, the huge page is split: in the kernel too, not only in the page table of
// this process. Huge pages do not make the first touch of frames cheaper. They save TLB misses when pages are loaded at random from a large
// store.
internal sealed unsafe partial class FrameArena
{
    // Collapsing copies a block. That takes milliseconds where a host has not backed the new page yet. The next turn comes soon.
    private static readonly TimeSpan CollapseTime = TimeSpan.FromMilliseconds(10);

    // An arena that gives parts of blocks back would soon split what is collapsed now.
    private const int QuietMilliseconds = 2000;

    private const int BlocksToSpare = 8;

    // Prevents that blocks are collapsed while parts of them are given back. Taken before the arena's lock.
    private readonly Lock _mapping = new();
    private readonly HugeBlocks? _huge;

    // True: all blocks are candidates. False: only blocks of tables.
    private readonly bool _watchesAll;
    private long _lastSplit;

    /// <summary>Bytes of frames that huge pages back.</summary>
    internal long HugeBytes
    {
        get
        {
            lock (_lock)
                return (_huge?.HugeCount ?? 0L) * (_huge?.FramesPerBlock ?? 0) << FrameShift;
        }
    }

    /// <summary>
    /// Collapses blocks for a few milliseconds, unless a huge page was split a moment ago; true if there are more
    /// blocks.
    /// </summary>
    internal bool CollapseBlocks()
    {
        if (Environment.TickCount64 - Volatile.Read(ref _lastSplit) < QuietMilliseconds)
        {
            lock (_lock)
                return _huge?.HasCandidates == true;
        }
        return CollapseBlocksNow();
    }

    /// <summary>Collapses blocks for a few milliseconds; true if there are more blocks.</summary>
    internal bool CollapseBlocksNow()
    {
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < CollapseTime)
        {
            if (!TryCollapseBlock())
                return false;
        }
        lock (_lock)
            return _huge?.HasCandidates == true;
    }

    private bool TryCollapseBlock()
    {
        // Both copies of the block exist during the collapse. Leave room for what other threads need meanwhile.
        long bytes = (long)(_huge?.FramesPerBlock ?? 0) << FrameShift;
        if (bytes == 0 || Budget.Available < bytes * BlocksToSpare)
            return false;
        lock (_mapping)
        {
            FrameRun block;
            lock (_lock)
            {
                if (_disposed || !_huge!.TryTakeCandidate(out block))
                    return false;
                _inTransit++;
            }
            bool collapsed = false;
            try
            {
                if (Budget.TryCharge(bytes))
                {
                    collapsed = _backing.TryCollapse(block);
                    Budget.Release(bytes);
                }
            }
            finally
            {
                lock (_lock)
                {
                    _inTransit--;
                    if (collapsed)
                        _huge.SetHuge(block);
                }
            }
            return collapsed;
        }
    }

    /// <summary>
    /// Splits the huge pages that contain parts of runs at or beyond frame <paramref name="from"/> and counts these parts as given
    /// back.
    /// </summary>
    /// <remarks>The caller holds the mapping lock.</remarks>
    private void SplitHugePages(ReadOnlySpan<FrameRun> runs, uint from)
    {
        if (_huge is null)
            return;
        foreach (FrameRun whole in runs)
        {
            FrameRun run = Beyond(from, whole);
            if (run.Count == 0)
                continue;
            bool wasHuge;
            lock (_lock)
            {
                wasHuge = _huge.IsHuge(run);
                _huge.Decommit(run);
            }
            if (!wasHuge)
                continue;
            _backing.Split(run);
            Volatile.Write(ref _lastSplit, Environment.TickCount64);
        }
    }
}
