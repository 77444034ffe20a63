using PageFold.Store.Snapshots;

namespace PageFold;

// Snapshots: the pages as they are at a point in time, saved while other threads read, write and discard, and loaded again.
public sealed partial class PageStore
{
    /// <summary>
    /// Saves the pages as they are at a point in time, in the form in which they are stored. Other threads may write meanwhile: a thread
    /// that is about to change a page saves it first. The file takes its name only when it is whole and on the device, so that there always
    /// is the old one or the new one.
    /// </summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="options">What the file says about itself. Null for nothing.</param>
    /// <param name="progress">
    /// Receives now and then which part of the pages is saved, 0 to 1. It must not change pages on the thread that reports: that thread
    /// makes room for the copies.
    /// </param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <exception cref="ArgumentException">
    /// The path cannot be one, or an option is out of range; the message names it, its value and the remedy.
    /// </exception>
    /// <exception cref="IOException">
    /// The file cannot be written, or another process writes it, or a page cannot be read from the writeback file.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    /// <exception cref="InvalidOperationException">
    /// Another snapshot is being taken, or a codec calls the store that it works for.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// One of the codecs does not come with the library, so its pages could not be restored.
    /// </exception>
    /// <exception cref="MemoryLimitException">
    /// There is no memory for two buffers of a megabyte and a bit a page, nor for small ones in <see
    /// cref="PageStoreOptions.SnapshotReserve"/>.
    /// </exception>
    /// <exception cref="PageCorruptException">A page is damaged; write or discard it first.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public SnapshotResult SaveSnapshot(string path, SnapshotOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = BeginSnapshot(path, options);
        return session.Save(progress, cancellationToken);
    }

    /// <summary>
    /// Saves the pages as they are at a point in time as a raw sparse image: each at its offset, holes where nothing is stored. Otherwise
    /// like <see cref="SaveSnapshot"/>.
    /// </summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="length">Bytes of the image. What is stored from there on is left out.</param>
    /// <param name="progress">
    /// Receives now and then which part of the pages is saved, 0 to 1. It must not change pages on the thread that reports: that thread
    /// makes room for the copies.
    /// </param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotResult SaveImage(string path, long length, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = BeginImage(path, length);
        return session.Save(progress, cancellationToken);
    }

    /// <summary>
    /// Opens the file of a snapshot and takes the memory for it. The point in time is fixed later: see <see cref="SnapshotSession"/>.
    /// </summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="options">What the file says about itself. Null for nothing.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginSnapshot(string path, SnapshotOptions? options = null) =>
        new(_saver.BeginSnapshot(() => PartialFile.Create(path), isOwn: true, options));

    /// <summary>
    /// Takes the memory for a snapshot that goes to any output. The point in time is fixed later: see <see cref="SnapshotSession"/>.
    /// </summary>
    /// <param name="output">Where its bytes go. The session disposes it; where this throws, the caller does.</param>
    /// <param name="options">What the snapshot says about itself. Null for nothing.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginSnapshotTo(SnapshotOutput output, SnapshotOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        return new SnapshotSession(_saver.BeginSnapshot(() => output, isOwn: false, options));
    }

    /// <summary>
    /// Opens the file of a raw sparse image and takes the memory for it. The point in time is fixed later: see <see
    /// cref="SnapshotSession"/>.
    /// </summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="length">Bytes of the image. What is stored from there on is left out.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginImage(string path, long length) =>
        new(_saver.BeginImage(() => PartialFile.Create(path), isOwn: true, length));

    /// <summary>
    /// Takes the memory for a raw image that goes to any output. The point in time is fixed later: see <see cref="SnapshotSession"/>.
    /// </summary>
    /// <param name="output">
    /// Where its bytes go, page by page in any order. The session disposes it; where this throws, the caller does.
    /// </param>
    /// <param name="length">Bytes of the image. What is stored from there on is left out.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginImageTo(SnapshotOutput output, long length)
    {
        ArgumentNullException.ThrowIfNull(output);
        return new SnapshotSession(_saver.BeginImage(() => output, isOwn: false, length));
    }

    /// <summary>
    /// Stores all pages of a snapshot. The file is not trusted: everything in it is checked, and each page is decompressed once to see that
    /// it is one. After any error the store is empty again. No other thread writes meanwhile: what it wrote would be refused or discarded.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is restored. Null for the defaults.</param>
    /// <param name="progress">Receives now and then which part of the pages is there, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it; the store is empty then.</param>
    /// <returns>What the snapshot says about itself.</returns>
    /// <exception cref="SnapshotException">The file is no snapshot, or damaged; the message says what is wrong and where.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="InvalidOperationException">
    /// The store is not empty, or has another page size, or a codec calls the store that it works for.
    /// </exception>
    /// <exception cref="MemoryLimitException">
    /// The store is too small; the message says how many pages found room, or what else did not, and where it is known names a limit that
    /// suffices.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <exception cref="ArgumentException">The path is null, empty, or cannot be one.</exception>
    /// <remarks>
    /// What a store held when it was saved, a full one too, can be loaded with <see cref="SnapshotLoadOptions.RestoreCodecs"/> into a store
    /// of the same options. Where memory becomes short, one thread loads through a small buffer, which comes from <see
    /// cref="PageStoreOptions.SnapshotReserve"/> if that is not in use. A store that is too small is found out by a second pass.
    /// What the file says costs nothing beyond the limit: a codec is charged, by an upper bound of what it takes at its level and with its
    /// dictionary, before its dictionary is read and before it is made. Time is in proportion to the file's bytes, with the codec's own
    /// cost for each page.
    /// </remarks>
    public SnapshotInfo LoadSnapshot(string path, SnapshotLoadOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default) =>
        _loader.Load(path, options?.RestoreCodecs == true, progress, cancellationToken);
}
