namespace PageFold.Frames;

/// <summary>
/// Which blocks of frames, each as long and aligned as a huge page, are committed whole, and which of those one huge page backs now. Not thread-safe: the arena's lock guards it.
/// </summary>
internal sealed class HugeBlocks(uint capacity, uint framesPerBlock) : IDisposable
{
    private readonly ushort[] _committed = new ushort[capacity / framesPerBlock + 1];
    private readonly bool[] _huge = new bool[capacity / framesPerBlock + 1];

    // Committed whole, and not looked at since.
    private readonly FrameSet _candidates = new(capacity / framesPerBlock + 1);

    /// <summary>Frames in a block.</summary>
    public uint FramesPerBlock { get; } = framesPerBlock;

    /// <summary>Blocks that huge pages back.</summary>
    public uint HugeCount { get; private set; }

    /// <summary>True if there are blocks that a huge page might back.</summary>
    public bool HasCandidates => _candidates.Count > 0;

    /// <summary>Bytes of such records.</summary>
    public static long BytesFor(uint capacity, uint framesPerBlock) => (capacity / framesPerBlock + 1L) * (sizeof(ushort) + sizeof(bool)) + capacity / framesPerBlock / 8;

    /// <summary>Counts frames that are committed now.</summary>
    public void Commit(FrameRun run)
    {
        for (uint frame = run.First; frame < run.First + run.Count; frame++)
        {
            uint block = frame / FramesPerBlock;
            if (++_committed[block] == FramesPerBlock)
                _candidates.Add(block);
        }
    }

    /// <summary>Counts frames that are going back.</summary>
    public void Decommit(FrameRun run)
    {
        for (uint frame = run.First; frame < run.First + run.Count; frame++)
        {
            uint block = frame / FramesPerBlock;
            if (_committed[block]-- == FramesPerBlock)
                _candidates.Remove(block);
            if (_huge[block])
                HugeCount--;
            _huge[block] = false;
        }
    }

    /// <summary>True if a huge page backs any of these frames.</summary>
    public bool IsHuge(FrameRun run)
    {
        for (uint block = run.First / FramesPerBlock; block <= (run.First + run.Count - 1) / FramesPerBlock; block++)
        {
            if (_huge[block])
                return true;
        }
        return false;
    }

    /// <summary>Takes the next block to be backed by a huge page off the list; false if there is none.</summary>
    public bool TryTakeCandidate(out FrameRun block)
    {
        block = default;
        if (!_candidates.TryFindFirst(out uint number))
            return false;
        _candidates.Remove(number);
        block = new FrameRun(number * FramesPerBlock, FramesPerBlock);
        return true;
    }

    /// <summary>Notes that a huge page backs a block.</summary>
    public void SetHuge(FrameRun block)
    {
        _huge[block.First / FramesPerBlock] = true;
        HugeCount++;
    }

    public void Dispose() => _candidates.Dispose();
}
