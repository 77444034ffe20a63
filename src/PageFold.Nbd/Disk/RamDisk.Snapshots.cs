using PageFold.Nbd.Disk;

namespace PageFold.Nbd;

/// <summary>The disk as it was at a point in time, saved while its clients go on, and brought back.</summary>
public sealed partial class RamDisk
{
    /// <summary>
    /// Saves the disk as it is at a point in time, while clients read and write. All requests answered before are in it; those under way are in it or not, page by page, as after a power cut. The file takes
    /// its name only when it is whole and on the device.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="label">What the file says about itself.</param>
    /// <param name="progress">Told now and then which part is saved, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <exception cref="MemoryLimitException">There is no memory for the snapshot's buffers, not even in what the disk keeps aside for them,
    /// or a page in the cache is waiting for memory.</exception>
    /// <inheritdoc cref="PageStore.SaveSnapshot" path="/exception"/>
    public SnapshotResult SaveSnapshot(string path, string label = "", IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = Store.BeginSnapshot(path, new SnapshotOptions { Length = Length, Label = label });
        return Save(session, progress, cancellationToken);
    }

    /// <summary>Saves the disk as it is at a point in time as a plain, sparse image; otherwise like <see cref="SaveSnapshot"/>.</summary>
    /// <inheritdoc cref="SaveSnapshot" path="/param"/>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotResult SaveImage(string path, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = Store.BeginImage(path, Length);
        return Save(session, progress, cancellationToken);
    }

    /// <summary>
    /// Saves the disk as it is at a point in time to any output, as a snapshot or as a plain image; otherwise like the others.
    /// </summary>
    /// <param name="output">Where the bytes go. It is disposed in the end, and where this throws.</param>
    /// <param name="label">What the snapshot says about itself; null for an image.</param>
    /// <param name="progress">Told now and then which part is saved, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="MemoryLimitException">There is no memory for the snapshot's buffers, not even in what the disk keeps aside for them,
    /// or a page in the cache is waiting for memory.</exception>
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

    /// <summary>Where pages can leave memory, a full disk has room for a snapshot's buffers too.</summary>
    private void MakeRoomForSnapshot()
    {
        long needed = SnapshotBytes(Length, PageSize, Store.MemoryLimit);
        if (!_writesBack || Store.GetStatistics().AvailableBytes >= needed)
            return;
        _ = Store.WriteBack(new WritebackSelection { MaxBytes = 2 * needed });
        Store.Compact();
    }

    /// <summary>Fills the disk, on which nothing was written yet, from a snapshot of a disk with pages of the same size and at most as many bytes. After an error the disk is empty.</summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Told now and then which part is loaded, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ArgumentException">The snapshot is of a larger disk.</exception>
    /// <inheritdoc cref="PageStore.LoadSnapshot" path="/exception"/>
    public SnapshotInfo Load(string path, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        SnapshotInfo info = Snapshot.ReadInfo(path);
        if (info.Length > Length)
            throw Throw.SnapshotLarger(path, info.Length, Length);
        // What a full disk has left is room enough for the buffers that fill it again.
        ReleaseReserve();
        info = Store.LoadSnapshot(path, new SnapshotLoadOptions { RestoreCodecs = true }, progress, cancellationToken);
        _ = TryKeepReserve();
        return info;
    }

    /// <summary>
    /// Sets aside again what <see cref="RamDiskOptions.ReserveForSnapshot"/> asked for and a restoration has used. Where there is a writeback file, pages go there for it; false if there is no memory for it now.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool TryKeepReserve()
    {
        while (!Store.TrySetOwnerBytes(_ownerBytes))
        {
            // What pages leave behind in a store that keeps its frames is for other pages alone.
            if (!_writesBack || Store.GetStatistics().PrefaultedBytes > 0
                || Store.WriteBack(new WritebackSelection { MaxBytes = _reserve }).Pages == 0)
                return false;
            Store.Compact();
        }
        return true;
    }

    /// <summary>
    /// Gives up the memory that was kept aside with <see cref="RamDiskOptions.ReserveForSnapshot"/>, for the last snapshot, when no client is left who would write and take it. Changed pages of the cache
    /// have it first.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public void ReleaseReserve()
    {
        _ = Store.TrySetOwnerBytes(_ownerBytes - _reserve);
        _ = Flush();
    }

    /// <summary>
    /// What is kept aside so that a full disk can be saved while it is served: 96 KiB with pages of 4 KiB, and a bit a page, as many as a
    /// 512th of the limit holds. A small limit is for the pages alone.
    /// </summary>
    private static long SnapshotReserve(long length, PageStoreOptions store)
    {
        long limit = store.MemoryLimit ?? PageStore.DefaultMemoryLimit;
        // The store and the disk refuse what is out of range, by name.
        if (length <= 0)
            return 0;
        long pages = Math.Min((length - 1) / store.PageSize + 1, Math.Min(PageStore.MaxPage + 1, limit / 512 * 8));
        long bytes = pages <= 0 ? 0 : SnapshotOptions.ReserveBytes(store.PageSize, pages);
        return bytes <= limit / 16 ? bytes : 0;
    }

    // What the cache may still bring comes on top: no page takes more than its own bytes and a sixteenth.
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
            // With all cells held nobody changes a page, so what is flushed and what the point fixes is the same.
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
