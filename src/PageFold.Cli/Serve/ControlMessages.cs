using System.Text.Json.Serialization;

namespace PageFold.Cli.Serve;

/// <summary>
/// The protocol of the control socket. The client sends one request, a line of JSON. The server answers with lines of JSON, progress first,
/// a result or an error last, and closes; a line may announce bytes of a snapshot, which follow it. A client that goes away before the end
/// cancels the work.
/// </summary>
/// <remarks>No name of a file crosses the socket: a name means what it means to the process that was given it, and the server may have
/// other folders, descriptors and rights.</remarks>
internal sealed record ControlRequest
{
    /// <summary>The protocol's version. Version 1 did not say it, and had the server open the file of a snapshot.</summary>
    public const int Current = 2;

    /// <summary>The version that the client speaks; null for 1.</summary>
    public int? Version { get; init; }

    /// <summary>stat, pages, snapshot, compact, recompress or writeback.</summary>
    public required string Command { get; init; }

    /// <summary>The export that is meant; null if there is only one, or all for stat.</summary>
    public string? Export { get; init; }

    /// <summary>
    /// Identity of the locked mark beside the client's target, if there is one: some server keeps a disk in that file
    /// (<see cref="KeptFiles"/>).
    /// </summary>
    public string? HeldMark { get; init; }

    /// <summary>A plain image of the disk instead of a snapshot.</summary>
    public bool Raw { get; init; }

    public string? Codec { get; init; }

    /// <summary>Trains on the disk's own pages first, a dictionary of so many bytes; 0 for tables alone.</summary>
    public int? TrainBytes { get; init; }

    /// <summary>Has new writes use the codec too.</summary>
    public bool ForWrites { get; init; }

    public double? IdleSeconds { get; init; }

    public bool OnlyIncompressible { get; init; }

    /// <summary>Recompress also pages that gained nothing before.</summary>
    public bool Retry { get; init; }

    public int? MinStoredBytes { get; init; }

    public long? MaxBytes { get; init; }

    public long? From { get; init; }

    public long? Count { get; init; }
}

/// <summary>A line of the answer.</summary>
internal sealed record ControlReply
{
    /// <summary>The version that the server speaks; null for 1.</summary>
    public int? Version { get; init; }

    /// <summary>How far the work is, or the step of it that <see cref="Step"/> names, from 0 to 1.</summary>
    public double? Progress { get; init; }

    /// <summary>What the work is doing; null for what the command is called by.</summary>
    public string? Step { get; init; }

    /// <summary>What went wrong, in one line; nothing follows.</summary>
    public string? Error { get; init; }

    /// <summary>The exit code that goes with an error, or with a result that a limit has cut short.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The answer to stat.</summary>
    public ServerReport? Report { get; init; }

    /// <summary>Some of the pages, as text.</summary>
    public IReadOnlyList<string>? Lines { get; init; }

    /// <summary>Bytes of a whole image, told before its first byte.</summary>
    public long? Length { get; init; }

    /// <summary>Where the bytes that follow belong.</summary>
    public long? Offset { get; init; }

    /// <summary>How many bytes of a snapshot or image follow this line, at most <see cref="MaxDataBytes"/>.</summary>
    public int? DataBytes { get; init; }

    /// <summary>What the work has come to.</summary>
    public IReadOnlyDictionary<string, double>? Result { get; init; }

    /// <summary>What is no figure, beside <see cref="Result"/> in JSON; <see cref="Note"/> says it to a person.</summary>
    public IReadOnlyDictionary<string, string?>? Words { get; init; }

    /// <summary>What is to be said beside the figures.</summary>
    public string? Note { get; init; }

    /// <summary>The most bytes that follow one line.</summary>
    public const int MaxDataBytes = 1 << 20;

    [JsonIgnore]
    public bool IsLast => Progress is null && Lines is null && Length is null && DataBytes is null;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
internal sealed partial class ControlJson : JsonSerializerContext;
