namespace PageFold.Cli.Bench.Alloc;

/// <summary>The validated options of a comparison.</summary>
internal sealed record AllocBenchOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    public int? Pid { get; init; }

    /// <summary>The codec that determines the sizes of the objects.</summary>
    public required NamedCodec Codec { get; init; }

    public required int PageSize { get; init; }

    public required long SampleBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>The target of the JSON: a file, or - for standard output; null for none.</summary>
    public string? Json { get; init; }
}
