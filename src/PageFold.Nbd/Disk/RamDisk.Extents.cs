using PageFold.Nbd.Session;

namespace PageFold.Nbd;

/// <summary>How the disk's pages are held, as runs.</summary>
public sealed partial class RamDisk
{
    /// <summary>True if work on a page takes so long that other requests should not wait for it.</summary>
    internal bool IsSlow => PageSize >= SmallestCachedPage || Store.Codec is var codec && codec != PageCodec.Lz4 && codec != PageCodec.Lz4Managed && codec != PageCodec.None;

    /// <summary>Where work that takes long waits its turn; as many at once as there are processors, which leaves as many of the store's workbenches to others.</summary>
    internal SlowLane SlowLane { get; } = new(Environment.ProcessorCount);

    /// <summary>The run of pages, beginning where told, that are held in the same way.</summary>
    /// <param name="offset">Any byte of the disk.</param>
    /// <param name="count">Bytes to look at, at most to the end of the disk.</param>
    /// <param name="residency">How the first page is held.</param>
    /// <returns>Bytes of the run, at least one, at most <paramref name="count"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within the disk.</exception>
    public long RunAt(long offset, long count, out PageResidency residency)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Throw.IfRangeOutsideDisk(offset, count, Length);
        long end = offset + count;
        long last = end - 1 >> _pageShift;
        long page = offset >> _pageShift;
        residency = ResidencyOf(page);
        do
            page = NextAfter(page, last, residency);
        while (page <= last && ResidencyOf(page) == residency);
        return Math.Min(end, page << _pageShift) - offset;
    }

    /// <summary>Bytes from the offset on, at most <paramref name="count"/>, that are known to be zero without a look at any page.</summary>
    internal long ZerosAt(long offset, long count)
    {
        long last = offset + count - 1 >> _pageShift;
        long page = offset >> _pageShift;
        while (page <= last && ResidencyOf(page) is var residency and (PageResidency.Hole or PageResidency.Zero))
            page = NextAfter(page, last, residency);
        return Math.Max(0, Math.Min(count, (page << _pageShift) - offset));
    }

    /// <summary>Bytes from the offset on, at most <paramref name="count"/>, in pages that may hold something; at least to the end of the first.</summary>
    internal long DataAt(long offset, long count)
    {
        long last = offset + count - 1 >> _pageShift;
        long page = offset >> _pageShift;
        do
            page++;
        while (page <= last && ResidencyOf(page) is not (PageResidency.Hole or PageResidency.Zero));
        return Math.Min(count, (page << _pageShift) - offset);
    }

    /// <summary>True if reading these bytes takes so long that other requests should not wait for it.</summary>
    internal bool IsSlowToRead(long offset, long count) => IsSlow ? ZerosAt(offset, count) < count : _writesBack && AnyWrittenBack(offset, count);

    private bool AnyWrittenBack(long offset, long count)
    {
        for (long page = offset >> _pageShift; page <= offset + count - 1 >> _pageShift; page++)
        {
            if (Store.StateOf(page) == PageState.WrittenBack)
                return true;
        }
        return false;
    }

    /// <summary>The next page that may be held otherwise; where nothing is stored, whole parts of the store's table are passed over at once.</summary>
    private long NextAfter(long page, long last, PageResidency residency)
    {
        if (residency != PageResidency.Hole || HasCache || page == last)
            return page + 1;
        return Store.TryFindNext(page, out long next) && next <= last ? Math.Max(page + 1, next) : last + 1;
    }

    private PageResidency ResidencyOf(long page)
    {
        if (HasCache && CellOf(page).Page == page)
            return PageResidency.Compressed;
        return Store.StateOf(page) switch
        {
            null => PageResidency.Hole,
            PageState.SameFilled => Store.IsZero(page) ? PageResidency.Zero : PageResidency.SameFilled,
            PageState.Incompressible => PageResidency.Incompressible,
            PageState.WrittenBack => PageResidency.WrittenBack,
            _ => PageResidency.Compressed,
        };
    }
}
