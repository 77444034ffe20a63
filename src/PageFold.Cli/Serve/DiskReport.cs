using System.Text.Json.Serialization;
using PageFold.Disks;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>What a serving command is and does; the object that <c>pagefold stat --json</c> writes.</summary>
internal sealed record ServerReport
{
    public required int Pid { get; init; }

    public required double UptimeSeconds { get; init; }

    public required IReadOnlyList<string> EndPoints { get; init; }

    /// <summary>Connections that were closed at once because there were too many.</summary>
    public required long RefusedConnections { get; init; }

    /// <summary>Bytes that all connections have in hand, and those kept for a short while for the next request.</summary>
    public required long ConnectionBytes { get; init; }

    /// <summary>The most bytes that <see cref="ConnectionBytes"/> has been.</summary>
    public required long ConnectionPeakBytes { get; init; }

    /// <summary>The most bytes that <see cref="ConnectionBytes"/> can be.</summary>
    public required long ConnectionBytesLimit { get; init; }

    /// <summary>What the operating system says that the whole process holds.</summary>
    public required long ResidentBytes { get; init; }

    public required IReadOnlyList<DiskReport> Exports { get; init; }
}

/// <summary>One export and its disk.</summary>
internal sealed record DiskReport
{
    public required string Name { get; init; }

    public required bool ReadOnly { get; init; }

    /// <summary>Bytes of the disk as its clients see it.</summary>
    public required long Size { get; init; }

    public required int PageSize { get; init; }

    public required IReadOnlyList<CodecReport> Codecs { get; init; }

    public required long Pages { get; init; }

    public required long OriginalBytes { get; init; }

    public required long CompressedBytes { get; init; }

    public required long SameFilledPages { get; init; }

    public required long IncompressiblePages { get; init; }

    public required long PoolBytes { get; init; }

    public required long TableBytes { get; init; }

    /// <summary>All bytes held, the cache of decompressed pages included.</summary>
    public required long TotalBytes { get; init; }

    public required long CacheBytes { get; init; }

    /// <summary>Bytes that a training holds while it works; part of <see cref="TableBytes"/>.</summary>
    public required long TrainingBytes { get; init; }

    public required long PeakBytes { get; init; }

    public required long MemoryLimit { get; init; }

    /// <summary>Bytes that the disk keeps, whether something is in them or not, with <c>--lock-memory</c>.</summary>
    public required long PrefaultedBytes { get; init; }

    /// <summary>
    /// Bytes that blocks without content may still take before they are refused, what a training gives up for them included; compaction
    /// may add to them.
    /// </summary>
    public required long AvailableBytes { get; init; }

    /// <summary>True if writes are refused once <see cref="AvailableBytes"/> are used up, and few are left.</summary>
    public required bool IsNearlyFull { get; init; }

    /// <summary>Pages that the store refused for want of memory. A request may write several.</summary>
    public required long RefusedWrites { get; init; }

    public required long FramesCompacted { get; init; }

    /// <summary>Pages in the writeback file.</summary>
    public required long WrittenBackPages { get; init; }

    /// <summary>Stored bytes of those pages.</summary>
    public required long WrittenBackBytes { get; init; }

    /// <summary>Bytes of the writeback file that hold something.</summary>
    public required long WritebackFileBytes { get; init; }

    /// <summary>Reads of pages in the file so far.</summary>
    public required long WritebackReads { get; init; }

    public required long Connections { get; init; }

    /// <summary>Requests that were answered with ENOSPC.</summary>
    public required long OutOfSpaceErrors { get; init; }

    /// <summary>By the names of the protocol's commands.</summary>
    public required IReadOnlyDictionary<string, ActivityReport> Requests { get; init; }

    public required IReadOnlyList<ClassReport> Classes { get; init; }

    /// <summary>Bytes of data in memory, without what is written back, for each byte held; null while there are none.</summary>
    public double? Ratio => OriginalBytes <= WrittenBackPages * PageSize || TotalBytes == 0 ? null
        : (double)(OriginalBytes - WrittenBackPages * PageSize) / TotalBytes;

    public static DiskReport Of(NbdExport export)
    {
        PageStoreStatistics statistics = export.Disk.Store.GetStatistics();
        return new DiskReport
        {
            Name = export.Name,
            ReadOnly = export.ReadOnly,
            Size = export.Disk.Length,
            PageSize = export.Disk.PageSize,
            Codecs =
            [
                .. statistics.Codecs.Select(use =>
                    new CodecReport(use.Name, use.Level, use.DictionaryBytes, use.Implementation, use.Pages, use.IsForWrites)),
            ],
            Pages = statistics.Pages,
            OriginalBytes = statistics.OriginalBytes,
            CompressedBytes = statistics.CompressedBytes,
            SameFilledPages = statistics.SameFilledPages,
            IncompressiblePages = statistics.IncompressiblePages,
            PoolBytes = statistics.PoolBytes,
            TableBytes = statistics.TableBytes,
            TotalBytes = statistics.TotalBytes,
            CacheBytes = export.Disk.CacheBytes,
            TrainingBytes = statistics.TrainingBytes,
            PeakBytes = statistics.PeakBytes,
            MemoryLimit = statistics.MemoryLimit,
            PrefaultedBytes = statistics.PrefaultedBytes,
            AvailableBytes = statistics.AvailableBytes,
            IsNearlyFull = IsAlmostFull(export.Disk, statistics),
            RefusedWrites = statistics.RefusedWrites,
            FramesCompacted = statistics.FramesCompacted,
            WrittenBackPages = statistics.WrittenBackPages,
            WrittenBackBytes = statistics.WrittenBackBytes,
            WritebackFileBytes = statistics.WritebackFileBytes,
            WritebackReads = statistics.WritebackReads,
            Connections = export.Connections,
            OutOfSpaceErrors = export.OutOfSpaceErrors,
            Requests = Enum.GetValues<RequestKind>().ToDictionary(NameOf, kind => ActivityReport.Of(export.GetActivity(kind))),
            Classes = [.. statistics.Classes.Where(sizeClass => sizeClass.Frames > 0).Select(
                sizeClass => new ClassReport(sizeClass.ObjectSize, sizeClass.Objects, sizeClass.Frames, sizeClass.ReclaimableFrames))],
        };
    }

    /// <summary>True if less than an eighth of the limit is left, on a disk that refuses writes when it is used up.</summary>
    public static bool IsAlmostFull(RamDisk disk, PageStoreStatistics statistics) =>
        !disk.Store.ReclaimsDirectly && statistics.AvailableBytes < statistics.MemoryLimit / 8;

    /// <summary>True if an eighth of the limit would be left without a training, which cannot be ended now.</summary>
    public static bool IsTrainingInTheWay(PageStoreStatistics statistics) =>
        statistics.TrainingBytes > 0 && statistics.AvailableBytes + statistics.TrainingBytes >= statistics.MemoryLimit / 8;

    /// <summary>A kind of request as the protocol writes it.</summary>
    public static string NameOf(RequestKind kind) => kind switch
    {
        RequestKind.WriteZeroes => "write-zeroes",
        RequestKind.BlockStatus => "block-status",
        _ => kind.ToString().ToLowerInvariant(),
    };
}

/// <summary>A codec of a disk, and how many pages are stored with it.</summary>
internal sealed record CodecReport(string Name, int Level, int DictionaryBytes, string Implementation, long Pages, bool ForWrites)
{
    /// <summary>The codec for a person, as the options name it, with its dictionary or its tables.</summary>
    public string Show() => CodecNames.WithLevel(Name, Level)
        + (DictionaryBytes == 0 ? string.Empty : $" with {ByteSize.Format(DictionaryBytes)} of {What}");

    private string What => Name == CodecNames.Fold ? "tables" : "dictionary";
}

/// <summary>A size class: bytes of an object, objects, frames, and frames that compaction would free.</summary>
internal sealed record ClassReport(int ObjectSize, long Objects, long Frames, long ReclaimableFrames);

/// <summary>One kind of request since the server began.</summary>
internal sealed record ActivityReport(
    long Requests, long Bytes, long Errors, double Seconds, double MedianMicroseconds, double P99Microseconds)
{
    public static ActivityReport Of(CommandActivity activity) => new(
        activity.Requests, activity.Bytes, activity.Errors, activity.TotalTime.TotalSeconds, activity.MedianTime.TotalMicroseconds,
            activity.P99Time.TotalMicroseconds);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ServerReport))]
internal sealed partial class ServerReportJson : JsonSerializerContext;
