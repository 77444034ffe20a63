namespace PageFold;

/// <summary>How <see cref="PageStore.RetireCodec"/> works.</summary>
public sealed record CodecRetirementOptions
{
    /// <summary>
    /// The codec that the pages are moved to, which the store adds to its own if need be. Null (the default) for the codec of new writes.
    /// </summary>
    public PageCodec? Target { get; init; }

    /// <summary>Ends after so many pages; the next run goes on. Null (the default) for no such end.</summary>
    public long? MaxPages { get; init; }
}

/// <summary>What a retirement did.</summary>
public sealed record CodecRetirement
{
    /// <summary>True if nothing is stored with the codec any more: its number is free, and what it held is given back.</summary>
    public required bool IsRetired { get; init; }

    /// <summary>Pages that were moved to the other codec.</summary>
    public required long Moved { get; init; }

    /// <summary>Pages that are still stored with the codec.</summary>
    public required long NotMoved { get; init; }

    /// <summary>Why pages are still stored with the codec; <see cref="RetirementStop.Finished"/> if none are.</summary>
    public RetirementStop Stopped { get; init; }

    /// <summary>True if the caller cancelled it before its end; what was moved stays moved.</summary>
    public bool WasCancelled { get; init; }
}

/// <summary>Why a retirement has ended.</summary>
public enum RetirementStop
{
    /// <summary>The codec is retired.</summary>
    Finished,

    /// <summary>As many pages as were asked for have been moved; the next run goes on.</summary>
    MaxPages,

    /// <summary>
    /// Memory is short. The next run meets the same unless pages are discarded or written back, or the limit is raised.
    /// </summary>
    NoMemory,

    /// <summary>
    /// Other threads use pages or the codec, a snapshot is being taken, or the writeback file cannot be read; the next run goes on.
    /// </summary>
    InUse,

    /// <summary>The caller cancelled it; the next run goes on.</summary>
    Cancelled,
}
