namespace PageFold.Caching.Eviction;

/// <summary>Estimates how often keys were seen lately, in two bytes an entry and 8 KiB.</summary>
/// <remarks>
/// <para>
/// A count-min sketch with conservative increment and aging, as in TinyLFU (Einziger, Friedman, Manes, ACM Transactions on Storage 2017).
/// All counters of a key lie in one block of 32 bytes, half a cache line: four rows of sixteen counters of four bits, one counter of each
/// row. The highest four bits of the last row, which has fifteen counters, are the block's epoch.
/// </para>
/// <para>
/// Aging: after some times as many additions as there are entries, all counters are halved. That is done by advancing the sketch's epoch. A
/// block that is behind is halved when it is next written, and an estimate halves what it reads. A walk over the blocks, one for every
/// eight additions, brings all of them up to date long before the four bits wrap.
/// </para>
/// <para>An estimate is at least the true number of additions since the last halving, up to 15. Not thread-safe.</para>
/// </remarks>
internal sealed unsafe class FrequencySketch : IDisposable
{
    /// <summary>The highest estimate.</summary>
    public const int Saturation = 15;

    private const int BlockBytes = 32;
    private const int EpochShift = 60;
    private const ulong EpochMask = 0xFUL << EpochShift;
    private const ulong Halves = 0x7777_7777_7777_7777;
    private const int LeastBlocks = 256;
    private const int EntriesPerBlock = 16;
    private const int AdditionsPerWalkStep = 8;

    private readonly BlockTable _blocks;
    private readonly ulong _seed;
    private readonly int _additionsPerEntry;
    private ulong _epoch;
    private int _walk;
    private long _period;

    private FrequencySketch(CacheMemory memory, ulong seed, int additionsPerEntry)
    {
        _additionsPerEntry = additionsPerEntry;
        _period = additionsPerEntry;
        _blocks = new BlockTable(memory, BlockBytes);
        _seed = seed;
    }

    /// <summary>Gets the additions since the last halving.</summary>
    public long Additions { get; private set; }

    /// <summary>Gets the bytes that the sketch holds.</summary>
    public long HeldBytes => _blocks.HeldBytes;

    /// <summary>Makes a sketch of the least size, 8 KiB; null when memory is refused.</summary>
    /// <param name="memory">Where the blocks come from.</param>
    /// <param name="seed">A secret of the cache.</param>
    /// <param name="additionsPerEntry">After how many additions for each entry that fits into the cache the counters are halved.</param>
    public static FrequencySketch? TryCreate(CacheMemory memory, ulong seed, int additionsPerEntry)
    {
        FrequencySketch sketch = new(memory, seed, additionsPerEntry);
        while (sketch._blocks.Count < LeastBlocks)
        {
            if (!sketch._blocks.TryGrow(out _))
            {
                sketch.Dispose();
                return null;
            }
        }
        return sketch;
    }

    /// <summary>Counts a key.</summary>
    public void Add(uint hash)
    {
        ulong mixed = HashMixing.Mix(hash, _seed);
        ulong* rows = (ulong*)_blocks.Find((uint)mixed);
        BringUpToDate(rows);
        int first = Shift(mixed, 0), second = Shift(mixed, 1), third = Shift(mixed, 2), fourth = LastShift(mixed);
        int least = Least(rows, first, second, third, fourth);
        if (least < Saturation)
        {
            // Conservative increment: a counter that is above the least belongs to other keys too.
            rows[0] += Step(rows[0], first, least);
            rows[1] += Step(rows[1], second, least);
            rows[2] += Step(rows[2], third, least);
            rows[3] += Step(rows[3], fourth, least);
        }
        if (++Additions >= _period)
            Age();
        if (Additions % AdditionsPerWalkStep == 0)
            WalkOn();
    }

    /// <summary>Estimates how often a key was counted, 0 to 15. Writes nothing.</summary>
    public int Estimate(uint hash)
    {
        ulong mixed = HashMixing.Mix(hash, _seed);
        ulong* rows = (ulong*)_blocks.Find((uint)mixed);
        int least = Least(rows, Shift(mixed, 0), Shift(mixed, 1), Shift(mixed, 2), LastShift(mixed));
        return least >> (int)EpochsBehind(rows);
    }

    /// <summary>
    /// Moves the size of the table towards a number of entries, by at most two blocks; memory that is refused leaves it as it is.
    /// </summary>
    /// <param name="entries">Entries that are in the cache; they give the table's size.</param>
    /// <param name="capacity">Entries that fit into the cache; they give the time between halvings.</param>
    public void Adapt(long entries, long capacity)
    {
        _period = Math.Max(1, capacity) * _additionsPerEntry;
        long wanted = Math.Min(LeastBlocks + (entries / EntriesPerBlock), int.MaxValue / 2);
        if (_blocks.Count < wanted)
        {
            for (int i = 0; i < 2 && _blocks.Count < wanted; i++)
            {
                if (!TrySplit())
                    return;
            }
        }
        else if (_blocks.Count > wanted + (wanted >> 3))
        {
            Merge();
            Merge();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _blocks.Dispose();

    private static int Shift(ulong mixed, int row) => (int)((mixed >> (32 + (8 * row))) & 15) * 4;

    private static int LastShift(ulong mixed) => (int)(((mixed >> 56) * 15) >> 8) * 4;

    private static int Least(ulong* rows, int first, int second, int third, int fourth)
    {
        int upper = Math.Min((int)(rows[0] >> first) & 15, (int)(rows[1] >> second) & 15);
        int lower = Math.Min((int)(rows[2] >> third) & 15, (int)(rows[3] >> fourth) & 15);
        return Math.Min(upper, lower);
    }

    private static ulong Step(ulong row, int shift, int least) => ((int)(row >> shift) & 15) == least ? 1UL << shift : 0;

    private ulong EpochsBehind(ulong* rows) => (_epoch - (rows[3] >> EpochShift)) & 15;

    private void BringUpToDate(ulong* rows)
    {
        ulong behind = EpochsBehind(rows);
        if (behind == 0)
            return;
        rows[3] &= ~EpochMask;
        for (; behind > 0; behind--)
        {
            for (int row = 0; row < 4; row++)
                rows[row] = (rows[row] >> 1) & Halves;
        }
        rows[3] |= _epoch << EpochShift;
    }

    private void Age()
    {
        _epoch = (_epoch + 1) & 15;
        Additions = 0;
    }

    private void WalkOn()
    {
        if (_walk >= _blocks.Count)
            _walk = 0;
        BringUpToDate((ulong*)_blocks[_walk++]);
    }

    /// <summary>Both halves of a split block keep all counters: an estimate never falls by it.</summary>
    private bool TrySplit()
    {
        if (!_blocks.TryGrow(out int split))
            return false;
        new ReadOnlySpan<byte>(_blocks[split], BlockBytes).CopyTo(new Span<byte>(_blocks[_blocks.Count - 1], BlockBytes));
        return true;
    }

    /// <summary>The merged block takes the higher of two counters: an estimate never falls by it.</summary>
    private void Merge()
    {
        ulong* from = (ulong*)_blocks[_blocks.Count - 1], to = (ulong*)_blocks[_blocks.Sibling];
        BringUpToDate(from);
        BringUpToDate(to);
        for (int row = 0; row < 4; row++)
        {
            ulong merged = 0;
            for (int shift = 0; shift < 64; shift += 4)
                merged |= Math.Max((from[row] >> shift) & 15, (to[row] >> shift) & 15) << shift;
            to[row] = merged;
        }
        _blocks.Shrink();
    }
}
