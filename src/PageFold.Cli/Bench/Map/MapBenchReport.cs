using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Map;

/// <summary>What a measurement found; the object that <c>--json</c> writes.</summary>
internal sealed record MapBenchReport
{
    /// <summary>The most bytes of objects that were to be accessed.</summary>
    public required long WorkingSetBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>What could not be measured or was measured with fewer objects, and why.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>True if at the end every object held its content and as many straddled as were to.</summary>
    public required bool Verified { get; init; }

    public required IReadOnlyList<MapBenchRow> Rows { get; init; }

    /// <summary>Copy against window.</summary>
    public required IReadOnlyList<MappingRow> Mappings { get; init; }
}

/// <summary>One way to get at objects.</summary>
/// <param name="Access">pointer, map, view, read or writeMap.</param>
/// <param name="Size">Bytes in an object.</param>
/// <param name="StraddlingPercent">Objects of a hundred that lie in two frames which are not neighbours.</param>
/// <param name="BytesTouched">first or all.</param>
/// <param name="Objects">How many there were to choose from.</param>
/// <param name="Nanoseconds">For one access, touching included; the median of the rounds.</param>
/// <param name="Least">The fastest round.</param>
/// <param name="Most">The slowest round.</param>
internal sealed record MapBenchRow(
    string Access, int Size, int StraddlingPercent, string BytesTouched, int Objects, double Nanoseconds, double Least, double Most);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(MapBenchReport))]
internal sealed partial class MapBenchJson : JsonSerializerContext;
