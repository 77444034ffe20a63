namespace PageFold.Cli.Measure;

/// <summary>The validated options of a measurement.</summary>
internal sealed record MeasureOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    public int? Pid { get; init; }

    public required NamedCodec Codec { get; init; }

    /// <summary>The codec with which all pages are compressed again; null to leave them as they are.</summary>
    public NamedCodec? Denser { get; init; }

    /// <summary>True to train tables of that codec on the pages first.</summary>
    public bool TrainsTables { get; init; }

    public required int PageSize { get; init; }

    public required int Chain { get; init; }

    public required int Threads { get; init; }

    public long? MemoryLimit { get; init; }

    public long? SampleBytes { get; init; }

    /// <summary>The target of the JSON: a file, or - for standard output; null for none.</summary>
    public string? Json { get; init; }

    public PageStoreOptions StoreOptions => new() { PageSize = PageSize, Codec = Codec.Codec, MaxChain = Chain, MemoryLimit = MemoryLimit };
}
