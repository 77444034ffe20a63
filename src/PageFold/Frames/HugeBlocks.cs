namespace PageFold.Frames;

/// <summary>Counts the charged frames of each block and records which blocks a huge page backs.</summary>
/// <remarks>
/// A block is as long and aligned as a huge page. A frame counts from the moment it is charged, to be committed or held, until its memory
/// is given back. So a block is recorded as huge for as long as it is huge. Only watched blocks can be collapsed. Not thread-safe: the
/// arena's lock guards it.
/// </remarks>
internal sealed class HugeBlocks(uint framesPerBlock)
{
    private const int BytesPerBlock = sizeof(ushort) + sizeof(uint);

    // A block's record: the number of its charged frames, up to 512, and flags.
    private const int CountMask = (1 << 10) - 1;
    private const int ForTables = 1 << 11;
    private const int Watched = 1 << 12;
    private const int Candidate = 1 << 13;
    private const int Queued = 1 << 14;
    private const int Huge = 1 << 15;

    // Blocks that became complete at some time, each at most once.
    private readonly Queue<uint> _queue = new();
    private ushort[] _blocks = [];
    private int _candidates;

    /// <summary>Bytes of the records of so much memory in huge pages of 2 MiB.</summary>
    public static long BytesFor(long memory) => (memory >> 21) * BytesPerBlock;

    /// <summary>Frames in a block.</summary>
    public uint FramesPerBlock { get; } = framesPerBlock;

    /// <summary>Blocks that huge pages back.</summary>
    public uint HugeCount { get; private set; }

    /// <summary>True if there are complete blocks to collapse.</summary>
    public bool HasCandidates => _candidates > 0;

    /// <summary>Bytes of the records.</summary>
    public long Bytes => (long)_blocks.Length * BytesPerBlock;

    /// <summary>Additional bytes of records if the blocks before <paramref name="end"/> are watched.</summary>
    public long BytesToWatch(uint end) => (long)LengthFor(end) * BytesPerBlock - Bytes;

    /// <summary>Starts to watch blocks of which no frame is committed.</summary>
    public void Watch(uint first, uint count)
    {
        Array.Resize(ref _blocks, LengthFor(first + count));
        _queue.EnsureCapacity(_blocks.Length);
        _blocks.AsSpan((int)first, (int)count).Fill(Watched);
    }

    /// <summary>Records that a watched block is set aside for tables.</summary>
    public void SetForTables(uint block) => _blocks[block] |= ForTables;

    /// <summary>True if a frame belongs to a block that is set aside for tables.</summary>
    public bool IsForTables(uint frame) => frame / FramesPerBlock < _blocks.Length && (_blocks[frame / FramesPerBlock] & ForTables) != 0;

    /// <summary>Counts frames that are charged now; true if they complete a block.</summary>
    public bool Commit(FrameRun run)
    {
        bool whole = false;
        for (uint frame = run.First; frame < run.First + run.Count && frame / FramesPerBlock < _blocks.Length; frame++)
        {
            ref ushort block = ref _blocks[frame / FramesPerBlock];
            if ((block & Watched) == 0)
                continue;
            block++;
            if ((block & CountMask) != FramesPerBlock)
                continue;
            AddCandidate(frame / FramesPerBlock);
            whole = true;
        }
        return whole;
    }

    /// <summary>Counts frames that are being given back.</summary>
    public void Decommit(FrameRun run)
    {
        for (uint frame = run.First; frame < run.First + run.Count && frame / FramesPerBlock < _blocks.Length; frame++)
        {
            ref ushort block = ref _blocks[frame / FramesPerBlock];
            if ((block & Watched) == 0)
                continue;
            block--;
            if ((block & Candidate) != 0)
                _candidates--;
            if ((block & Huge) != 0)
                HugeCount--;
            block = (ushort)(block & ~(Candidate | Huge));
        }
    }

    /// <summary>True if a huge page backs any of these frames.</summary>
    public bool IsHuge(FrameRun run)
    {
        uint last = (run.First + run.Count - 1) / FramesPerBlock;
        for (uint block = run.First / FramesPerBlock; block <= last && block < _blocks.Length; block++)
        {
            if ((_blocks[block] & Huge) != 0)
                return true;
        }
        return false;
    }

    /// <summary>Takes the next complete block off the queue; false if there is none.</summary>
    public bool TryTakeCandidate(out FrameRun block)
    {
        while (_queue.TryDequeue(out uint number))
        {
            bool whole = (_blocks[number] & Candidate) != 0;
            _blocks[number] = (ushort)(_blocks[number] & ~(Queued | Candidate));
            if (!whole)
                continue;
            _candidates--;
            block = new FrameRun(number * FramesPerBlock, FramesPerBlock);
            return true;
        }
        block = default;
        return false;
    }

    /// <summary>Records that a huge page backs a block.</summary>
    public void SetHuge(FrameRun block)
    {
        _blocks[block.First / FramesPerBlock] |= Huge;
        HugeCount++;
    }

    private int LengthFor(uint end) => end <= _blocks.Length ? _blocks.Length : Math.Max((int)end, 2 * _blocks.Length);

    private void AddCandidate(uint block)
    {
        if ((_blocks[block] & Queued) == 0)
            _queue.Enqueue(block);
        _blocks[block] |= Candidate | Queued;
        _candidates++;
    }
}
