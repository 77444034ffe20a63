using System.Diagnostics;

namespace PageFold.Frames;

/// <content>Huge pages under frames that are all committed: those of tables, and all others where that is asked for.</content>
/// <remarks>
/// A block of frames as long as a huge page is merged into one when every frame of it is committed, so that nothing is held that was not held before; and cut into single pages again,
/// really and not only in this process's page table, before a part of it goes back. The first touch of a block's frames is not made any cheaper; what it saves is misses of the TLB when pages
/// are loaded at random from a large store.
/// </remarks>
internal sealed unsafe partial class FrameArena
{
    // Merging copies a block, in milliseconds where the host has not backed the new page yet. The next time comes soon.
    private static readonly TimeSpan MergeTime = TimeSpan.FromMilliseconds(10);

    // An arena that gives parts of blocks back would soon cut up what is merged now.
    private const int QuietMilliseconds = 2000;

    private const int BlocksToSpare = 8;

    // Keeps blocks from being merged while parts of them go back. Taken before the arena's lock.
    private readonly Lock _mapping = new();
    private readonly HugeBlocks? _huge;

    // All blocks, not those of tables alone.
    private readonly bool _watchesAll;
    private long _lastCut;

    /// <summary>Bytes of frames that huge pages back.</summary>
    internal long HugeBytes
    {
        get
        {
            lock (_lock)
                return (_huge?.HugeCount ?? 0L) * (_huge?.FramesPerBlock ?? 0) << FrameShift;
        }
    }

    /// <summary>Merges blocks for a few milliseconds, unless some were cut up a moment ago; true if there are more.</summary>
    internal bool MergeBlocks()
    {
        if (Environment.TickCount64 - Volatile.Read(ref _lastCut) < QuietMilliseconds)
        {
            lock (_lock)
                return _huge?.HasCandidates == true;
        }
        return MergeBlocksNow();
    }

    /// <summary>Merges blocks for a few milliseconds; true if there are more.</summary>
    internal bool MergeBlocksNow()
    {
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < MergeTime)
        {
            if (!TryMergeBlock())
                return false;
        }
        lock (_lock)
            return _huge?.HasCandidates == true;
    }

    private bool TryMergeBlock()
    {
        // While a block is copied, both copies are there. That must not be the memory that somebody is about to ask for.
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
            bool merged = false;
            try
            {
                if (Budget.TryCharge(bytes))
                {
                    merged = _backing.TryMerge(block);
                    Budget.Release(bytes);
                }
            }
            finally
            {
                lock (_lock)
                {
                    _inTransit--;
                    if (merged)
                        _huge.SetHuge(block);
                }
            }
            return merged;
        }
    }

    /// <summary>
    /// Cuts up the huge pages that runs are parts of, as far as they lie beyond a mark, and counts that part as gone. The caller holds the
    /// mapping lock.
    /// </summary>
    private void LeaveBlocks(ReadOnlySpan<FrameRun> runs, uint from)
    {
        if (_huge is null)
            return;
        foreach (FrameRun whole in runs)
        {
            FrameRun run = Beyond(from, whole);
            if (run.Count == 0)
                continue;
            bool cut;
            lock (_lock)
            {
                cut = _huge.IsHuge(run);
                _huge.Decommit(run);
            }
            if (!cut)
                continue;
            _backing.Cut(run);
            Volatile.Write(ref _lastCut, Environment.TickCount64);
        }
    }
}
