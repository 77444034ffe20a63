using System.Text.Json.Serialization;

namespace PageFold.CacheBench.Density;

/// <summary>Entries by resident memory; the object that <c>--json</c> writes.</summary>
internal sealed record DensityReport
{
    public required IReadOnlyList<DensityValues> Values { get; init; }

    /// <summary>What could not be measured, with reasons.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public required IReadOnlyList<DensityRow> Rows { get; init; }
}

/// <summary>The values that caches were compared with.</summary>
/// <param name="Values">The name of the file, or generated.</param>
/// <param name="DistinctValues">The number of distinct values.</param>
/// <param name="ValueBytes">The mean size of a value, in bytes.</param>
internal sealed record DensityValues(string Values, int DistinctValues, double ValueBytes);

/// <summary>The density of one cache.</summary>
/// <param name="Values">The name of the file of values, or generated.</param>
/// <param name="Subject">The cache.</param>
/// <param name="IsHeldOut">
/// True if the cache trained its dictionary on one half of the values, was cleared, and holds the other half only.
/// </param>
/// <param name="Entries">Entries held.</param>
/// <param name="ResidentBytes">What resident memory grew by.</param>
/// <param name="EntriesPerGiB">Entries in each GiB of it.</param>
/// <param name="Ratio">The same over that of MemoryCache.</param>
/// <param name="Dictionaries">Dictionaries that the cache trained by itself; null for a cache that trains none.</param>
internal sealed record DensityRow(
    string Values, string Subject, bool IsHeldOut, long Entries, long ResidentBytes, double EntriesPerGiB, double Ratio, int? Dictionaries);

/// <summary>What a process is asked to measure.</summary>
/// <param name="Subject">The cache.</param>
/// <param name="Entries">Entries to store; the least for a cache that is filled until its memory is full.</param>
/// <param name="MemoryBytes">The limit of such a cache; null to store just <paramref name="Entries"/>.</param>
/// <param name="ValuesFile">The file of values; null for generated ones.</param>
/// <param name="Seed">The seed of those.</param>
/// <param name="HoldsOut">True to let the cache train on the first half of the values, and to hold the second half.</param>
internal sealed record DensityRequest(string Subject, int Entries, long? MemoryBytes, string? ValuesFile, int Seed, bool HoldsOut);

/// <summary>What a process with one cache measured.</summary>
/// <param name="Entries">Entries held.</param>
/// <param name="ResidentBytes">What resident memory grew by.</param>
/// <param name="DistinctValues">The number of distinct values.</param>
/// <param name="ValueBytes">Their mean size.</param>
/// <param name="Dictionaries">Dictionaries trained until the cache was filled; null for a cache that trains none.</param>
/// <param name="LateDictionaries">Those of them that came after the training that was waited for.</param>
internal sealed record DensityFigures(
    long Entries, long ResidentBytes, int DistinctValues, double ValueBytes, int? Dictionaries, int LateDictionaries);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(DensityReport))]
[JsonSerializable(typeof(DensityRequest))]
[JsonSerializable(typeof(DensityFigures))]
internal sealed partial class DensityJson : JsonSerializerContext;
