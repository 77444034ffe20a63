using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Store;

/// <summary>The results of a comparison; the object that <c>--json</c> writes.</summary>
internal sealed record StoreBenchReport
{
    /// <summary>A description of the data.</summary>
    public required string Source { get; init; }

    public required int PageSize { get; init; }

    /// <summary>Pages that every subject wrote and read.</summary>
    public required int Pages { get; init; }

    /// <summary>Pages that were left out because one word fills them.</summary>
    public required int SameFilledLeftOut { get; init; }

    public required int Rounds { get; init; }

    /// <summary>True if first writes into untouched memory were measured.</summary>
    public required bool Cold { get; init; }

    /// <summary>The library that implements each codec, by the codec's name.</summary>
    public required IReadOnlyDictionary<string, string> Implementations { get; init; }

    /// <summary>The reason why the kernel's zram was not measured; null if it was.</summary>
    public string? ZramUnavailable { get; init; }

    /// <summary>Algorithms of the kernel's zram that were asked for and not measured, with the reason, although others were.</summary>
    public required IReadOnlyDictionary<string, string> ZramMissing { get; init; }

    /// <summary>True if every subject returned every page as it was written.</summary>
    public required bool Verified { get; init; }

    public required IReadOnlyList<StoreBenchRow> Rows { get; init; }

    public required IReadOnlyList<StoreBenchMemory> Memory { get; init; }
}

/// <summary>The speed of one operation of one subject.</summary>
/// <param name="Subject">codec, pagefold or zram.</param>
/// <param name="Algorithm">The codec's name; of zram the kernel's name of the algorithm.</param>
/// <param name="Operation">write or read.</param>
/// <param name="Order">sequential or random.</param>
/// <param name="Threads">The number of threads.</param>
/// <param name="PagesPerSecond">The sum of all threads; the median of the rounds.</param>
/// <param name="Least">The slowest round.</param>
/// <param name="Most">The fastest round.</param>
internal sealed record StoreBenchRow(
    string Subject, string Algorithm, string Operation, string Order, int Threads, double PagesPerSecond, double Least, double Most)
{
    /// <summary>Subject and algorithm in one, as in <c>zram-zstd</c>.</summary>
    public string Name => $"{Subject}-{Algorithm}";
}

/// <summary>The memory that one subject held.</summary>
/// <param name="Subject">codec, pagefold or zram.</param>
/// <param name="Algorithm">The codec's name; of zram the kernel's name of the algorithm.</param>
/// <param name="CompressedBytes">The total size of the compressed pages.</param>
/// <param name="TotalBytes">All bytes held when every page was written once, tables included.</param>
/// <param name="TotalBytesAtEnd">The same after all rounds of overwriting; null if nothing was overwritten.</param>
internal sealed record StoreBenchMemory(string Subject, string Algorithm, long CompressedBytes, long TotalBytes, long? TotalBytesAtEnd)
{
    /// <inheritdoc cref="StoreBenchRow.Name"/>
    public string Name => $"{Subject}-{Algorithm}";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(StoreBenchReport))]
internal sealed partial class StoreBenchJson : JsonSerializerContext;
