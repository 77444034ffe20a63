using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Traces;

namespace PageFold.CacheBench.HitRatio;

/// <summary>The validated options of a comparison of hit ratios.</summary>
internal sealed record HitRatioOptions
{
    public required IReadOnlyList<TraceFile> Files { get; init; }

    public required IReadOnlyList<GeneratedTrace> Generated { get; init; }

    /// <summary>Capacities in percent of the distinct keys or of their bytes.</summary>
    public required IReadOnlyList<double> Capacities { get; init; }

    public required IReadOnlyList<CacheObjective> Objectives { get; init; }

    public required IReadOnlyList<SubjectKind> Subjects { get; init; }

    public required int Threads { get; init; }

    public required int Seed { get; init; }
}
