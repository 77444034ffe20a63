using PageFold.Nbd.Session;

namespace PageFold.Nbd;

/// <summary>How the disk's pages are held, as runs.</summary>
public sealed partial class RamDisk
{
    [ThreadStatic]
    private static long _runsWalked;

    /// <summary>Runs that the current thread's walks over disks' pages have asked for. For tests.</summary>
    internal static long RunsWalked => _runsWalked;

    /// <summary>True if work on a page takes so long that other requests should not wait for it.</summary>
    internal bool IsSlow => PageSize >= SmallestCachedPage || Store.Codec is var codec && codec != PageCodec.Lz4 && codec != PageCodec.Lz4Managed && codec != PageCodec.None;

    /// <summary>Where work that takes long waits its turn; as many at once as there are processors, which leaves as many of the store's workbenches to others.</summary>
    internal SlowLane SlowLane { get; } = new(Environment.ProcessorCount);

    /// <summary>
    /// The run of pages, beginning where told, that are held in the same way. Costs by what is held there, not by the length.
    /// </summary>
    /// <param name="offset">Any byte of the disk.</param>
    /// <param name="count">Bytes to look at, at most to the end of the disk.</param>
    /// <param name="residency">How the first page is held.</param>
    /// <returns>Bytes of the run, at least one, at most <paramref name="count"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within the disk.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public long RunAt(long offset, long count, out PageResidency residency)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Throw.IfRangeOutsideDisk(offset, count, Length);
        long end = EndPage(offset, count);
        long page = NextAfter(offset >> _pageShift, end, out residency);
        while (page < end && NextAfter(page, end, out PageResidency next) is var after && next == residency)
            page = after;
        return BytesTo(page, offset, count);
    }

    /// <summary>
    /// Bytes from the offset on, at most <paramref name="count"/>, that are known to be zero without a look at any page's content.
    /// </summary>
    internal long ZerosAt(long offset, long count)
    {
        long end = EndPage(offset, count);
        long page = offset >> _pageShift;
        while (page < end && NextAfter(page, end, out PageResidency residency) is var after && IsZero(residency))
            page = after;
        return BytesTo(page, offset, count);
    }

    /// <summary>Bytes from the offset on, at most <paramref name="count"/>, in pages that may hold something; at least to the end of the first.</summary>
    internal long DataAt(long offset, long count)
    {
        long end = EndPage(offset, count);
        long page = (offset >> _pageShift) + 1;
        while (page < end && NextAfter(page, end, out PageResidency residency) is var after && !IsZero(residency))
            page = after;
        return BytesTo(page, offset, count);
    }

    /// <summary>True if reading these bytes takes so long that other requests should not wait for it.</summary>
    internal bool IsSlowToRead(long offset, long count) => IsSlow ? ZerosAt(offset, count) < count : _writesBack && AnyWrittenBack(offset, count);

    private static bool IsZero(PageResidency residency) => residency is PageResidency.Hole or PageResidency.Zero;

    /// <summary>The page behind the last that a range touches.</summary>
    private long EndPage(long offset, long count) => (offset + count - 1 >> _pageShift) + 1;

    private long BytesTo(long page, long offset, long count) => Math.Clamp((page << _pageShift) - offset, 0, count);

    private bool AnyWrittenBack(long offset, long count)
    {
        long end = EndPage(offset, count);
        for (long page = offset >> _pageShift; page < end;)
        {
            page = NextAfter(page, end, out PageResidency residency);
            if (residency == PageResidency.WrittenBack)
                return true;
        }
        return false;
    }

    /// <summary>How a page is held, and the next page that may be held otherwise.</summary>
    private long NextAfter(long page, long end, out PageResidency residency)
    {
        _runsWalked++;
        // Before the store is looked at: a page that leaves the cache meanwhile is in the store by then.
        long dirty = HasCache ? _dirtyCells.FirstPage(_cells, page, end) : end;
        if (dirty == page)
        {
            residency = PageResidency.Compressed;
            return page + 1;
        }
        PageRun run = Store.RunAt(page, dirty - page);
        residency = run.State switch
        {
            null => PageResidency.Hole,
            PageState.SameFilled => run.ReadsAsZeros ? PageResidency.Zero : PageResidency.SameFilled,
            PageState.Incompressible => PageResidency.Incompressible,
            PageState.WrittenBack => PageResidency.WrittenBack,
            _ => PageResidency.Compressed,
        };
        return page + run.Count;
    }
}
