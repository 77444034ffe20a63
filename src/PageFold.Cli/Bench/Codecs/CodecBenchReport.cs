using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>The results of a comparison of codecs; the object that <c>--json</c> writes.</summary>
internal sealed record CodecBenchReport
{
    /// <summary>A description of the data.</summary>
    public required string Data { get; init; }

    /// <summary>The most bytes of the data that were chosen for each page size.</summary>
    public required long Sample { get; init; }

    /// <summary>True if only files were taken on which no table is trained.</summary>
    public required bool Holdout { get; init; }

    /// <summary>
    /// Files that were left out because tables may be trained on them; null if the data are the memory of a process, for which
    /// <c>--holdout</c> changes nothing.
    /// </summary>
    public required int? FilesLeftOut { get; init; }

    /// <summary>The processor.</summary>
    public required string Cpu { get; init; }

    /// <summary>The .NET runtime.</summary>
    public required string Runtime { get; init; }

    /// <summary>The kind of time that was measured.</summary>
    public required string Clock { get; init; }

    public required int Rounds { get; init; }

    /// <summary>True if every codec returned every page as it was.</summary>
    public bool Verified => Wrong.Count == 0;

    /// <summary>Codecs that were not measured because their library is not installed.</summary>
    public required IReadOnlyList<MissingCodec> Missing { get; init; }

    /// <summary>Codecs that did not return a page as it was, and have no row.</summary>
    public required IReadOnlyList<WrongCodec> Wrong { get; init; }

    /// <summary>The pages, by size.</summary>
    public required IReadOnlyList<CodecBenchPages> PageSizes { get; init; }

    public required IReadOnlyList<CodecBenchRow> Rows { get; init; }
}

/// <summary>The pages of one size.</summary>
/// <param name="PageSize">Bytes in a page.</param>
/// <param name="Pages">Pages that every codec compressed and decompressed.</param>
/// <param name="SameFilledLeftOut">Pages that were left out because one word fills them.</param>
internal sealed record CodecBenchPages(int PageSize, int Pages, int SameFilledLeftOut);

/// <summary>The figures of one codec at one page size.</summary>
/// <param name="Codec">The name with the level, as <c>--codec</c> takes it.</param>
/// <param name="Implementation">The library and its version.</param>
/// <param name="PageSize">Bytes in a page.</param>
/// <param name="Pages">The number of pages.</param>
/// <param name="CompressedBytes">The bytes that a store keeps of all pages; of a raw page all of it.</param>
/// <param name="RawPages">Pages whose result is above the store's limit, so that a store keeps them raw.</param>
/// <param name="CompressUs">Microseconds to compress a page; the median of all turns.</param>
/// <param name="DecompressUs">Microseconds to decompress a page, or to copy a raw one; the median of all turns.</param>
/// <param name="CompressToLz4">The time to compress over that of <c>lz4</c> in the same turn, the median; null without <c>lz4</c>.</param>
/// <param name="DecompressToLz4">The same for the time to decompress.</param>
internal sealed record CodecBenchRow(
    string Codec, string Implementation, int PageSize, int Pages, long CompressedBytes, int RawPages, double CompressUs,
    double DecompressUs, double? CompressToLz4, double? DecompressToLz4)
{
    /// <summary>The compressed bytes as a share of the pages' bytes.</summary>
    [JsonIgnore]
    public double Share => (double)CompressedBytes / ((long)Pages * PageSize);
}

/// <summary>A codec that does not return a page as it was.</summary>
/// <param name="Codec">The name with the level.</param>
/// <param name="Implementation">The library and its version.</param>
/// <param name="PageSize">Bytes in a page.</param>
/// <param name="Problem">What is wrong with which page.</param>
internal sealed record WrongCodec(string Codec, string Implementation, int PageSize, string Problem);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CodecBenchReport))]
internal sealed partial class CodecBenchJson : JsonSerializerContext;
