using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Alloc;

/// <summary>The results of a comparison; the object that <c>--json</c> writes.</summary>
internal sealed record AllocBenchReport
{
    /// <summary>A description of the data.</summary>
    public required string Source { get; init; }

    /// <summary>The codec's name.</summary>
    public required string Codec { get; init; }

    public required int PageSize { get; init; }

    /// <summary>Objects at full population: one for each page.</summary>
    public required int Objects { get; init; }

    /// <summary>The total size of these objects, in bytes.</summary>
    public required long AskedBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Allocators that were not measured, with reasons.</summary>
    public required IReadOnlyDictionary<string, string> Unavailable { get; init; }

    /// <summary>True if every object of every allocator held its content at the end.</summary>
    public required bool Verified { get; init; }

    public required IReadOnlyList<AllocBenchRow> Rows { get; init; }

    public required IReadOnlyList<AllocBenchMemory> Memory { get; init; }
}

/// <summary>The time of one allocator for one kind of work.</summary>
/// <param name="Subject">pagefold, glibc, jemalloc or mimalloc.</param>
/// <param name="Phase">churn, churnZeroed, churnWithContent, fill or free.</param>
/// <param name="Nanoseconds">
/// The median of the rounds, for one allocation and one free in the case of churn, for one of them otherwise.
/// </param>
/// <param name="Least">The fastest round.</param>
/// <param name="Most">The slowest round.</param>
internal sealed record AllocBenchRow(string Subject, string Phase, double Nanoseconds, double Least, double Most);

/// <summary>The memory that one allocator held.</summary>
/// <param name="Subject">pagefold, glibc, jemalloc or mimalloc.</param>
/// <param name="State">fresh, halfFreed or churned.</param>
/// <param name="AskedBytes">The total size of all objects at that moment.</param>
/// <param name="HeldBytes">The growth of the process, as the operating system reports it.</param>
/// <param name="HeldPerAsked">Bytes held divided by bytes asked.</param>
/// <param name="AccountedBytes">The bytes that the allocator itself reports; null if it reports none.</param>
internal sealed record AllocBenchMemory(
    string Subject, string State, long AskedBytes, long HeldBytes, double HeldPerAsked, long? AccountedBytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(AllocBenchReport))]
internal sealed partial class AllocBenchJson : JsonSerializerContext;
