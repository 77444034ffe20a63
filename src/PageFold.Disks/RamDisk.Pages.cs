using PageFold.Disks.Cells;

namespace PageFold.Disks;

// What a request does to one page. A writer holds the page's cell; a reader needs it only on a disk with a cache.
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
            // A read of a whole page does not displace a page of which a client reads part by part. A dirty page keeps its place.
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
            return TryStoreChanged(page, whole, keepsPlace: false);
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

    /// <summary>Stores a page of which a part was changed. The caller holds its cell.</summary>
    /// <remarks>
    /// A page of zeros is stored too if it is to keep its place, or is already held as zeros: a client may have zeroed another part of it
    /// without a hole.
    /// </remarks>
    private bool TryStoreChanged(long page, ReadOnlySpan<byte> data, bool keepsPlace) =>
        keepsPlace || !data.ContainsAnyExcept((byte)0) && IsHeldAsZeros(page)
            ? Store.Write(page, data) != StoreOutcome.Full
            : TryStore(page, data);

    private bool IsHeldAsZeros(long page) => Store.RunAt(page, 1) is { State: not null, ReadsAsZeros: true };

    /// <summary>Writes a dirty page to the store; false if the store is full. The caller holds the cell.</summary>
    private bool TryWriteBack(PageCell cell)
    {
        if (!cell.Dirty)
            return true;
        if (!TryStoreChanged(cell.Page, cell.Buffer, cell.KeepsPlace))
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

    private bool TryZeroPart(long offset, int count, bool punch)
    {
        int within = (int)(offset & PageSize - 1);
        long page = offset >> _pageShift;
        PageCell cell = CellOf(page);
        lock (cell.Lock)
        {
            if (punch && cell.Page != page && !Store.Contains(page))
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
                cell.KeepsPlace |= !punch;
                cell.Dirty = true;
                return true;
            }
            Span<byte> whole = Scratch;
            ReadStored(page, whole);
            whole.Slice(within, count).Clear();
            return TryStoreChanged(page, whole, keepsPlace: !punch);
        }
    }

    /// <summary>Stores zeros for each page of a range; false if memory is short.</summary>
    private bool TryHoldZeros(long first, long end)
    {
        for (long page = first; page < end; page++)
        {
            PageCell cell = CellOf(page);
            lock (cell.Lock)
            {
                Span<byte> zeros = Scratch;
                zeros.Clear();
                if (Store.Write(page, zeros) == StoreOutcome.Full)
                    return false;
                if (cell.Page == page)
                    cell.Forget();
            }
        }
        return true;
    }

    /// <summary>Makes holes of the pages of a range.</summary>
    /// <remarks>The cost is proportional to the pages that the store or the cache holds there.</remarks>
    private void Punch(long first, long end)
    {
        // The cache first: a page that leaves it meanwhile goes to the store, where the second walk finds it.
        if (HasCache)
        {
            for (long page = first; page < Math.Min(end, first + _cells.Length); page++)
            {
                PageCell cell = CellOf(page);
                if (cell.Page >= first && cell.Page < end)
                    PunchCached(cell, first, end);
            }
        }
        while (first < end && Store.TryFindNext(first, end - first, out long page))
        {
            PageCell cell = CellOf(page);
            lock (cell.Lock)
                PunchHeld(cell, page);
            first = page + 1;
        }
    }

    private void PunchCached(PageCell cell, long first, long end)
    {
        lock (cell.Lock)
        {
            if (cell.Page >= first && cell.Page < end)
                PunchHeld(cell, cell.Page);
        }
    }

    private void PunchHeld(PageCell cell, long page)
    {
        Store.Discard(page);
        if (cell.Page == page)
            cell.Forget();
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
