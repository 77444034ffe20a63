
namespace PageFold.Disks;

// Runs of pages that are held in the same way.
public sealed partial class RamDisk
{
    [ThreadStatic]
    private static long _runsWalked;

    /// <summary>Runs that walks on the current thread have asked the store for. For tests.</summary>
    internal static long RunsWalked => _runsWalked;

    /// <summary>True if compressing a page takes so long that a server should not do it on a thread that other requests wait for.</summary>
    /// <remarks>Pages of 8 KiB and more are slow, and so are those of a codec that is not <see cref="PageCodec.IsFast"/>.</remarks>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool IsSlowToWrite => PageSize >= MinCachedPage || !Store.Codec.IsFast;

    /// <summary>
    /// True if reading these bytes takes so long that a server should not do it on a thread that other requests wait for.
    /// </summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">Number of bytes; at least one, at most to the end of the disk.</param>
    /// <remarks>
    /// On a disk that is slow to write, reading is slow unless all the bytes are known to be zero. On others it is slow if one of the
    /// pages is in the writeback file.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within the disk.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool IsSlowToRead(long offset, long count)
    {
        Throw.IfRangeEmptyOrOutsideDisk(offset, count, Length);
        return IsSlowToWrite ? ZerosAt(offset, count) < count : _writesBack && AnyWrittenBack(offset, count);
    }

    /// <summary>Finds the run of pages, from an offset on, that are held in the same way.</summary>
    /// <param name="offset">Any byte of the disk.</param>
    /// <param name="count">Bytes to examine, at most to the end of the disk.</param>
    /// <param name="residency">How the first page is held.</param>
    /// <returns>Bytes of the run, at least one, at most <paramref name="count"/>.</returns>
    /// <remarks>The cost is proportional to what is held there, not to the length.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within the disk.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public long RunAt(long offset, long count, out PageResidency residency)
    {
        Throw.IfRangeEmptyOrOutsideDisk(offset, count, Length);
        long end = EndPage(offset, count);
        long page = NextAfter(offset >> _pageShift, end, out residency);
        while (page < end && NextAfter(page, end, out PageResidency next) is var after && next == residency)
            page = after;
        return BytesTo(page, offset, count);
    }

    /// <summary>Counts the bytes from an offset on that are zero, as far as that is known without reading a page.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">Bytes to examine, at most to the end of the disk.</param>
    /// <returns>Zero to <paramref name="count"/>.</returns>
    /// <remarks>The cost is proportional to what is held there, not to the length.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within the disk.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public long ZerosAt(long offset, long count)
    {
        Throw.IfRangeEmptyOrOutsideDisk(offset, count, Length);
        long end = EndPage(offset, count);
        long page = offset >> _pageShift;
        while (page < end && NextAfter(page, end, out PageResidency residency) is var after && IsZero(residency))
            page = after;
        return BytesTo(page, offset, count);
    }

    /// <summary>Counts the bytes from an offset on up to the next page that is known to be zero without reading it.</summary>
    /// <param name="offset">The first byte; its page counts as data, whatever it holds.</param>
    /// <param name="count">Bytes to examine, at most to the end of the disk.</param>
    /// <returns>At least one, at most <paramref name="count"/>.</returns>
    /// <remarks>The cost is proportional to what is held there, not to the length.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within the disk.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public long DataAt(long offset, long count)
    {
        Throw.IfRangeEmptyOrOutsideDisk(offset, count, Length);
        long end = EndPage(offset, count);
        long page = (offset >> _pageShift) + 1;
        while (page < end && NextAfter(page, end, out PageResidency residency) is var after && !IsZero(residency))
            page = after;
        return BytesTo(page, offset, count);
    }

    private static bool IsZero(PageResidency residency) => residency is PageResidency.Hole or PageResidency.Zero;

    /// <summary>The page behind the last page of a range.</summary>
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

    /// <summary>Reads how a page is held; returns the next page that may be held in another way.</summary>
    private long NextAfter(long page, long end, out PageResidency residency)
    {
        _runsWalked++;
        // The cache before the store: a page that leaves the cache meanwhile is in the store by then.
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
