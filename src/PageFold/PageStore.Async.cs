namespace PageFold;

// The operations that wait for a device, or take long, for callers that must not. Each runs on a thread of its own, not of the thread
// pool: writers wait for a snapshot to make room, and they may be the pool's threads.
public sealed partial class PageStore
{
    /// <summary>Does what <see cref="SaveSnapshot"/> does, on a thread of its own.</summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="options">What the file says about itself. Null for nothing.</param>
    /// <param name="progress">Receives now and then which part of the pages is saved, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public Task<SnapshotResult> SaveSnapshotAsync(string path, SnapshotOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => SaveSnapshot(path, options, progress, cancellationToken), cancellationToken);

    /// <summary>Does what <see cref="SaveImage"/> does, on a thread of its own.</summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="length">Bytes of the image. What is stored from there on is left out.</param>
    /// <param name="progress">Receives now and then which part of the pages is saved, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public Task<SnapshotResult> SaveImageAsync(string path, long length, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => SaveImage(path, length, progress, cancellationToken), cancellationToken);

    /// <summary>Does what <see cref="LoadSnapshot"/> does, on a thread of its own.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is restored. Null for the defaults.</param>
    /// <param name="progress">Receives now and then which part of the pages is there, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it; the store is empty then.</param>
    /// <returns>What the snapshot says about itself.</returns>
    /// <inheritdoc cref="LoadSnapshot" path="/exception"/>
    public Task<SnapshotInfo> LoadSnapshotAsync(string path, SnapshotLoadOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => LoadSnapshot(path, options, progress, cancellationToken), cancellationToken);

    /// <summary>Does what <see cref="WriteBack"/> does, on a thread of its own.</summary>
    /// <param name="selection">Which pages; null for all.</param>
    /// <param name="progress">Receives now and then which part of the pages has been examined, 0 to 1.</param>
    /// <param name="cancellationToken">Ends between two batches; the result says so, and what was done so far stays.</param>
    /// <inheritdoc cref="WriteBack" path="/exception"/>
    public Task<WritebackResult> WriteBackAsync(WritebackSelection? selection = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => WriteBack(selection, progress, cancellationToken), CancellationToken.None);

    /// <summary>Does what <see cref="TrainFoldTables"/> does, on a thread of its own.</summary>
    /// <param name="level">The level that the pages will be compressed at.</param>
    /// <param name="dictionaryBytes">Bytes of a dictionary at most, 1 KiB to 64 KiB; 0 (the default) for none.</param>
    /// <param name="leastGain">The part of the bytes, 0 to less than 1, that the tables must save.</param>
    /// <param name="progress">Receives now and then how far the training is, 0 to 1.</param>
    /// <param name="cancellationToken">Ends the training.</param>
    /// <returns>The tables; null if fewer than 64 pages are stored and in memory, or the tables gain less.</returns>
    /// <inheritdoc cref="TrainFoldTables" path="/exception"/>
    public Task<byte[]?> TrainFoldTablesAsync(FoldLevel level = FoldLevel.Dense, int dictionaryBytes = 0, double leastGain = 0.02,
        IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => TrainFoldTables(level, dictionaryBytes, leastGain, progress, cancellationToken), cancellationToken);

    private Task<T> OnItsOwnThread<T>(Func<T> work, CancellationToken cancellationToken)
    {
        // Here, where the thread is the caller's: a codec that waits for the task would wait for itself.
        _codecs.RefuseReentry();
        return Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }
}
