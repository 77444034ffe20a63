namespace PageFold.Nbd;

/// <summary>Figures of one kind of request to an export, since the server began.</summary>
public sealed record CommandActivity
{
    /// <summary>Requests that were answered.</summary>
    public required long Requests { get; init; }

    /// <summary>Bytes of the requests that succeeded.</summary>
    public required long Bytes { get; init; }

    /// <summary>Requests that were answered with an error.</summary>
    public required long Errors { get; init; }

    /// <summary>Time spent on them.</summary>
    /// <remarks>It begins when a request was received and ends when its reply is written, without the time in sockets.</remarks>
    public required TimeSpan TotalTime { get; init; }

    /// <summary>The time that half of them did not exceed, to within a sixteenth.</summary>
    public required TimeSpan MedianTime { get; init; }

    /// <summary>The time that 99 of 100 did not exceed, to within a sixteenth.</summary>
    public required TimeSpan P99Time { get; init; }
}
