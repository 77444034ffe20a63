namespace PageFold;

/// <summary>The purpose of a mapping; it determines which copies a straddling object needs.</summary>
[Flags]
public enum MapMode
{
    /// <summary>The caller reads the content and must not change it.</summary>
    Read = 1,

    /// <summary>The caller writes new content: the span starts as zeros, whatever the object held and however it is mapped.</summary>
    Write = 2,

    /// <summary>The caller reads the content and may change it in place.</summary>
    ReadWrite = Read | Write,
}
