using System.Numerics;

namespace PageFold.Nbd.Disk;

/// <summary>One bit for each cell of a disk's cache: set while the cell's page is newer than the store. Thread-safe: bits are set by the holders of cells and read by all.</summary>
/// <param name="cells">How many cells there are, a power of two.</param>
internal sealed class DirtyCells(int cells)
{
    private readonly ulong[] _words = new ulong[(cells + 63) / 64];

    public void Set(int cell, bool dirty)
    {
        ulong bit = 1UL << (cell & 63);
        if (dirty)
            Interlocked.Or(ref _words[cell >> 6], bit);
        else
            Interlocked.And(ref _words[cell >> 6], ~bit);
    }

    /// <summary>The first dirty page of a range, or the end if there is none. Costs by the dirty pages, at most by the distance to the first of them.</summary>
    /// <remarks>
    /// A page lies in the cell that its number names modulo the number of cells. So one round over the cells, from the first page's on, meets every dirty page of the range, and the lowest is found once the round
    /// has gone as far as that page.
    /// </remarks>
    public long FirstPage(PageCell[] all, long first, long end)
    {
        long found = end;
        long passed = 0;
        while (passed < cells && first + passed < found)
        {
            int cell = (int)(first + passed & cells - 1);
            ulong left = Volatile.Read(ref _words[cell >> 6]) >> (cell & 63);
            if (left == 0)
            {
                // On to the next word, or to where the cells begin anew.
                passed += Math.Min(64 - (cell & 63), cells - cell);
                continue;
            }
            int skip = BitOperations.TrailingZeroCount(left);
            long page = all[cell + skip].Page;
            if (page >= first && page < found)
                found = page;
            passed += skip + 1;
        }
        return found;
    }
}
