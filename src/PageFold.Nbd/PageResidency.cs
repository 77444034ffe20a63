namespace PageFold.Nbd;

/// <summary>How a page of a disk is held.</summary>
public enum PageResidency
{
    /// <summary>Not at all: it reads as zeros.</summary>
    Hole,

    /// <summary>As zeros that take a place in a table.</summary>
    Zero,

    /// <summary>As one repeated word.</summary>
    SameFilled,

    /// <summary>Compressed, in memory.</summary>
    Compressed,

    /// <summary>Raw, in memory, since compression did not help.</summary>
    Incompressible,

    /// <summary>In the writeback file.</summary>
    WrittenBack,
}
