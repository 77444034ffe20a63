using System.Text.Json.Serialization;

namespace PageFold.CacheBench.HitRatio;

/// <summary>Hit ratios; the object that <c>--json</c> writes.</summary>
internal sealed record HitRatioReport
{
    /// <summary>Threads that took the requests in turn.</summary>
    public required int Threads { get; init; }

    public required int Seed { get; init; }

    /// <summary>How caches were limited that lack the limit in question.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public required IReadOnlyList<HitRatioRow> Rows { get; init; }
}

/// <summary>The hit ratios of one cache on one trace.</summary>
/// <param name="Trace">The file's name, or the stream as it was asked for.</param>
/// <param name="Subject">The cache.</param>
/// <param name="Objective">objects or bytes; only a cache with such an option heeds it.</param>
/// <param name="CapacityPercent">The capacity as a share of the distinct keys, or of the bytes of their values.</param>
/// <param name="Entries">The capacity in entries; of a trace with sizes the mean number of entries held.</param>
/// <param name="CapacityBytes">The capacity in bytes of values; null for a trace without sizes.</param>
/// <param name="HeldBytes">The mean number of bytes of values held; null for a trace without sizes.</param>
/// <param name="Requests">The number of requests.</param>
/// <param name="ObjectHitRatio">The share of requests that were hits, 0 to 1.</param>
/// <param name="ByteHitRatio">The same with each request weighed by its size; without sizes all weigh the same.</param>
internal sealed record HitRatioRow(
    string Trace,
    string Subject,
    string Objective,
    double CapacityPercent,
    long Entries,
    long? CapacityBytes,
    long? HeldBytes,
    long Requests,
    double ObjectHitRatio,
    double ByteHitRatio);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(HitRatioReport))]
internal sealed partial class HitRatioJson : JsonSerializerContext;
