namespace PageFold;

/// <summary>How a store holds a page.</summary>
public enum PageState
{
    /// <summary>One repeated word; it takes no object.</summary>
    SameFilled,

    /// <summary>Compressed, in memory.</summary>
    Compressed,

    /// <summary>As it is, in memory, because compression gains too little.</summary>
    Incompressible,

    /// <summary>In the writeback file.</summary>
    WrittenBack,
}

/// <summary>What a store knows about a page without reading it.</summary>
public readonly record struct PageInfo
{
    /// <summary>How the page is held.</summary>
    public required PageState State { get; init; }

    /// <summary>Bytes stored for it; zero for a same-filled page.</summary>
    public int StoredBytes { get; init; }

    /// <summary>The codec that made them, by its number (<see cref="CodecUse.Number"/>); zero also where none did.</summary>
    public int Codec { get; init; }

    /// <summary>True if a recompression was tried since the page was written, and gained nothing.</summary>
    public bool WithoutGain { get; init; }

    /// <summary>
    /// Time since the last access, in steps of two seconds, at most 24 hours. Null if the store does not track access, or had no memory to
    /// note it.
    /// </summary>
    public TimeSpan? Age { get; init; }
}
