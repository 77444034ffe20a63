namespace PageFold.Nbd;

/// <summary>What became of one kind of request to an export, since the server began.</summary>
public sealed record CommandActivity
{
    /// <summary>Requests that were answered.</summary>
    public required long Requests { get; init; }

    /// <summary>Bytes that the successful ones were about.</summary>
    public required long Bytes { get; init; }

    /// <summary>Requests that were answered with an error.</summary>
    public required long Errors { get; init; }

    /// <summary>Time spent on them, from their being read to their reply being written, without the time in sockets.</summary>
    public required TimeSpan TotalTime { get; init; }

    /// <summary>Half of them took no longer; up to a quarter too high.</summary>
    public required TimeSpan MedianTime { get; init; }

    /// <summary>99 of 100 took no longer; up to a quarter too high.</summary>
    public required TimeSpan P99Time { get; init; }
}
