namespace PageFold.Cli.Bench.Alloc;

/// <summary>What is compared and how, checked.</summary>
internal sealed record AllocBenchOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    public int? Pid { get; init; }

    /// <summary>The codec whose results' sizes the objects have.</summary>
    public required PageCodec Codec { get; init; }

    public required int PageSize { get; init; }

    public required long SampleBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Where the JSON goes: a file, or - for standard output; null for nowhere.</summary>
    public string? Json { get; init; }
}
