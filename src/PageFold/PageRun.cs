namespace PageFold;

/// <summary>Neighbouring pages that a store holds in the same way.</summary>
public readonly record struct PageRun
{
    /// <summary>How many pages.</summary>
    public required long Count { get; init; }

    /// <summary>How they are held; null if they are not stored.</summary>
    public PageState? State { get; init; }

    /// <summary>True if a disk reads zeros there: the pages are not stored, or stored as zeros.</summary>
    public bool ReadsAsZeros { get; init; }
}
