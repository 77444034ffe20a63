namespace PageFold;

/// <summary>Neighbouring pages that a store holds in the same way.</summary>
/// <param name="Count">How many pages.</param>
/// <param name="State">How they are held; null if they are not stored.</param>
/// <param name="IsZero">True if they are not stored, or stored as nothing but zeros.</param>
public readonly record struct PageRun(long Count, PageState? State, bool IsZero);
