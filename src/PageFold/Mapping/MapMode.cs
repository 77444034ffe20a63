namespace PageFold;

/// <summary>What a mapping of an object is for; it decides which copies a straddling object needs.</summary>
[Flags]
public enum MapMode
{
    /// <summary>The content is looked at and must not be changed.</summary>
    Read = 1,

    /// <summary>The content is written anew: the span starts as zeros, whatever the object held and however it is mapped.</summary>
    Write = 2,

    /// <summary>The content is looked at and changed in place.</summary>
    ReadWrite = Read | Write,
}
