using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Alloc;

/// <summary>What a comparison found; the object that <c>--json</c> writes.</summary>
internal sealed record AllocBenchReport
{
    /// <summary>What the pages are of.</summary>
    public required string Source { get; init; }

    /// <summary>The codec's name.</summary>
    public required string Codec { get; init; }

    public required int PageSize { get; init; }

    /// <summary>Objects at full population: one for each page.</summary>
    public required int Objects { get; init; }

    /// <summary>Bytes that these objects come to.</summary>
    public required long AskedBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Allocators that were not measured, and why.</summary>
    public required IReadOnlyDictionary<string, string> Unavailable { get; init; }

    /// <summary>True if every object of every allocator held its content at the end.</summary>
    public required bool Verified { get; init; }

    public required IReadOnlyList<AllocBenchRow> Rows { get; init; }

    public required IReadOnlyList<AllocBenchMemory> Memory { get; init; }
}

/// <summary>One kind of work of one allocator.</summary>
/// <param name="Subject">pagefold, glibc, jemalloc or mimalloc.</param>
/// <param name="Phase">churn, churnZeroed, churnWithContent, fill or free.</param>
/// <param name="Nanoseconds">For one allocation and one free in the case of churn, for one of them otherwise; the median of the rounds.</param>
/// <param name="Least">The fastest round.</param>
/// <param name="Most">The slowest round.</param>
internal sealed record AllocBenchRow(string Subject, string Phase, double Nanoseconds, double Least, double Most);

/// <summary>What one allocator held.</summary>
/// <param name="Subject">pagefold, glibc, jemalloc or mimalloc.</param>
/// <param name="State">fresh, halfFreed or churned.</param>
/// <param name="AskedBytes">Bytes of all objects at that moment.</param>
/// <param name="HeldBytes">By how much the process had grown, as the operating system sees it.</param>
/// <param name="HeldPerAsked">The one divided by the other.</param>
/// <param name="AccountedBytes">What the allocator itself says it holds; null if it says nothing.</param>
internal sealed record AllocBenchMemory(string Subject, string State, long AskedBytes, long HeldBytes, double HeldPerAsked, long? AccountedBytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(AllocBenchReport))]
internal sealed partial class AllocBenchJson : JsonSerializerContext;
