using PageFold.Allocation;

namespace PageFold;

/// <summary>
/// Walks over ranges of pages. They cost by the leaves of the slot table that exist in the range, not by its length, and leave the gate
/// between two leaves.
/// </summary>
public sealed unsafe partial class PageStore
{
    [ThreadStatic]
    private static long _leavesWalked;

    /// <summary>Leaves that the current thread's walks have looked at. For tests.</summary>
    internal static long LeavesWalked => _leavesWalked;

    /// <summary>Discards pages; those never stored are passed over.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many pages from there on.</param>
    /// <returns>Pages that were stored and now are not.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within 0 to <see cref="MaxPage"/>.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public long Discard(long first, long count = 1)
    {
        Throw.IfPageOutOfRange(first, nameof(first));
        Throw.IfCountOutOfRange(first, count);
        _benches.RefuseReentry();
        long discarded = 0;
        for (long end = first + count; first < end;)
            first = DiscardLeaf(first, end, ref discarded);
        return discarded;
    }

    /// <summary>The stored pages in ascending order. Pages that are stored or discarded during the walk may or may not appear.</summary>
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
        Throw.IfPageOutOfRange(from, nameof(from));
        return TryFindNext(from, MaxPage + 1 - from, out page);
    }

    /// <summary>Finds the first stored page of a range; false if there is none.</summary>
    /// <param name="first">The first page of the range.</param>
    /// <param name="count">How many pages it has.</param>
    /// <param name="page">The page found.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within 0 to <see cref="MaxPage"/>.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool TryFindNext(long first, long count, out long page)
    {
        Throw.IfPageOutOfRange(first, nameof(first));
        Throw.IfCountOutOfRange(first, count);
        for (long end = first + count; first < end;)
        {
            if (TryFindInLeaf(ref first, end))
            {
                page = first;
                return true;
            }
        }
        page = 0;
        return false;
    }

    /// <summary>
    /// Tells how a page is held, and how many from there on are held in the same way. Each page is looked at once; others may change pages
    /// meanwhile.
    /// </summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many pages to look at, at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or not within 0 to <see cref="MaxPage"/>.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public PageRun RunAt(long first, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Throw.IfPageOutOfRange(first, nameof(first));
        Throw.IfCountOutOfRange(first, count);
        long end = first + count;
        PageRun run = RunInLeaf(first, end);
        while (first + run.Count < end)
        {
            PageRun next = RunInLeaf(first + run.Count, end);
            if (next.State != run.State || next.IsZero != run.IsZero)
                break;
            run = run with { Count = run.Count + next.Count };
        }
        return run;
    }

    /// <summary>Goes on to the first stored page of the first existing leaf, or behind that leaf.</summary>
    private bool TryFindInLeaf(ref long first, long end)
    {
        int stripe = _gate.Enter();
        try
        {
            _ = TryEnterLeaf(first, end, out first, out ReadOnlySpan<ulong> slots);
            for (int i = NextSet(slots, 0); i < slots.Length; i = NextSet(slots, i + 1))
            {
                // A slot of nothing is not zero while it is held.
                if (SlotWord.Kind(Volatile.Read(in slots[i])) == SlotKind.Empty)
                    continue;
                first += i;
                return true;
            }
            first += slots.Length;
            return false;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>The run that begins at a page, not followed past the first existing leaf.</summary>
    private PageRun RunInLeaf(long first, long end)
    {
        int stripe = _gate.Enter();
        try
        {
            if (!TryEnterLeaf(first, end, out long begin, out ReadOnlySpan<ulong> slots))
                return new PageRun(end - first, null, IsZero: true);
            if (begin > first)
                return new PageRun(begin - first, null, IsZero: true);
            ulong word = Volatile.Read(in slots[0]);
            PageRun run = new(1, StateOrNull(word), IsZeroWord(word));
            for (int i = 1; i < slots.Length; i++)
            {
                if (run.State is null)
                    i = NextSet(slots, i);
                if (i < slots.Length && (StateOrNull(word = Volatile.Read(in slots[i])) != run.State || IsZeroWord(word) != run.IsZero))
                    return run with { Count = i };
            }
            return run with { Count = slots.Length };
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Discards what there is up to the end of the first leaf that exists; returns where to go on.</summary>
    private long DiscardLeaf(long first, long end, ref long discarded)
    {
        int stripe = _gate.Enter();
        try
        {
            if (!TryEnterLeaf(first, end, out long begin, out ReadOnlySpan<ulong> slots))
                return end;
            for (int i = NextSet(slots, 0); i < slots.Length; i = NextSet(slots, i + 1))
            {
                uint page = (uint)(begin + i);
                Preserve(page);
                if (Replace(ref *_slots.Find(page), page, 0, stripe))
                    discarded++;
            }
            return begin + slots.Length;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>
    /// The slots of a range as far as they lie in the first leaf that exists there; false if there is none. The caller is inside the gate.
    /// </summary>
    private bool TryEnterLeaf(long first, long end, out long begin, out ReadOnlySpan<ulong> slots)
    {
        if (_slots.NextExisting((uint)first, (uint)(end - 1)) is not { } number)
        {
            begin = end;
            slots = default;
            return false;
        }
        _leavesWalked++;
        begin = number;
        long endOfLeaf = Math.Min(end, (number | _slots.LeafLength - 1) + 1L);
        slots = new ReadOnlySpan<ulong>(_slots.Find(number), (int)(endOfLeaf - begin));
        return true;
    }

    /// <summary>The first slot from a place on that is not all zeros, or the end: empty slots are passed over many at a time.</summary>
    private static int NextSet(ReadOnlySpan<ulong> slots, int from)
    {
        int next = slots[from..].IndexOfAnyExcept(0UL);
        return next < 0 ? slots.Length : from + next;
    }

    private PageState? StateOrNull(ulong word) => SlotWord.Kind(word) == SlotKind.Empty ? null : StateOfWord(word);
}
