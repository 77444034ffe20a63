using PageFold.CacheBench.Subjects;

namespace PageFold.CacheBench.Density;

/// <summary>The validated options of a comparison of density.</summary>
internal sealed record DensityOptions
{
    public required IReadOnlyList<SubjectKind> Subjects { get; init; }

    /// <summary>Entries in caches that do not limit their memory.</summary>
    public required int Entries { get; init; }

    /// <summary>The files of values, each to be compared by itself; empty for generated values.</summary>
    public required IReadOnlyList<string> ValuesFiles { get; init; }

    public required int Seed { get; init; }
}
