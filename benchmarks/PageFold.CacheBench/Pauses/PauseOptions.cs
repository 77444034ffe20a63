using PageFold.CacheBench.Subjects;

namespace PageFold.CacheBench.Pauses;

/// <summary>The validated options of a comparison of pauses.</summary>
internal sealed record PauseOptions
{
    public required IReadOnlyList<SubjectKind> Subjects { get; init; }

    /// <summary>Bytes of values that a cache holds, each measured separately.</summary>
    public required IReadOnlyList<long> LiveBytes { get; init; }

    /// <summary>True for the server's garbage collector, false for the workstation's; each measured separately.</summary>
    public required IReadOnlyList<bool> ServerModes { get; init; }

    /// <summary>Minutes of the mixture in which natural pauses are looked for.</summary>
    public required double Minutes { get; init; }

    public required int Threads { get; init; }

    public required int Seed { get; init; }
}
