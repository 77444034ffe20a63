namespace PageFold.Nbd;

/// <summary>The kinds of requests that a disk's clients make, numbered as the protocol numbers them.</summary>
public enum RequestKind
{
    /// <summary>Bytes are read.</summary>
    Read = 0,

    /// <summary>Bytes are written.</summary>
    Write = 1,

    /// <summary>What was written is to be kept; a RAM disk has nothing to do.</summary>
    Flush = 3,

    /// <summary>Bytes are not needed any more.</summary>
    Trim = 4,

    /// <summary>Bytes will be read soon.</summary>
    Cache = 5,

    /// <summary>Bytes become zero.</summary>
    WriteZeroes = 6,

    /// <summary>A client asks how extents are held.</summary>
    BlockStatus = 7,
}
