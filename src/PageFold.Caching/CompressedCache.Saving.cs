using PageFold.Caching.Saving;

// A path or a stream, which every call gives.
#pragma warning disable RS0026

namespace PageFold.Caching;

// For warm restarts.
public sealed partial class CompressedCache
{
    /// <summary>Saves all entries to a file, which it replaces when the new one is whole and on the device.</summary>
    /// <remarks>
    /// <para>
    /// Other threads may work meanwhile.
    /// Each entry is saved whole, as it was at some moment of the save. Left out are those that have expired, lost a tag, or are damaged.
    /// Saved are keys, compressed values, expiry, tags, and how much entries were used; and the dictionaries.
    /// </para>
    /// <para>
    /// The file is private to the user. It has a partial file beside it until it is whole; on failure or cancellation the old file stays.
    /// Of saves to one path at a time, the one that ends last leaves its file; a load meanwhile gets the whole file of one of them.
    /// A save borrows about half a megabyte on the GC heap, and as much as the largest compressed value.
    /// </para>
    /// </remarks>
    /// <param name="path">The file. A link to a file stays, and the file is replaced.</param>
    /// <param name="cancellationToken">Ends the save; the old file stays.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">
    /// The file cannot be written, or the name belongs to something else than a saved cache, which is never replaced.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public CacheSaveResult Save(string path, CancellationToken cancellationToken = default) =>
        Save(path, static stream => stream, cancellationToken);

    /// <summary>Saves all entries to a stream, from its position on. See <see cref="Save(string, CancellationToken)"/>.</summary>
    /// <remarks>If it fails or is cancelled, the stream has a part that cannot be loaded.</remarks>
    /// <param name="stream">Is written in order, and stays open.</param>
    /// <param name="cancellationToken">Ends the save.</param>
    /// <exception cref="ArgumentException">The stream cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public CacheSaveResult Save(Stream stream, CancellationToken cancellationToken = default)
    {
        SaveThrow.IfNotWritable(stream);
        using CacheSaver saver = new(_parts, _seed, stream, _options.TimeProvider.GetUtcNow());
        return saver.Run(cancellationToken);
    }

    /// <summary>Loads what <see cref="Save(string, CancellationToken)"/> has written, before the cache is used or while it is.</summary>
    /// <remarks>
    /// <para>
    /// The whole file is checked before anything is loaded: a file that is refused changes nothing. A value that a key has already stays.
    /// If not all entries fit, those that were used most have the best chance to stay. A file that changes after it was checked is refused
    /// where the change is met; what was loaded until then stays.
    /// </para>
    /// <para>
    /// Time passes while the file lies: entries that have expired by the time of day are not loaded. An entry with sliding expiry has at
    /// most what it had left when it was saved. A tag or key that was removed after the save comes back with the file, so save when the
    /// cache is used no longer, or load no file that is older than such a change.
    /// </para>
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the load; what was loaded stays.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="CacheFileException">
    /// The file is damaged, cut off, of another version, or no saved cache, such as a pipe or a device, which is not opened.
    /// </exception>
    /// <exception cref="IOException">There is no such file, it is a folder, or it cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public CacheLoadResult Load(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream stream = SavedFile.OpenToLoad(path, cancellationToken);
        return Load(stream, path, cancellationToken);
    }

    /// <summary>
    /// Loads from a stream, from its position to its end, which is read three times. See <see cref="Load(string, CancellationToken)"/>.
    /// </summary>
    /// <param name="stream">Can be read and seeked, and stays open.</param>
    /// <param name="cancellationToken">Ends the load; what was loaded stays.</param>
    /// <exception cref="ArgumentException">The stream cannot be read or seeked.</exception>
    /// <exception cref="CacheFileException">The content is damaged, cut off, of another version, or no saved cache.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public CacheLoadResult Load(Stream stream, CancellationToken cancellationToken = default)
    {
        SaveThrow.IfNotSeekable(stream);
        return Load(stream, SaveThrow.Stream, cancellationToken);
    }

    /// <summary>Saves to a file through a stream that a test puts before it.</summary>
    internal CacheSaveResult Save(string path, Func<Stream, Stream> through, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _parts.Enter().Dispose();
        using PartialFile file = PartialFile.Create(path, cancellationToken);
        CacheSaveResult result = Save(through(file.Stream), cancellationToken);
        file.Commit(cancellationToken);
        return result;
    }

    private CacheLoadResult Load(Stream stream, string name, CancellationToken cancellationToken)
    {
        _parts.Enter().Dispose();
        SaveReader reader = new(stream, name);
        SaveValidation.Run(reader, cancellationToken);
        reader.Rewind();
        using CacheLoader loader = new(_parts, _options, _seed, reader);
        return loader.Run(cancellationToken);
    }
}
