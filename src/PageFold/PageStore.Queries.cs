using PageFold.Store.Index;

namespace PageFold;

// Metadata queries. They do not read page content, never block, and do not count as an access.
public sealed partial class PageStore
{
    /// <summary>True if a page is stored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool Contains(long page) => !PageWord.IsEmpty(Look(page));

    /// <summary>How a page is held; null if it is not stored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public PageState? StateOf(long page) => PageWord.StateOf(Look(page), PageSize);

    /// <summary>True if a page is not stored, or stored as zeros: a disk reads zeros in both cases.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool ReadsAsZeros(long page) => PageWord.ReadsAsZeros(Look(page));

    /// <summary>What is known about a page; false if it is not stored.</summary>
    /// <param name="page">The page's number, 0 to <see cref="MaxPage"/>.</param>
    /// <param name="info">What is known.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool TryGetPageInfo(long page, out PageInfo info)
    {
        IndexThrow.IfPageOutOfRange(page, nameof(page));
        return _index.TryGetInfo((uint)page, out info);
    }

    /// <summary>
    /// The stored pages in ascending order. Pages that are stored or discarded during the walk may or may not appear. The walk costs by the
    /// pages that are stored, not by the highest number.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The store was disposed; thrown while the pages are enumerated.</exception>
    public IEnumerable<long> EnumeratePages()
    {
        long from = 0;
        while (from <= MaxPage && TryFindNext(from, out long page))
        {
            yield return page;
            from = page + 1;
        }
    }

    /// <summary>Finds the first stored page from a number on; false if there is none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is not within 0 to <see cref="MaxPage"/>.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool TryFindNext(long from, out long page)
    {
        IndexThrow.IfPageOutOfRange(from, nameof(from));
        return _index.TryFindNext(from, MaxPage + 1, out page);
    }

    /// <summary>Finds the first stored page of a range; false if there is none.</summary>
    /// <param name="first">The first page of the range.</param>
    /// <param name="count">How many pages it has.</param>
    /// <param name="page">The page found.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within 0 to <see cref="MaxPage"/>.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool TryFindNext(long first, long count, out long page)
    {
        IndexThrow.IfPageOutOfRange(first, nameof(first));
        IndexThrow.IfCountOutOfRange(first, count);
        return _index.TryFindNext(first, first + count, out page);
    }

    /// <summary>
    /// Gets how a page is held, and how many from there on are held in the same way. Each page is examined once; other threads may change
    /// pages meanwhile.
    /// </summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many pages to examine, at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within 0 to <see cref="MaxPage"/>.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public PageRun RunAt(long first, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        IndexThrow.IfPageOutOfRange(first, nameof(first));
        IndexThrow.IfCountOutOfRange(first, count);
        return _index.RunAt(first, first + count);
    }

    private ulong Look(long page)
    {
        IndexThrow.IfPageOutOfRange(page, nameof(page));
        return _index.Look((uint)page);
    }
}
