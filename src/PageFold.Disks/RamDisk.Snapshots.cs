using PageFold.Disks.Cells;

namespace PageFold.Disks;

// Saving the disk of one point in time while clients go on, and restoring it.
public sealed partial class RamDisk
{
    /// <summary>Saves the disk of one point in time to a file while clients read and write.</summary>
    /// <param name="path">The file. It takes its name only when it is complete and on the device.</param>
    /// <param name="label">A label that the file carries.</param>
    /// <param name="progress">Receives the part that is saved, 0 to 1, now and then.</param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <remarks>
    /// All requests that were answered before are in it. Those under way are in it or not, page by page, as after a power cut.
    /// </remarks>
    /// <exception cref="MemoryLimitException">There is no memory for the snapshot's buffers, not even in what the disk sets aside for
    /// them, or a page in the cache waits for memory.</exception>
    /// <inheritdoc cref="PageStore.SaveSnapshot" path="/exception"/>
    public SnapshotResult SaveSnapshot(
        string path, string label = "", IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = Store.BeginSnapshot(path, new SnapshotOptions { Length = Length, Label = label });
        return Save(session, progress, cancellationToken);
    }

    /// <summary>Saves the disk of one point in time as a plain, sparse image; otherwise like <see cref="SaveSnapshot"/>.</summary>
    /// <inheritdoc cref="SaveSnapshot" path="/param"/>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotResult SaveImage(string path, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = Store.BeginImage(path, Length);
        return Save(session, progress, cancellationToken);
    }

    /// <summary>Saves the disk of one point in time to any output, as a snapshot or as a plain image.</summary>
    /// <param name="output">Receives the bytes. This method disposes it, also where it throws.</param>
    /// <param name="label">A label that the snapshot carries; null for an image.</param>
    /// <param name="progress">Receives the part that is saved, 0 to 1, now and then.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="MemoryLimitException">There is no memory for the snapshot's buffers, not even in what the disk sets aside for
    /// them, or a page in the cache waits for memory.</exception>
    /// <inheritdoc cref="PageStore.SaveSnapshot" path="/exception"/>
    public SnapshotResult Save(SnapshotOutput output, string? label, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(output);
        using (output)
        {
            MakeRoomForSnapshot();
            using SnapshotSession session = label is null
                ? Store.BeginImageTo(output, Length)
                : Store.BeginSnapshotTo(output, new SnapshotOptions { Length = Length, Label = label });
            return Save(session, progress, cancellationToken);
        }
    }

    /// <summary>Moves pages of a full disk to the writeback file, if it has one, to make room for a snapshot's buffers.</summary>
    private void MakeRoomForSnapshot()
    {
        long needed = SnapshotBytes(Length, PageSize, Store.MemoryLimit);
        if (!_writesBack || Store.GetStatistics().AvailableBytes >= needed)
            return;
        _ = Store.WriteBack(new WritebackSelection { MaxBytes = 2 * needed });
        Store.Compact();
    }

    /// <summary>Fills the disk, to which nothing was written yet, from a snapshot.</summary>
    /// <param name="path">The file: a snapshot of a disk with pages of the same size that is not longer than this one.</param>
    /// <param name="progress">Receives the part that is loaded, 0 to 1, now and then.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <remarks>After an error the disk is empty.</remarks>
    /// <exception cref="ArgumentException">The snapshot is of a larger disk, or holds pages beyond this one's end.</exception>
    /// <inheritdoc cref="PageStore.LoadSnapshot" path="/exception"/>
    public SnapshotInfo Load(string path, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        SnapshotInfo info = Snapshot.ReadInfo(path);
        if (info.Length > Length)
            throw Throw.SnapshotLarger(path, info.Length, Length);
        // The reserve of a full disk has room for the buffers that fill it again.
        ReleaseReserve();
        info = Store.LoadSnapshot(path, new SnapshotLoadOptions { RestoreCodecs = true }, progress, cancellationToken);
        long end = (Length - 1 >> _pageShift) + 1;
        bool isLonger = end <= PageStore.MaxPage && Store.TryFindNext(end, out _);
        if (isLonger)
        {
            long last = end;
            for (long page = end; page <= PageStore.MaxPage && Store.TryFindNext(page, out page); page++)
                last = page;
            Store.Discard(0, PageStore.MaxPage + 1);
            _ = TryKeepReserve();
            throw Throw.SnapshotBeyond(path, last, Length);
        }
        _ = TryKeepReserve();
        return info;
    }

    /// <summary>
    /// Sets aside the memory of <see cref="RamDiskOptions.ReserveForSnapshot"/> again after a restoration; false if there is none now.
    /// </summary>
    /// <remarks>On a disk with a writeback file, pages move to the file for it.</remarks>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool TryKeepReserve()
    {
        while (!Store.TrySetOwnerBytes(_ownerBytes))
        {
            // In a store that keeps its frames, memory that pages leave is for other pages alone.
            if (!_writesBack || Store.GetStatistics().PrefaultedBytes > 0
                || Store.WriteBack(new WritebackSelection { MaxBytes = _reserve }).Pages == 0)
                return false;
            Store.Compact();
        }
        return true;
    }

    /// <summary>Releases the memory of <see cref="RamDiskOptions.ReserveForSnapshot"/> for the last snapshot.</summary>
    /// <remarks>
    /// To be called when no client is left that could write and use it up. Dirty pages of the cache go to the store first.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public void ReleaseReserve()
    {
        _ = Store.TrySetOwnerBytes(_ownerBytes - _reserve);
        _ = Flush();
    }

    /// <summary>Bytes to set aside so that a full disk can be saved while clients go on; zero where the limit is small.</summary>
    /// <remarks>96 KiB with pages of 4 KiB, and a bit for each page, for as many pages as a 512th of the limit holds.</remarks>
    private static long SnapshotReserve(long length, PageStoreOptions store)
    {
        long limit = store.MemoryLimit ?? PageStore.DefaultMemoryLimit;
        // The store checks the range of the limit later, by name.
        long pages = Math.Min((length - 1) / store.PageSize + 1, limit / 512 * 8);
        long bytes = pages <= 0 ? 0 : SnapshotOptions.ReserveBytes(store.PageSize, pages);
        return bytes <= limit / 16 ? bytes : 0;
    }

    // The cache's dirty pages come on top: no page takes more than its own bytes and a sixteenth.
    private static long ReserveBytes(long length, PageStoreOptions store, long cache) =>
        SnapshotBytes(length, store.PageSize, store.MemoryLimit ?? PageStore.DefaultMemoryLimit) + cache + cache / 16;

    // Two buffers, and the bits of the pages as far as they are likely to be needed within the limit.
    private static long SnapshotBytes(long length, int pageSize, long limit)
    {
        const long Buffers = (2 << 20) + (64 << 10);
        return Buffers + Math.Min(length / pageSize / 8, limit / 64);
    }

    private SnapshotResult Save(SnapshotSession session, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        EnterAll();
        try
        {
            // While all cells are held no writer changes a page, so the flushed content is that of the point in time.
            foreach (PageCell cell in _cells)
            {
                if (!TryWriteBack(cell))
                    throw Throw.CacheCannotBeStored(Store.MemoryLimit);
            }
            session.TakePoint(cancellationToken);
        }
        finally
        {
            ExitAll();
        }
        return session.Save(progress, cancellationToken);
    }
}
