namespace PageFold.Cli.Bench.Map;

/// <summary>What is measured and how, checked.</summary>
internal sealed record MapBenchOptions
{
    /// <summary>Sizes of objects in bytes, each measured by itself.</summary>
    public required IReadOnlyList<int> Sizes { get; init; }

    /// <summary>Shares of the objects that straddle two frames, in percent, each measured by itself.</summary>
    public required IReadOnlyList<int> Straddling { get; init; }

    /// <summary>Sizes of objects in bytes for the comparison of copy and window.</summary>
    public required IReadOnlyList<int> WindowSizes { get; init; }

    /// <summary>Bytes in a frame, for the same.</summary>
    public required IReadOnlyList<int> FrameSizes { get; init; }

    /// <summary>Bytes of all objects that are accessed, at the most.</summary>
    public required long WorkingSetBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Where the JSON goes: a file, or - for standard output; null for nowhere.</summary>
    public string? Json { get; init; }
}
