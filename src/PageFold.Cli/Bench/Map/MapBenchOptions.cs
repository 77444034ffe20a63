namespace PageFold.Cli.Bench.Map;

/// <summary>The validated options of a measurement.</summary>
internal sealed record MapBenchOptions
{
    /// <summary>Sizes of objects in bytes, each measured separately.</summary>
    public required IReadOnlyList<int> Sizes { get; init; }

    /// <summary>Shares of the objects that straddle two frames, in percent, each measured separately.</summary>
    public required IReadOnlyList<int> Straddling { get; init; }

    /// <summary>Sizes of objects in bytes for the comparison of copy and window.</summary>
    public required IReadOnlyList<int> WindowSizes { get; init; }

    /// <summary>Bytes in a frame, for the same comparison.</summary>
    public required IReadOnlyList<int> FrameSizes { get; init; }

    /// <summary>The maximum total size of the objects that are accessed, in bytes.</summary>
    public required long WorkingSetBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>The target of the JSON: a file, or - for standard output; null for none.</summary>
    public string? Json { get; init; }
}
