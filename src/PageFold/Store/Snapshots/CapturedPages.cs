using System.Numerics;
using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// One bit a page: set as soon as a snapshot has captured the page as it was at the point in time, so that it may change. A page for which
/// there is no bit was not stored then.
/// </summary>
/// <remarks>
/// Bits are read without a lock and set under that of <see cref="PreservedPages"/>. They are charged like everything else but lie on the GC
/// heap: a writer that still reads a bit when the snapshot ends reads memory that exists.
/// </remarks>
/// <param name="budget">What they are charged to where the reserve has no room.</param>
/// <param name="reserve">Kept aside for them; null for nothing.</param>
internal sealed class CapturedPages(MemoryBudget budget, MemoryBudget? reserve)
{
    // Pages of a block; at least as many as a leaf of the slot table has.
    private const int BlockShift = 15;
    private const int BlockBytes = 1 << BlockShift - 3;
    private const int FirstRootLength = 8;

    private ulong[]?[] _blocks = [];
    private long _charged;
    private long _chargedToReserve;

    /// <summary>
    /// Makes the bits, not set, of all pages that may be stored; false when there is no memory for them. No other thread reads them
    /// meanwhile.
    /// </summary>
    public bool TryCover(SlotTable slots)
    {
        long from = 0;
        while (from <= PageIndex.MaxPage && slots.NextExisting((uint)from) is { } number)
        {
            int block = (int)(number >> BlockShift);
            if (!TryEnsure(block))
                return false;
            from = (block + 1L) << BlockShift;
        }
        return true;
    }

    public bool Contains(uint page)
    {
        ulong[]?[] blocks = _blocks;
        uint block = page >> BlockShift;
        return block >= (uint)blocks.Length || blocks[block] is not { } bits
            || (Volatile.Read(ref Word(bits, page)) >> (int)(page & 63) & 1) != 0;
    }

    /// <summary>Sets a page's bit; a thread that sees it sees what was done before, too.</summary>
    public void Add(uint page)
    {
        ref ulong word = ref Word(_blocks[page >> BlockShift]!, page);
        Volatile.Write(ref word, word | 1UL << (int)(page & 63));
    }

    public void Free()
    {
        budget.Release(_charged);
        reserve?.Release(_chargedToReserve);
        (_charged, _chargedToReserve) = (0, 0);
    }

    private static ref ulong Word(ulong[] bits, uint page) => ref bits[(page & (1u << BlockShift) - 1) >> 6];

    /// <summary>Bytes of the bits of so many pages in sequence.</summary>
    public static long BytesFor(long pages)
    {
        long blocks = (pages + (1 << BlockShift) - 1) >> BlockShift;
        long root = (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(FirstRootLength, blocks)) * IntPtr.Size;
        return blocks * BlockBytes + root;
    }

    private bool TryEnsure(int block)
    {
        if (block >= _blocks.Length)
        {
            int length = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(FirstRootLength, block + 1));
            if (!TryCharge((length - _blocks.Length) * (long)IntPtr.Size))
                return false;
            Array.Resize(ref _blocks, length);
        }
        if (_blocks[block] is not null)
            return true;
        if (!TryCharge(BlockBytes))
            return false;
        _blocks[block] = new ulong[BlockBytes / sizeof(ulong)];
        return true;
    }

    private bool TryCharge(long bytes)
    {
        if (reserve?.TryCharge(bytes) == true)
        {
            _chargedToReserve += bytes;
            return true;
        }
        if (budget.Faults?.ShouldRefuse() == true || !budget.TryCharge(bytes))
            return false;
        _charged += bytes;
        return true;
    }
}
