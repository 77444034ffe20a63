namespace PageFold.Cli.Bench.Store;

/// <summary>The validated options of a comparison.</summary>
internal sealed record StoreBenchOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    public int? Pid { get; init; }

    public required IReadOnlyList<NamedCodec> Codecs { get; init; }

    public required int PageSize { get; init; }

    /// <summary>The algorithms of the kernel's zram, or one of the words of <see cref="ZramSelection"/>.</summary>
    public required IReadOnlyList<string> Zram { get; init; }

    public required long SampleBytes { get; init; }

    /// <summary>True to leave out files on which tables may be trained.</summary>
    public bool HoldOut { get; init; }

    /// <summary>Numbers of threads, each measured separately.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    public required int Rounds { get; init; }

    /// <summary>The minimum number of pages that each subject writes and reads in a round.</summary>
    public required int RoundPages { get; init; }

    /// <summary>The default of <see cref="RoundPages"/>.</summary>
    public const int DefaultRoundPages = 1 << 16;

    /// <summary>True to measure only first writes, into memory that was never touched.</summary>
    public required bool Cold { get; init; }

    /// <summary>True to let PageFold use huge pages.</summary>
    public required bool HugePages { get; init; }

    /// <summary>The target of the JSON: a file, or - for standard output; null for none.</summary>
    public string? Json { get; init; }
}
