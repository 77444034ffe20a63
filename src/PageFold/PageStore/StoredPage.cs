namespace PageFold.Store;

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

    /// <summary>Not at all yet: a page that was stored before, and is to be compressed anew.</summary>
    Uncompressed,
}

/// <summary>A page in the form in which it is stored, beside its bytes.</summary>
/// <param name="Kind">How it is held.</param>
/// <param name="Codec">The codec that made the bytes, by number; zero if none did.</param>
/// <param name="Size">How many bytes are stored.</param>
/// <param name="Fill">The word that is repeated, if it is same-filled.</param>
/// <param name="Check">The check of the stored bytes, the page's number mixed in.</param>
internal readonly record struct StoredPage(StoredKind Kind, int Codec, int Size, ulong Fill, uint Check);
