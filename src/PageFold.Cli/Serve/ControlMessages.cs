using System.Text.Json.Serialization;

namespace PageFold.Cli.Serve;

/// <summary>
/// What is said on the control socket: the client sends one request, a line of JSON; the server answers with lines of JSON, progress first, a result or an error last, and closes.
/// Whoever goes away before the end cancels the work.
/// </summary>
internal sealed record ControlRequest
{
    /// <summary>stat, pages, snapshot, compact, recompress or writeback.</summary>
    public required string Command { get; init; }

    /// <summary>The export that is meant; null if there is only one, or all for stat.</summary>
    public string? Export { get; init; }

    /// <summary>Where a snapshot goes; a full path, since the server has a folder of its own.</summary>
    public string? Path { get; init; }

    /// <summary>A plain image of the disk instead of a snapshot.</summary>
    public bool Raw { get; init; }

    public string? Codec { get; init; }

    /// <summary>Trains a dictionary of so many bytes on the disk's own pages first.</summary>
    public int? TrainBytes { get; init; }

    /// <summary>Has new writes use the codec too.</summary>
    public bool ForWrites { get; init; }

    public double? IdleSeconds { get; init; }

    public bool OnlyIncompressible { get; init; }

    public int? LeastStoredBytes { get; init; }

    public long? MostBytes { get; init; }

    public long? From { get; init; }

    public long? Count { get; init; }
}

/// <summary>A line of the answer.</summary>
internal sealed record ControlReply
{
    /// <summary>How far the work is, from 0 to 1.</summary>
    public double? Progress { get; init; }

    /// <summary>What went wrong, in one line; nothing follows.</summary>
    public string? Error { get; init; }

    /// <summary>The exit code that goes with an error.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The answer to stat.</summary>
    public ServerReport? Report { get; init; }

    /// <summary>Some of the pages, as text.</summary>
    public IReadOnlyList<string>? Lines { get; init; }

    /// <summary>What the work has come to.</summary>
    public IReadOnlyDictionary<string, double>? Result { get; init; }

    /// <summary>What is to be said beside the figures.</summary>
    public string? Note { get; init; }

    [JsonIgnore]
    public bool IsLast => Progress is null && Lines is null;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
internal sealed partial class ControlJson : JsonSerializerContext;
