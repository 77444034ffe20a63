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
/// <param name="State">How the page is held.</param>
/// <param name="StoredBytes">Bytes stored for it; zero for a same-filled page.</param>
/// <param name="Codec">The codec that made them, by its number (<see cref="CodecUse.Number"/>); zero also where none did.</param>
/// <param name="Settled">True if a recompression was tried and gained nothing.</param>
/// <param name="Age">
/// Time since the last access, in steps of two seconds, at most 24 hours. Null if the store does not track access, or had no memory to note
/// it.
/// </param>
public readonly record struct PageInfo(PageState State, int StoredBytes, int Codec, bool Settled, TimeSpan? Age);
