using PageFold.Allocation;
using PageFold.Store.Index;
using PageFold.Store.Paging;

namespace PageFold.Store.Training;

/// <summary>Reads samples of the pages that are in memory and not same-filled, chosen evenly. Reading one counts as an access.</summary>
internal sealed class PageSampler(PageIndex index, PageReader reader)
{
    /// <summary>About how many pages there are to choose from.</summary>
    public long Pages
    {
        get
        {
            StoreCounters counters = index.Counters;
            return counters.Read(StoreCounter.Pages) - counters.Read(StoreCounter.SameFilled) - counters.Read(StoreCounter.WrittenBack);
        }
    }

    /// <summary>Reads every so-many-th page, until there is no more room; returns how many.</summary>
    public int Take(Span<byte> samples, long step, CancellationToken cancellationToken)
    {
        int taken = 0;
        long seen = 0;
        long end = PageIndex.MaxPage + 1;
        for (long from = 0; !samples.IsEmpty && index.TryFindNext(from, end, out long number); from = number + 1)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool isInMemory = SlotWord.HoldsObject(index.Look((uint)number));
            if (!isInMemory || seen++ % step != 0 || !reader.TryRead((uint)number, samples[..index.PageSize]))
                continue;
            samples = samples[index.PageSize..];
            taken++;
        }
        return taken;
    }
}
