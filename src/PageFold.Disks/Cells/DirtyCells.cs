using System.Numerics;

namespace PageFold.Disks.Cells;

/// <summary>
/// One bit for each cell of a disk's cache, set while the cell's page is newer than the store.
/// </summary>
/// <remarks>Thread-safe: the holder of a cell sets its bit, any thread reads it.</remarks>
/// <param name="cells">Number of cells, a power of two.</param>
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

    /// <summary>
    /// Finds the first dirty page of a range; the end if there is none.
    /// </summary>
    /// <remarks>
    /// A page lies in the cell of its number modulo the number of cells. One round over the cells, starting at the first page's, meets
    /// every dirty page of the range; the lowest is known once the round has gone as far as that page. The cost is proportional to the
    /// number of dirty cells, and at most to the distance to the first dirty page.
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
                // On to the next word, or to the first cell.
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
