using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Store.Snapshots;

/// <summary>
/// Exceptions of snapshots and their files. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class SnapshotThrow
{
    public static void IfLabelInvalid([NotNull] string? label)
    {
        if (label is null)
            throw new ArgumentException("Label is null; choose a text, or leave it empty.", "Label");
        int bytes = SnapshotHeader.LabelBytes(label);
        if (bytes > SnapshotOptions.MaxLabelBytes)
            throw new ArgumentException($"Label has {bytes} bytes in UTF-8; choose at most {SnapshotOptions.MaxLabelBytes}.", "Label");
    }

    public static void IfSnapshotRuns(bool runs)
    {
        if (runs)
            throw new InvalidOperationException("Another snapshot of this store is being taken; wait for it to end, or cancel it.");
    }

    public static NotSupportedException CodecCannotBeSaved(string codec) =>
        new($"Codec {codec} cannot be saved: a snapshot has to say what makes it again, and that is known of the library's own codecs "
            + $"alone, with dictionaries up to {SnapshotFormat.MaxDictionaryBytes} bytes. Use one of those, or save an image.");

    public static MemoryLimitException NoMemoryForSnapshot(long limit) =>
        Throw.NoMemory(
            $"No memory for a snapshot within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}): it takes two buffers of "
                + $"{Throw.Bytes(SnapshotFormat.ChunkBytes)} and a bit a page; recompress with a denser codec, write pages back, or "
                + $"discard some, and compact, then try again. A store made with {OptionNames.SnapshotReserve} keeps memory for it.");

    public static InvalidOperationException PointIsFixed() =>
        new("The session's point in time is fixed already; begin another snapshot for another point.");

    public static InvalidOperationException SnapshotNotSaved(TimeSpan patience) =>
        new(
            $"The snapshot was given up: its point in time was fixed, writers waited {patience.TotalSeconds} s, and Save was not called; "
            + "call Save right after TakePoint.");

    // By name: the types are fronts, above this floor.
    public static ObjectDisposedException StoreClosed() => new("PageFold.PageStore");

    public static OperationCanceledException Abandoned() => new("The snapshot was abandoned while it was being saved.");

    public static ObjectDisposedException SessionEnded() => new("PageFold.SnapshotSession");

    [DoesNotReturn]
    public static void NotAFile(string path) =>
        throw new IOException($"{path} is a folder, a device or something else that is no plain file; choose the name of a file.");

    public static IOException PartialFileTaken(string path) =>
        new($"{path} comes and goes: another process writes it; choose another name, or wait.");

    public static IOException FolderNotSynced(string path, string reason) =>
        new($"{path} is written and in its place, but its folder could not be synced ({reason}); after a crash of the machine the old "
            + $"file may be there.");

    [DoesNotReturn]
    public static void NotASnapshot(string path) => throw new SnapshotException($"{path} is no snapshot: it does not begin like one.");

    [DoesNotReturn]
    public static void SnapshotOfOtherVersion(string path, uint version, uint known) =>
        throw new SnapshotException(
            $"{path} is a snapshot of version {version}, and this library reads version {known}; read it with the version that wrote it.");

    [DoesNotReturn]
    public static void SnapshotIsDamaged(string path, long offset, string problem) =>
        throw new SnapshotException($"{path} is damaged at byte {offset}: {problem}.");

    public static void IfPageSizesDiffer(int snapshot, int store)
    {
        if (snapshot != store)
            throw new InvalidOperationException(
                $"The snapshot has pages of {snapshot} bytes and the store of {store}; make a store with PageSize {snapshot}.");
    }

    public static void IfNotEmpty(long pages)
    {
        if (pages != 0)
            throw new InvalidOperationException(
                $"The store holds {(pages == 1 ? "a page" : $"{pages} pages")}, and a snapshot is loaded into an empty one; discard "
                + "what is in it, or make another store.");
    }

    /// <param name="stored">Pages that fit.</param>
    /// <param name="pages">Pages of the snapshot.</param>
    /// <param name="limit">The limit.</param>
    /// <param name="sufficient">A limit that suffices; zero if none is known.</param>
    /// <param name="writeback">What the last attempt to move pages to the writeback file did; null without a file.</param>
    public static MemoryLimitException SnapshotDoesNotFit(
        long stored, long pages, long limit, long sufficient, WritebackResult? writeback)
    {
        string raise = Raise(sufficient);
        // What keeps pages from leaving memory may be what is to be mended.
        if (writeback is null)
            return Throw.NoMemory(
                $"{stored} of the snapshot's {pages} pages fit within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}); {raise}, or have "
                + $"the rest written to a file with {OptionNames.WritebackPath}.");
        string also = writeback.Stopped == WritebackStop.Finished ? string.Empty
            : $", or see to the writeback file, to which no more can go ({writeback.Stopped})";
        return Throw.NoMemory(
            $"{stored} of the snapshot's {pages} pages fit within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}); {raise}{also}.");
    }

    public static MemoryLimitException NoMemoryToLoad(int pageSize, long limit) =>
        Throw.NoMemory(
            $"No memory for the buffer that a snapshot is loaded through ({Throw.Bytes(SnapshotMemory.SmallBytes(pageSize))}) within "
                + $"{OptionNames.MemoryLimit} "
                + $"({Throw.Bytes(limit)}); raise the limit.");

    public static MemoryLimitException NoMemoryForContext(string codec, int dictionary, long bytes, long limit, long sufficient) =>
        Throw.NoMemory(
            $"No memory for the snapshot's codec {codec} with a dictionary of {Throw.Bytes(dictionary)}, which takes {Throw.Bytes(bytes)}, "
                + $"within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}); {Raise(sufficient)}.");

    private static string Raise(long sufficient) =>
        sufficient == 0 ? "raise the limit" : $"raise the limit to {sufficient >> 20} MiB, which suffices";
}
