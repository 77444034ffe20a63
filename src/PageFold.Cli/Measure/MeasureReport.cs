using System.Text.Json.Serialization;
using PageFold.Cli.Data;

namespace PageFold.Cli.Measure;

/// <summary>What a measurement found; the object that <c>--json</c> writes.</summary>
internal sealed record MeasureReport
{
    /// <summary>What was measured.</summary>
    public required string Source { get; init; }

    public required string Codec { get; init; }

    public int? Level { get; init; }

    public required int PageSize { get; init; }

    public required int Chain { get; init; }

    public required int Threads { get; init; }

    /// <summary>The limit in force, in bytes.</summary>
    public long MemoryLimit { get; set; }

    /// <summary>Pages stored.</summary>
    public long Pages { get; set; }

    /// <summary>Pages that were chosen to be stored.</summary>
    public long PagesChosen { get; set; }

    public long OriginalBytes { get; set; }

    /// <summary>Zeros among the original bytes that only fill the last pages of files.</summary>
    public long PaddingBytes { get; set; }

    /// <summary>Zeros among the original bytes that were not read, because they are holes of sparse files.</summary>
    public long HoleBytes { get; set; }

    public long CompressedBytes { get; set; }

    public long PoolBytes { get; set; }

    public long TableBytes { get; set; }

    public long TotalBytes { get; set; }

    public long PeakBytes { get; set; }

    /// <summary>How much the process grew in physical memory while the store was filled, as the operating system tells it.</summary>
    public long ResidentGrowthBytes { get; set; }

    /// <summary>Total to compressed bytes; null if nothing was compressed.</summary>
    public double? Overhead { get; set; }

    /// <summary>Original to total bytes.</summary>
    public double? Ratio { get; set; }

    public long SameFilledPages { get; set; }

    public long IncompressiblePages { get; set; }

    public MeasurePhase? Store { get; set; }

    public MeasurePhase? Load { get; set; }

    /// <summary>True if every stored page was read back and found identical.</summary>
    public bool Verified { get; set; }

    public long PagesVerified { get; set; }

    public long PagesDifferent { get; set; }

    public MeasureAfterDiscard? AfterDiscard { get; set; }

    /// <summary>Files or folders that could not be read.</summary>
    public int ItemsSkipped { get; set; }

    /// <summary>The first few of them, with their reasons.</summary>
    public IReadOnlyList<SkippedItem> Skipped { get; set; } = [];

    /// <summary>Pages that were gone when they were to be read.</summary>
    public long PagesSkipped { get; set; }

    public bool LimitReached { get; set; }

    public bool Interrupted { get; set; }

    /// <summary>Size classes with at least one object.</summary>
    public IReadOnlyList<MeasureClass> Classes { get; set; } = [];
}

/// <summary>How fast pages went in or out.</summary>
/// <param name="Seconds">Time inside the store, of one thread on average.</param>
/// <param name="MibPerSecond">Original mebibytes a second, all threads together.</param>
/// <param name="P50Us">Median of a page, in microseconds.</param>
/// <param name="P99Us">99th percentile of a page, in microseconds.</param>
internal sealed record MeasurePhase(double Seconds, double MibPerSecond, double P50Us, double P99Us);

/// <summary>What came back after a random half of the pages was discarded.</summary>
internal sealed record MeasureAfterDiscard
{
    public long Pages { get; set; }

    public long CompressedBytes { get; set; }

    /// <summary>Held two seconds after the last discard, without asking for anything.</summary>
    public long TotalBytes { get; set; }

    public double? Overhead { get; set; }

    /// <summary>Held after Compact; null if the measurement ended before.</summary>
    public long? CompactedTotalBytes { get; set; }

    public double? CompactedOverhead { get; set; }

    /// <summary>Bytes that compaction moved, in the background and on request.</summary>
    public long BytesMoved { get; set; }

    /// <summary>Bytes of frames that compaction freed.</summary>
    public long BytesFreed { get; set; }
}

/// <summary>One size class.</summary>
/// <param name="Size">Bytes of an object's place.</param>
/// <param name="FramesPerZspage">Frames in a chain.</param>
/// <param name="ObjectsPerZspage">Objects in a full zspage.</param>
/// <param name="Objects">Objects in use.</param>
/// <param name="Frames">Frames owned.</param>
internal sealed record MeasureClass(int Size, int FramesPerZspage, int ObjectsPerZspage, long Objects, long Frames);

/// <summary>JSON without reflection, so that it works in an AOT-compiled command.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(MeasureReport))]
internal sealed partial class MeasureJson : JsonSerializerContext;
