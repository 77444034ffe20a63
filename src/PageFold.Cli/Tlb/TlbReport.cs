using System.Text.Json;
using System.Text.Json.Serialization;
using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary>One combination of the matrix, for JSON.</summary>
internal sealed record VerdictRow(
    string Protocol, string Architecture, string Environment, string Verdict, string? Rule, int StatesExplored, int? TraceLength)
{
    public static VerdictRow Of(CheckResult result) => new(
        result.Protocol.Name,
        result.Architecture.Name,
        result.Environment.Name(),
        VerdictNames.Of(result.Verdict),
        result.Verdict == TlbLab.Verdict.BreaksRule ? result.Rule.Name() : null,
        result.StatesExplored,
        result.TraceLength > 0 ? result.TraceLength : null);
}

/// <summary>A timeline, for JSON.</summary>
internal sealed record ExplainReport
{
    public required string Protocol { get; init; }

    public required string Architecture { get; init; }

    public required string Environment { get; init; }

    /// <summary>The verdict; left out if the exploration gave up.</summary>
    public string? Verdict { get; init; }

    public string? Rule { get; init; }

    public required Bounds Bounds { get; init; }

    /// <summary>False if the exploration gave up.</summary>
    public required bool IsComplete { get; init; }

    public required int StatesExplored { get; init; }

    public required string Sentence { get; init; }

    public required IReadOnlyList<TimelineEntry> Trace { get; init; }

    public static ExplainReport Of(Timeline timeline)
    {
        VerdictRow row = VerdictRow.Of(timeline.Result);
        return new ExplainReport
        {
            Protocol = row.Protocol,
            Architecture = row.Architecture,
            Environment = row.Environment,
            Verdict = timeline.Result.IsComplete ? row.Verdict : null,
            Rule = row.Rule,
            Bounds = timeline.Result.Bounds,
            IsComplete = timeline.Result.IsComplete,
            StatesExplored = row.StatesExplored,
            Sentence = timeline.Sentence,
            Trace = timeline.Entries,
        };
    }
}

/// <summary>The effect of removing steps from a protocol, for JSON.</summary>
/// <param name="Steps">The removed steps.</param>
/// <param name="Necessary">False if no verdict changes; left out if explorations gave up before that was known.</param>
/// <param name="Worse">The combinations whose verdict is worse without the steps.</param>
internal sealed record NecessityRow(IReadOnlyList<string> Steps, bool? Necessary, IReadOnlyList<VerdictRow> Worse);

/// <summary>The names of verdicts in JSON and tables.</summary>
internal static class VerdictNames
{
    public static string Of(Verdict verdict) => JsonNamingPolicy.CamelCase.ConvertName(verdict.ToString());
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<VerdictRow>))]
[JsonSerializable(typeof(ExplainReport))]
[JsonSerializable(typeof(IReadOnlyList<NecessityRow>))]
internal sealed partial class TlbJson : JsonSerializerContext;
