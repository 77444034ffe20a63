using System.Text.Json.Serialization;

namespace PageFold.CacheBench.Density;

/// <summary>Entries by resident memory; the object that <c>--json</c> writes.</summary>
internal sealed record DensityReport
{
    /// <summary>The file of values, or generated.</summary>
    public required string Values { get; init; }

    public required int DistinctValues { get; init; }

    /// <summary>The mean size of a value, in bytes.</summary>
    public required double ValueBytes { get; init; }

    /// <summary>What could not be measured, with reasons.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public required IReadOnlyList<DensityRow> Rows { get; init; }
}

/// <summary>The density of one cache.</summary>
/// <param name="Subject">The cache.</param>
/// <param name="Entries">Entries held.</param>
/// <param name="ResidentBytes">What resident memory grew by.</param>
/// <param name="EntriesPerGiB">Entries in each GiB of it.</param>
/// <param name="Ratio">The same over that of MemoryCache.</param>
internal sealed record DensityRow(string Subject, long Entries, long ResidentBytes, double EntriesPerGiB, double Ratio);

/// <summary>What a process is asked to measure.</summary>
/// <param name="Subject">The cache.</param>
/// <param name="Entries">Entries to store; the least for a cache that is filled until its memory is full.</param>
/// <param name="MemoryBytes">The limit of such a cache; null to store just <paramref name="Entries"/>.</param>
/// <param name="ValuesFile">The file of values; null for generated ones.</param>
/// <param name="Seed">The seed of those.</param>
internal sealed record DensityRequest(string Subject, int Entries, long? MemoryBytes, string? ValuesFile, int Seed);

/// <summary>What a process with one cache measured.</summary>
/// <param name="Entries">Entries held.</param>
/// <param name="ResidentBytes">What resident memory grew by.</param>
/// <param name="DistinctValues">The number of distinct values.</param>
/// <param name="ValueBytes">Their mean size.</param>
internal sealed record DensityFigures(long Entries, long ResidentBytes, int DistinctValues, double ValueBytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(DensityReport))]
[JsonSerializable(typeof(DensityRequest))]
[JsonSerializable(typeof(DensityFigures))]
internal sealed partial class DensityJson : JsonSerializerContext;
