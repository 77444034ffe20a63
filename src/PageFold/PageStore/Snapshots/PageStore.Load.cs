using PageFold.Compression;
using PageFold.Store;

namespace PageFold;

/// <summary>Snapshots, back into a store.</summary>
public sealed unsafe partial class PageStore
{
    /// <summary>
    /// Stores all pages of a snapshot. The file is not trusted: everything in it is checked, and each page is decompressed once to see that it is one. After any error the store is empty
    /// again. No other thread writes meanwhile: what it wrote would be refused or discarded.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is restored. Null for the defaults.</param>
    /// <param name="progress">Told now and then which part of the pages is there, 0 to 1.</param>
    /// <param name="cancellationToken">Ends it; the store is empty then.</param>
    /// <returns>What the snapshot says about itself.</returns>
    /// <exception cref="SnapshotException">The file is no snapshot, or damaged; the message says what is wrong and where.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="InvalidOperationException">The store is not empty, or has another page size.</exception>
    /// <exception cref="MemoryLimitException">The store is too small; the message says how many pages found room, or what else did not.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <exception cref="ArgumentException">The path is null, empty, or cannot be one.</exception>
    /// <remarks>
    /// What the file says costs nothing beyond the limit: a codec is charged, by an upper bound of what it takes at its level and with
    /// its dictionary, before its dictionary is read and before it is made.
    /// Time is in proportion to the file's bytes, with the codec's own cost for each page.
    /// </remarks>
    public SnapshotInfo LoadSnapshot(string path, SnapshotLoadOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using SnapshotReader reader = SnapshotReader.Open(path);
        Throw.IfPageSizesDiffer(reader.Header.PageSize, PageSize);
        Throw.IfNotEmpty(GetStatistics().Pages);
        bool loaded = false;
        try
        {
            using SnapshotLoad load = new(this, reader, options?.RestoreCodecs == true, progress, cancellationToken);
            load.Run();
            loaded = true;
        }
        finally
        {
            if (!loaded)
                Discard(0, MaxPage + 1);
        }
        progress?.Report(1);
        return reader.Info;
    }

    /// <summary>Stores a page of a snapshot in the form in which it is there. Its check is made now, since it depends on more than the bytes; until here the chunk's hash has covered them.</summary>
    internal StoreOutcome Restore(uint page, in StoredPage form, ReadOnlySpan<byte> bytes) => WriteStored(page, form with { Check = CheckOf(bytes, page) }, bytes);

    /// <summary>Stores a page of a snapshot compressed anew.</summary>
    internal StoreOutcome Restore(uint page, ReadOnlySpan<byte> data) =>
        Write(page, new StoredPage { Kind = StoredKind.Uncompressed }, data, RefusalPolicy.Keep);

    /// <summary>The codec of the store's that reads and writes what a described one does; null if it has none.</summary>
    internal PageCodec? FindCodec(CodecDescription description)
    {
        for (int number = 0; number < CodecTable.Most; number++)
        {
            if (_codecs[number] is { } codec && description.IsEquivalent(codec.Describe()))
                return codec;
        }
        return null;
    }
}
