using PageFold.CacheBench.Subjects;

namespace PageFold.CacheBench.Throughput;

/// <summary>The validated options of a comparison of speed.</summary>
internal sealed record ThroughputOptions
{
    public required IReadOnlyList<SubjectKind> Subjects { get; init; }

    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>Entries in each cache.</summary>
    public required int Entries { get; init; }

    public required int Rounds { get; init; }

    public required int Seed { get; init; }
}
