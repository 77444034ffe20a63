using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Map;

/// <summary>The results of a measurement; the object that <c>--json</c> writes.</summary>
internal sealed record MapBenchReport
{
    /// <summary>The maximum total size of the objects, in bytes.</summary>
    public required long WorkingSetBytes { get; init; }

    public required int Rounds { get; init; }

    /// <summary>What could not be measured, or was measured with fewer objects, with reasons.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>True if at the end every object had its content and the expected number straddled.</summary>
    public required bool Verified { get; init; }

    public required IReadOnlyList<MapBenchRow> Rows { get; init; }

    /// <summary>The comparison of copy and window.</summary>
    public required IReadOnlyList<MappingRow> Mappings { get; init; }
}

/// <summary>The time of one way to access objects.</summary>
/// <param name="Access">pointer, map, view, read or writeMap.</param>
/// <param name="Size">Bytes in an object.</param>
/// <param name="StraddlingPercent">The share of objects that lie in two frames which are not adjacent, in percent.</param>
/// <param name="BytesTouched">first or all.</param>
/// <param name="Objects">The number of objects.</param>
/// <param name="Nanoseconds">The time of one access, with touching; the median of the rounds.</param>
/// <param name="Least">The fastest round.</param>
/// <param name="Most">The slowest round.</param>
internal sealed record MapBenchRow(
    string Access, int Size, int StraddlingPercent, string BytesTouched, int Objects, double Nanoseconds, double Least, double Most);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(MapBenchReport))]
internal sealed partial class MapBenchJson : JsonSerializerContext;
