using System.Text.Json.Serialization;

namespace PageFold.CacheBench.Throughput;

/// <summary>Times of operations; the object that <c>--json</c> writes.</summary>
internal sealed record ThroughputReport
{
    /// <summary>Entries in each cache.</summary>
    public required int Entries { get; init; }

    /// <summary>The mean size of a value, in bytes.</summary>
    public required double ValueBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>What the time of a thread is.</summary>
    public required string Clock { get; init; }

    public required IReadOnlyList<FillRow> Fills { get; init; }

    public required IReadOnlyList<ThroughputRow> Rows { get; init; }
}

/// <summary>The time of one operation of one cache.</summary>
/// <param name="Subject">The cache.</param>
/// <param name="Operation">getHit, getMiss, set or mixed.</param>
/// <param name="Threads">Threads at work at the same time.</param>
/// <param name="Nanoseconds">Processor time of the threads by operations; the median of the rounds.</param>
/// <param name="Least">The fastest round.</param>
/// <param name="Most">The slowest round.</param>
/// <param name="Ratio">The time over that of the first cache in the same round; the median of the rounds.</param>
/// <param name="ElapsedNanoseconds">Elapsed time by operations of all threads together; the median of the rounds.</param>
/// <param name="ElapsedRatio">The same ratio of it.</param>
/// <param name="HitRatio">Of mixed: the share of gets that were hits, 0 to 1.</param>
internal sealed record ThroughputRow(
    string Subject,
    string Operation,
    int Threads,
    double Nanoseconds,
    double Least,
    double Most,
    double Ratio,
    double ElapsedNanoseconds,
    double ElapsedRatio,
    double? HitRatio);

/// <summary>What it took to fill a cache.</summary>
/// <param name="Subject">The cache.</param>
/// <param name="Entries">Entries that it holds then.</param>
/// <param name="FirstSets">Sets at the beginning that are left out, because they compile the code.</param>
/// <param name="LongestSetMilliseconds">The longest of the other sets, in elapsed time.</param>
/// <param name="MetadataBytesPerEntry">
/// Bytes of index and of what eviction remembers, by entries; null for a cache that does not count them.
/// </param>
internal sealed record FillRow(string Subject, long Entries, int FirstSets, double LongestSetMilliseconds, double? MetadataBytesPerEntry);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ThroughputReport))]
internal sealed partial class ThroughputJson : JsonSerializerContext;
