using System.Text.Json.Serialization;

namespace PageFold.CacheBench.Pauses;

/// <summary>Pauses of the garbage collector; the object that <c>--json</c> writes.</summary>
internal sealed record PauseReport
{
    public required double Minutes { get; init; }

    public required int Threads { get; init; }

    /// <summary>What could not be measured, with reasons.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public required IReadOnlyList<PauseRow> Rows { get; init; }
}

/// <summary>The pauses of a process with one cache.</summary>
/// <param name="Subject">The cache.</param>
/// <param name="LiveBytes">Bytes of values that it was filled with.</param>
/// <param name="Collector">workstation (concurrent) or server.</param>
/// <param name="InducedRatio">The median induced pause over that of the first cache with as many bytes and the same collector.</param>
/// <param name="Figures">What its process measured.</param>
internal sealed record PauseRow(string Subject, long LiveBytes, string Collector, double InducedRatio, PauseFigures Figures);

/// <summary>What a process is asked to measure.</summary>
internal sealed record PauseRequest(string Subject, long LiveBytes, double Minutes, int Threads, int Seed);

/// <summary>What a process with one cache measured.</summary>
/// <param name="Entries">Entries held after the cache was filled.</param>
/// <param name="ResidentBytes">Resident memory of the process then.</param>
/// <param name="HeapBytes">Bytes of objects on the garbage-collected heap then.</param>
/// <param name="InducedMilliseconds">The time of an induced blocking full collection; the median of five.</param>
/// <param name="LeastInduced">The fastest of the five, in milliseconds.</param>
/// <param name="MostInduced">The slowest of the five, in milliseconds.</param>
/// <param name="WorstNaturalMilliseconds">The longest suspension during the mixture.</param>
/// <param name="NaturalPauses">Suspensions during the mixture.</param>
/// <param name="NaturalSeconds">All of them together.</param>
/// <param name="FullCollections">Collections of the oldest generation among them.</param>
/// <param name="Operations">Operations of the mixture.</param>
/// <param name="HitRatio">The share of its gets that were hits, 0 to 1.</param>
/// <param name="IsServer">True if the collector was the server's.</param>
internal sealed record PauseFigures(
    long Entries,
    long ResidentBytes,
    long HeapBytes,
    double InducedMilliseconds,
    double LeastInduced,
    double MostInduced,
    double WorstNaturalMilliseconds,
    int NaturalPauses,
    double NaturalSeconds,
    int FullCollections,
    long Operations,
    double HitRatio,
    bool IsServer);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(PauseReport))]
[JsonSerializable(typeof(PauseRequest))]
[JsonSerializable(typeof(PauseFigures))]
internal sealed partial class PauseJson : JsonSerializerContext;
