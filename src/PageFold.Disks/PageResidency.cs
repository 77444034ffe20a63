namespace PageFold.Disks;

/// <summary>How a disk holds a page.</summary>
public enum PageResidency
{
    /// <summary>Not stored; it reads as zeros.</summary>
    Hole,

    /// <summary>Stored as zeros, which take a place in a table.</summary>
    Zero,

    /// <summary>Stored as one repeated word.</summary>
    SameFilled,

    /// <summary>Stored compressed, in memory.</summary>
    Compressed,

    /// <summary>Stored raw, in memory, since compression did not help.</summary>
    Incompressible,

    /// <summary>Stored in the writeback file.</summary>
    WrittenBack,
}
