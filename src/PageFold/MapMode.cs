namespace PageFold;

/// <summary>What a mapping for writing shows at first, which decides what copies a straddling object needs.</summary>
public enum MapMode
{
    /// <summary>The content, to be changed in place.</summary>
    ReadWrite,

    /// <summary>Zeros, whatever the object held and however it is mapped: the content is written from nothing.</summary>
    Write,
}
