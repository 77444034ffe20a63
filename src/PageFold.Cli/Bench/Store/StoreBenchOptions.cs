namespace PageFold.Cli.Bench.Store;

/// <summary>What is compared and how, checked.</summary>
internal sealed record StoreBenchOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    public int? Pid { get; init; }

    public required IReadOnlyList<PageCodec> Codecs { get; init; }

    public required int PageSize { get; init; }

    public required long SampleBytes { get; init; }

    /// <summary>Numbers of threads, each measured by itself.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    public required int Rounds { get; init; }

    /// <summary>The least pages that each subject writes and reads in a round.</summary>
    public required int RoundPages { get; init; }

    /// <summary>What <see cref="RoundPages"/> is unless it is told.</summary>
    public const int DefaultRoundPages = 1 << 16;

    /// <summary>Measures the first write into memory that nobody has touched, and nothing else.</summary>
    public required bool Cold { get; init; }

    /// <summary>Lets PageFold use huge pages.</summary>
    public required bool HugePages { get; init; }

    /// <summary>Where the JSON goes: a file, or - for standard output; null for nowhere.</summary>
    public string? Json { get; init; }
}
