namespace PageFold.Cli.Bench.Codecs;

/// <summary>The validated options of a comparison of codecs.</summary>
internal sealed record CodecBenchOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    public int? Pid { get; init; }

    /// <summary>The page sizes, each measured separately.</summary>
    public required IReadOnlyList<int> PageSizes { get; init; }

    public required long SampleBytes { get; init; }

    public required CodecSelection Selection { get; init; }

    public required int Rounds { get; init; }

    /// <summary>True to take only files on which no table was trained.</summary>
    public required bool HoldOut { get; init; }

    /// <summary>The target of the JSON: a file, or - for standard output; null for none.</summary>
    public string? Json { get; init; }

    /// <summary>The file of the drawing; null for none.</summary>
    public string? Svg { get; init; }
}
