namespace PageFold.Frames;

/// <summary>How far a request for a frame may use the arena's reserve when there is no other frame.</summary>
internal enum ReserveUse
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Half of it: for new content that replaces larger content, which is freed at once.</summary>
    Replacement,

    /// <summary>All of it: for compaction, without which no memory would be freed.</summary>
    Compaction,
}
