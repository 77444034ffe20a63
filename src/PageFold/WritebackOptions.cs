using PageFold.Frames;

namespace PageFold;

/// <summary>
/// Where a <see cref="PageStore"/> may put pages that are to leave memory: a file or a block device that serves this store alone.
/// </summary>
/// <remarks>
/// The content serves this store alone and is of no use once the store is gone. It is not erased in place: each record is a page's number,
/// its checksum and its stored bytes, so a file or device with secret pages belongs on storage that is encrypted or discarded.
/// </remarks>
public sealed record WritebackOptions
{
    /// <summary>The most bytes of a writeback file that can be addressed: 256 GiB.</summary>
    public const long MaxFileBytes = 256L << 30;

    /// <summary>
    /// The file, or the block device. A file that does not exist is made, for its owner alone, and deleted when the store is disposed. One
    /// that exists must be empty or carry the header of an earlier writeback file, and is left empty. A device must not be in use, and its
    /// first and last MiB must be zeros, unless it carries that header.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>
    /// The most bytes of the file, 4 MiB to <see cref="MaxFileBytes"/>. Null (the default) takes <see cref="MaxFileBytes"/>, or the
    /// device's size.
    /// </summary>
    public long? MaxBytes { get; init; }

    /// <summary>
    /// The most bytes to write in a day, to spare a device that wears; moving pages within the file counts too. Null (the default) for no
    /// such limit.
    /// </summary>
    /// <remarks>
    /// A day is 24 hours of <see cref="TimeProvider.GetTimestamp"/>, counted from when the store was made: changes of date and time do not
    /// matter, and time in which the machine sleeps does not count. What was written is
    /// not remembered beyond the store: one that is made anew begins with a whole budget.
    /// </remarks>
    public long? DailyBudget { get; init; }

    /// <summary>
    /// Has a write that finds no memory move pages to the file first (direct reclaim), and wait for that, instead of being refused. Such a
    /// write is refused only when the file is full or fails. Default false: pages leave memory when <see cref="PageStore.WriteBack"/> is
    /// called. Cannot be combined with <see cref="DailyBudget"/>.
    /// </summary>
    public bool DirectReclaim { get; init; }

    /// <summary>
    /// Reserves <see cref="MaxBytes"/> on the file system when the store is made, and keeps them until it is disposed, so that the file
    /// never lacks disk space. Needs <see cref="MaxBytes"/>; a block device has its space anyway. On file systems that copy on write a
    /// reservation does not cover overwrites. Default false.
    /// </summary>
    public bool Preallocate { get; init; }

    /// <summary>
    /// The size of a file that always has room for so many bytes of pages, whatever order they are written, overwritten and discarded in: a
    /// seventh more than they take, for cleaning, and the ends of segments.
    /// </summary>
    /// <param name="pageBytes">Bytes of uncompressed pages.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <returns>Bytes for <see cref="MaxBytes"/>; more than <see cref="MaxFileBytes"/> if no file is large enough.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of range; the message names it, its value and the
    /// remedy.</exception>
    public static long BytesFor(long pageBytes, int pageSize)
    {
        Throw.IfNegative(pageBytes, nameof(pageBytes));
        FrameThrow.IfPageSizeInvalid(pageSize, nameof(pageSize));
        return Store.Log.WritebackLog.BytesFor(pageBytes, pageSize);
    }

    /// <summary>When set, decides which reads and writes of the file are made to fail. For tests.</summary>
    internal Frames.AllocationFaults? Faults { get; init; }

    /// <summary>Runs when records are in the file and no slot names them yet. For tests.</summary>
    internal Action? Written { get; init; }
}

/// <summary>
/// Which pages <see cref="PageStore.WriteBack"/> takes. Without conditions it takes all that are in memory and not same-filled.
/// </summary>
public sealed record WritebackSelection
{
    /// <summary>
    /// Only pages that were not accessed for so long; pages whose age is unknown count as old. Needs <see
    /// cref="PageStoreOptions.TrackAccess"/>. Null (the default) for all.
    /// </summary>
    public TimeSpan? MinAge { get; init; }

    /// <summary>Only pages that are stored raw. Default false.</summary>
    public bool OnlyIncompressible { get; init; }

    /// <summary>Ends before more stored bytes than this have left memory. Null (the default) for no such end.</summary>
    public long? MaxBytes { get; init; }
}

/// <summary>Why a writeback ended.</summary>
public enum WritebackStop
{
    /// <summary>All pages that meet the conditions were looked at.</summary>
    Finished,

    /// <summary>So many bytes as were asked for have left memory.</summary>
    MaxBytes,

    /// <summary>The day's budget of writes is used up.</summary>
    DailyBudget,

    /// <summary>The file is full of pages that are needed.</summary>
    FileFull,

    /// <summary>There is no memory to note one more part of the file.</summary>
    NoMemory,

    /// <summary>The system failed to write or read the file; <see cref="WritebackResult.Error"/> says why.</summary>
    IOError,

    /// <summary>It was cancelled.</summary>
    Cancelled,
}

/// <summary>What a writeback did. Pages that it did not write back are in memory as before.</summary>
public sealed record WritebackResult
{
    /// <summary>Why it ended.</summary>
    public required WritebackStop Stopped { get; init; }

    /// <summary>Pages that have left memory.</summary>
    public required long Pages { get; init; }

    /// <summary>Stored bytes of those pages.</summary>
    public required long Bytes { get; init; }

    /// <summary>Pages left in memory because another thread used or changed them at that moment, or what is stored is damaged.</summary>
    public required long Skipped { get; init; }

    /// <summary>Bytes written to the file, with those that were moved in it to make room.</summary>
    public required long FileBytesWritten { get; init; }

    /// <summary>True if the caller cancelled it before its end; what has left memory stays in the file.</summary>
    public bool WasCancelled => Stopped == WritebackStop.Cancelled;

    /// <summary>What the system reported, after <see cref="WritebackStop.IOError"/>.</summary>
    public Exception? Error { get; init; }
}
