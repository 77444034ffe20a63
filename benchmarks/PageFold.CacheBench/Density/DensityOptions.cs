using PageFold.CacheBench.Subjects;

namespace PageFold.CacheBench.Density;

/// <summary>The validated options of a comparison of density.</summary>
internal sealed record DensityOptions
{
    public required IReadOnlyList<SubjectKind> Subjects { get; init; }

    /// <summary>Entries in caches that do not limit their memory.</summary>
    public required int Entries { get; init; }

    /// <summary>A file with a JSON document on each line; null for generated ones.</summary>
    public string? ValuesFile { get; init; }

    public required int Seed { get; init; }
}
