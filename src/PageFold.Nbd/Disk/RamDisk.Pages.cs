using PageFold.Nbd.Disk;

namespace PageFold.Nbd;

/// <summary>What a request does to one page. Whoever changes a page holds its cell; whoever reads one from a disk without a cache needs no cell.</summary>
public sealed partial class RamDisk
{
    private Span<byte> Scratch
    {
        get
        {
            if (_scratch is null || _scratch.Length < PageSize)
                _scratch = GC.AllocateUninitializedArray<byte>(PageSize);
            return _scratch.AsSpan(0, PageSize);
        }
    }

    private PageCell CellOf(long page) => _cells[page & _cells.Length - 1];

    private void ReadStored(long page, Span<byte> destination)
    {
        if (!Store.TryRead(page, destination))
            destination.Clear();
    }

    private void ReadPart(long page, int within, Span<byte> destination)
    {
        Span<byte> whole = Scratch;
        ReadStored(page, whole);
        whole.Slice(within, destination.Length).CopyTo(destination);
    }

    private void ReadCached(long page, int within, Span<byte> destination)
    {
        PageCell cell = CellOf(page);
        lock (cell.Lock)
        {
            // A whole page leaves the cache to those who come back for the rest of theirs, and a page that could not be stored yet keeps its place.
            if (cell.Page != page && destination.Length < PageSize && !cell.Dirty)
                Load(cell, page);
            if (cell.Page == page)
            {
                cell.Buffer.AsSpan(within, destination.Length).CopyTo(destination);
                return;
            }
        }
        if (destination.Length == PageSize)
            ReadStored(page, destination);
        else
            ReadPart(page, within, destination);
    }

    private void Load(PageCell cell, long page)
    {
        cell.Forget();
        ReadStored(page, cell.Buffer);
        cell.Page = page;
    }

    private bool TryWritePage(long page, int within, ReadOnlySpan<byte> data)
    {
        PageCell cell = CellOf(page);
        lock (cell.Lock)
        {
            if (data.Length == PageSize)
            {
                if (!TryStore(page, data))
                    return false;
                if (cell.Page == page)
                    cell.Forget();
                return true;
            }
            if (HasCache)
                return TryChangeCached(cell, page, within, data);
            Span<byte> whole = Scratch;
            ReadStored(page, whole);
            data.CopyTo(whole[within..]);
            return TryStore(page, whole);
        }
    }

    private bool TryChangeCached(PageCell cell, long page, int within, ReadOnlySpan<byte> data)
    {
        if (cell.Page != page)
        {
            if (!TryWriteBack(cell))
                return false;
            Load(cell, page);
        }
        data.CopyTo(cell.Buffer.AsSpan(within));
        cell.Dirty = true;
        return true;
    }

    /// <summary>Stores a page, or nothing if it is all zeros. The caller holds its cell.</summary>
    private bool TryStore(long page, ReadOnlySpan<byte> data)
    {
        if (data.ContainsAnyExcept((byte)0))
            return Store.Write(page, data) != StoreOutcome.Full;
        Store.Discard(page);
        return true;
    }

    /// <summary>Gives a changed page to the store; false if that is full. The caller holds the cell.</summary>
    private bool TryWriteBack(PageCell cell)
    {
        if (!cell.Dirty)
            return true;
        if (!TryStore(cell.Page, cell.Buffer))
            return false;
        cell.Dirty = false;
        return true;
    }

    private bool WriteBackCache()
    {
        if (!HasCache)
            return true;
        bool all = true;
        foreach (PageCell cell in _cells)
        {
            if (cell.Page == PageCell.None)
                continue;
            lock (cell.Lock)
                all &= TryWriteBack(cell);
        }
        return all;
    }

    private bool TryZeroPart(long offset, int count)
    {
        int within = (int)(offset & PageSize - 1);
        long page = offset >> _pageShift;
        PageCell cell = CellOf(page);
        lock (cell.Lock)
        {
            if (cell.Page != page && ResidencyOf(page) == PageResidency.Hole)
                return true;
            if (HasCache)
            {
                if (cell.Page != page)
                {
                    if (!TryWriteBack(cell))
                        return false;
                    Load(cell, page);
                }
                cell.Buffer.AsSpan(within, count).Clear();
                cell.Dirty = true;
                return true;
            }
            Span<byte> whole = Scratch;
            ReadStored(page, whole);
            whole.Slice(within, count).Clear();
            return TryStore(page, whole);
        }
    }

    private bool TryZeroPages(long first, long count, bool punch)
    {
        // Few pages take their own cells, as do pages that are stored and may be refused; many that become holes take all, in the order of the array, which is the order for everybody who
        // takes more than one.
        if (count < _cells.Length || !punch)
        {
            for (long page = first; page < first + count; page++)
            {
                PageCell cell = CellOf(page);
                lock (cell.Lock)
                {
                    if (!TryZeroHeld(cell, page, punch))
                        return false;
                }
            }
            return true;
        }
        EnterAll();
        try
        {
            foreach (PageCell cell in _cells)
            {
                if (cell.Page >= first && cell.Page < first + count)
                    cell.Forget();
            }
            Store.Discard(first, count);
            return true;
        }
        finally
        {
            ExitAll();
        }
    }

    private bool TryZeroHeld(PageCell cell, long page, bool punch)
    {
        if (punch)
        {
            Store.Discard(page);
        }
        else
        {
            Span<byte> zeros = Scratch;
            zeros.Clear();
            if (Store.Write(page, zeros) == StoreOutcome.Full)
                return false;
        }
        if (cell.Page == page)
            cell.Forget();
        return true;
    }

    private void EnterAll()
    {
        foreach (PageCell cell in _cells)
            cell.Lock.Enter();
    }

    private void ExitAll()
    {
        foreach (PageCell cell in _cells)
            cell.Lock.Exit();
    }
}
