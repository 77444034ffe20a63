using System.Text.Json.Serialization;
using PageFold.Cli.Data;

namespace PageFold.Cli.Measure;

/// <summary>The results of a measurement; the object that <c>--json</c> writes.</summary>
internal sealed record MeasureReport
{
    /// <summary>A description of the data.</summary>
    public required string Source { get; init; }

    /// <summary>The name as <c>--codec</c> takes it, without a level that is a number.</summary>
    public required string Codec { get; init; }

    /// <summary>The codec of writes, where <see cref="Codec"/> is auto; otherwise null.</summary>
    public string? CodecForWrites { get; init; }

    public int? Level { get; init; }

    public required int PageSize { get; init; }

    public required int Chain { get; init; }

    public required int Threads { get; init; }

    /// <summary>The limit in force, in bytes.</summary>
    public long MemoryLimit { get; set; }

    /// <summary>Pages stored.</summary>
    public long Pages { get; set; }

    /// <summary>Pages chosen to be stored.</summary>
    public long PagesChosen { get; set; }

    public long OriginalBytes { get; set; }

    /// <summary>Zeros among the original bytes that only fill the last pages of files.</summary>
    public long PaddingBytes { get; set; }

    /// <summary>Zeros among the original bytes that were not read because they are holes of sparse files.</summary>
    public long HoleBytes { get; set; }

    public long CompressedBytes { get; set; }

    public long PoolBytes { get; set; }

    public long TableBytes { get; set; }

    public long TotalBytes { get; set; }

    public long PeakBytes { get; set; }

    /// <summary>The growth of the process in physical memory while the store was filled, as the operating system reports it.</summary>
    public long ResidentGrowthBytes { get; set; }

    /// <summary>Total bytes divided by compressed bytes; null if nothing was compressed.</summary>
    public double? Overhead { get; set; }

    /// <summary>Original bytes divided by total bytes.</summary>
    public double? Ratio { get; set; }

    public long SameFilledPages { get; set; }

    public long IncompressiblePages { get; set; }

    public MeasurePhase? Store { get; set; }

    public MeasurePhase? Load { get; set; }

    /// <summary>True if every stored page was read back and found identical.</summary>
    public bool Verified { get; set; }

    public long PagesVerified { get; set; }

    public long PagesDifferent { get; set; }

    /// <summary>What is held once all pages are compressed again with a denser codec; null if they are not.</summary>
    public MeasureRecompressed? Recompressed { get; set; }

    public MeasureAfterDiscard? AfterDiscard { get; set; }

    /// <summary>Files or folders that could not be read.</summary>
    public int ItemsSkipped { get; set; }

    /// <summary>The first skipped items, with reasons.</summary>
    public IReadOnlyList<SkippedItem> Skipped { get; set; } = [];

    /// <summary>Pages that were gone when they were to be read.</summary>
    public long PagesSkipped { get; set; }

    public bool LimitReached { get; set; }

    public bool Interrupted { get; set; }

    /// <summary>Parts of a measurement with auto of which there are no figures, because it was interrupted before their end.</summary>
    public IReadOnlyList<string> Missing { get; set; } = [];

    /// <summary>Size classes with at least one object.</summary>
    public IReadOnlyList<MeasureClass> Classes { get; set; } = [];
}

/// <summary>The speed of storing or loading.</summary>
/// <param name="Seconds">Time inside the store, average of all threads.</param>
/// <param name="MibPerSecond">Original mebibytes a second, sum of all threads.</param>
/// <param name="P50Us">Median time of a page, in microseconds.</param>
/// <param name="P99Us">99th percentile of the time of a page, in microseconds.</param>
internal sealed record MeasurePhase(double Seconds, double MibPerSecond, double P50Us, double P99Us);

/// <summary>The state after all pages were compressed again with a denser codec, and compaction.</summary>
internal sealed record MeasureRecompressed
{
    /// <summary>The denser codec, as <c>--codec</c> takes it.</summary>
    public required string Codec { get; init; }

    public long CompressedBytes { get; set; }

    public long PoolBytes { get; set; }

    public long TableBytes { get; set; }

    public long TotalBytes { get; set; }

    /// <summary>Total bytes divided by compressed bytes; null if nothing is compressed.</summary>
    public double? Overhead { get; set; }

    /// <summary>Original bytes divided by total bytes.</summary>
    public double? Ratio { get; set; }

    public long IncompressiblePages { get; set; }

    /// <summary>Pages that now take less memory.</summary>
    public long PagesRecompressed { get; set; }

    /// <summary>Pages that take as much with the denser codec and were left as they were.</summary>
    public long PagesWithoutGain { get; set; }

    /// <summary>True if tables were trained on the pages and used.</summary>
    public bool HasOwnTables { get; set; }

    /// <summary>The time of training tables, whether they were used or not; null if it was not asked for.</summary>
    public double? TrainingSeconds { get; set; }

    /// <summary>The reason why there are no tables of the pages' own although they were asked for; otherwise null.</summary>
    public string? NotTrained { get; set; }

    /// <summary>The time of the recompression, on one thread.</summary>
    public double Seconds { get; set; }

    /// <summary>Original mebibytes of the pages that were compressed again, a second.</summary>
    public double MibPerSecond { get; set; }

    public MeasurePhase? Load { get; set; }

    /// <summary>Size classes with at least one object.</summary>
    public IReadOnlyList<MeasureClass> Classes { get; set; } = [];
}

/// <summary>The state after a random half of the pages was discarded.</summary>
internal sealed record MeasureAfterDiscard
{
    public long Pages { get; set; }

    public long CompressedBytes { get; set; }

    /// <summary>Bytes held two seconds after the last discard, without a request to compact.</summary>
    public long TotalBytes { get; set; }

    public double? Overhead { get; set; }

    /// <summary>Bytes held after Compact; null if the measurement ended before.</summary>
    public long? CompactedTotalBytes { get; set; }

    public double? CompactedOverhead { get; set; }

    /// <summary>Bytes that compaction moved, in the background and on request.</summary>
    public long BytesMoved { get; set; }

    /// <summary>Bytes of frames that compaction freed.</summary>
    public long BytesFreed { get; set; }
}

/// <summary>A size class.</summary>
/// <param name="Size">Bytes of an object, rounded up to the class.</param>
/// <param name="FramesPerZspage">Frames in a chain.</param>
/// <param name="ObjectsPerZspage">Objects in a full zspage.</param>
/// <param name="Objects">Objects in use.</param>
/// <param name="Frames">Frames owned.</param>
internal sealed record MeasureClass(int Size, int FramesPerZspage, int ObjectsPerZspage, long Objects, long Frames);

/// <summary>JSON serialization without reflection, which an AOT-compiled command needs.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(MeasureReport))]
internal sealed partial class MeasureJson : JsonSerializerContext;
