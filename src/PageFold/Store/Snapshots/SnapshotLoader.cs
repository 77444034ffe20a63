using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;
using PageFold.Store.Paging;

namespace PageFold.Store.Snapshots;

/// <summary>Loads snapshots into an empty store.</summary>
/// <param name="index">The store.</param>
/// <param name="codecs">Its codecs.</param>
/// <param name="writer">What stores pages.</param>
/// <param name="reclaim">Makes room for pages that find none; null if the store has no writeback file.</param>
/// <param name="reserve">What is set aside for snapshots; null for nothing.</param>
internal sealed class SnapshotLoader(
    PageIndex index, StoreCodecs codecs, PageWriter writer, IReclaim? reclaim, MemoryBudget? reserve)
{
    public PageIndex Index => index;

    public StoreCodecs Codecs => codecs;

    public PageWriter Writer => writer;

    /// <summary>Makes room for pages that find none; null if the store has no writeback file.</summary>
    public IReclaim? Reclaim => reclaim;

    /// <summary>Pages of the store.</summary>
    public long Pages => index.Counters.Read(StoreCounter.Pages);

    /// <summary>
    /// Stores all pages of a snapshot: see <see cref="PageStore.LoadSnapshot"/>. After any error the store is empty again.
    /// </summary>
    public SnapshotInfo Load(string path, bool restoreCodecs, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        // Before helpers store pages: they hold no stream, and what they stored could not be discarded here.
        codecs.RefuseReentry();
        using SnapshotReader reader = SnapshotReader.Open(path);
        SnapshotThrow.IfPageSizesDiffer(reader.Header.PageSize, index.PageSize);
        using (RundownGate.Entry entry = index.Enter())
            SnapshotThrow.IfNotEmpty(Pages);
        bool loaded = false;
        try
        {
            using SnapshotLoad load = new(this, reader, restoreCodecs, progress, cancellationToken);
            load.Run();
            loaded = true;
        }
        finally
        {
            if (!loaded)
                writer.Discard(0, PageIndex.MaxPage + 1);
        }
        progress?.Report(1);
        return reader.Info;
    }

    /// <summary>
    /// Makes the buffers with which a full store is loaded, from what is set aside for snapshots if they find room there; null when there
    /// is no memory for them.
    /// </summary>
    public SnapshotLoadBuffers? TryMakeSmallBuffers()
    {
        int bytes = SnapshotMemory.SmallBytes(index.PageSize);
        return (reserve is null ? null : SnapshotLoadBuffers.TryMake(index.Budget, new SnapshotMemory(reserve, bytes), index.PageSize))
            ?? SnapshotLoadBuffers.TryMake(index.Budget, new SnapshotMemory(index.Budget, bytes), index.PageSize);
    }

    /// <summary>Makes buffers that hold a chunk as a whole; null when there is no memory for them.</summary>
    public SnapshotLoadBuffers? TryMakeLargeBuffers() => SnapshotLoadBuffers.TryMake(
        index.Budget, new SnapshotMemory(index.Budget, SnapshotLoadBuffers.LargeBytes(index.PageSize)), index.PageSize);

    /// <summary>Discards all pages, and gives back what the store had for them.</summary>
    public void Empty()
    {
        writer.Discard(0, PageIndex.MaxPage + 1);
        codecs.Streams.Trim();
        index.Compact(CancellationToken.None);
    }
}
