using PageFold.Store;

namespace PageFold;

/// <summary>
/// Direct reclaim: a write that finds no memory moves pages to the writeback file and tries again. A writer waits its turn outside the gate
/// and holds nothing then, so pages of others can move, and whatever needs the gate alone is not kept waiting by the file.
/// </summary>
public sealed unsafe partial class PageStore
{
    // A batch may move no page because readers or writers were at all of its pages; others are found after it.
    private const int MostFruitlessRounds = 64;

    // More than a page with all its tables needs, the largest segment of frames (1 MiB and what is around it) included: a 256th of the
    // limit has room for the longest root that a table can need.
    private const long LeastPlenty = 2 << 20;
    private const int PlentyShift = 8;

    /// <summary>
    /// True if so much memory is free that a write which finds none lacks something else, such as memory of the system for a table.
    /// </summary>
    private bool HasPlenty =>
        Budget.Available + Budget.Idle - _overwriteReserve > Math.Max(LeastPlenty, MemoryLimit >> PlentyShift);

    /// <summary>Writes a page, moving other pages to the file as often as the write finds no memory.</summary>
    private StoreOutcome WriteReclaiming(
        uint number, in StoredPage form, ReadOnlySpan<byte> data, RefusalPolicy refusal, WritebackReclaim reclaim)
    {
        for (int fruitless = 0; ;)
        {
            long seen = reclaim.Count;
            bool isLast = fruitless == MostFruitlessRounds;
            StoreOutcome outcome = AttemptWrite(number, form, data, refusal, isLast);
            if (outcome != StoreOutcome.Full || isLast)
                return outcome;
            // What is free now may have come free after the attempt. Moving more pages would be in vain.
            bool mayTryAgain = true;
            if (!HasPlenty && TryReclaim(reclaim, seen, out mayTryAgain))
                fruitless = 0;
            else
                fruitless = mayTryAgain ? fruitless + 1 : MostFruitlessRounds;
        }
    }

    /// <summary>
    /// Moves a batch of pages to the file, unless another writer has done so since <paramref name="seen"/>; true if pages have left memory.
    /// </summary>
    /// <param name="reclaim">Where to go on.</param>
    /// <param name="seen">How often pages had left memory when the caller's write found none.</param>
    /// <param name="mayTryAgain">True if pages stayed only because other threads used them.</param>
    private bool TryReclaim(WritebackReclaim reclaim, long seen, out bool mayTryAgain)
    {
        lock (_writeback!.Working)
        {
            mayTryAgain = true;
            if (reclaim.Count != seen)
                return true;
            WritebackRun run = reclaim.Run;
            run.Restart();
            PageWalk walk = new(pages: 0, progress: null) { From = reclaim.Hand };
            bool wrapped = reclaim.Hand == 0;
            bool more = true;
            while (more && run.Pages == 0)
            {
                more = TryWriteBackBatch(ref walk, run);
                if (more || run.Pages > 0 || run.Stopped != WritebackStop.Finished || wrapped)
                    continue;
                wrapped = more = true;
                walk.From = 0;
            }
            reclaim.Hand = walk.From > MaxPage ? 0 : walk.From;
            mayTryAgain = run.Skipped > 0;
            if (run.Pages == 0)
                return false;
            reclaim.Count++;
            return true;
        }
    }
}
