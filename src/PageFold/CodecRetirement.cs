namespace PageFold;

/// <summary>How <see cref="PageStore.RetireCodec"/> works.</summary>
public sealed class CodecRetirementOptions
{
    /// <summary>
    /// The codec that the pages are brought to, which the store adds to its own if need be. Null (the default) for the one for new
    /// writes.
    /// </summary>
    public PageCodec? Target { get; set; }

    /// <summary>Ends after so many pages; the next run goes on. Null (the default) for no such end.</summary>
    public long? MostPages { get; set; }
}

/// <summary>What a retirement did.</summary>
/// <param name="IsRetired">True if nothing is stored with the codec any more: its number is free, and what it held is given back.</param>
/// <param name="Moved">Pages that were brought to the other codec.</param>
/// <param name="NotMoved">Pages that are still stored with the codec.</param>
public sealed record CodecRetirement(bool IsRetired, long Moved, long NotMoved);
