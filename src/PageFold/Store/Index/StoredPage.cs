namespace PageFold.Store.Index;

/// <summary>How a page is held.</summary>
internal enum StoredKind
{
    /// <summary>Not at all.</summary>
    Absent,

    /// <summary>One repeated word; there are no bytes.</summary>
    SameFilled,

    /// <summary>What a codec made of it.</summary>
    Compressed,

    /// <summary>As it is.</summary>
    Incompressible,

    /// <summary>Not yet: a page that was stored before, and is to be compressed again.</summary>
    Uncompressed,
}

/// <summary>A page in the form in which it is stored, beside its bytes.</summary>
/// <param name="Kind">How it is held.</param>
/// <param name="Codec">The codec that made the bytes, by number; zero if none did.</param>
/// <param name="Size">How many bytes are stored.</param>
/// <param name="Fill">The word that is repeated, if it is same-filled.</param>
/// <param name="Checksum">The checksum of the stored bytes, with the page's number mixed in.</param>
internal readonly record struct StoredPage(StoredKind Kind, int Codec, int Size, ulong Fill, uint Checksum);
