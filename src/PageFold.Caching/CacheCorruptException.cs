namespace PageFold.Caching;

/// <summary>An entry that must not be lost in silence, such as a marker of invalidated tags, is damaged.</summary>
/// <remarks>
/// An ordinary damaged value is a miss. A missing marker says that its tag was never invalidated, which would revive dead entries. The key
/// throws until it is set again or removed.
/// </remarks>
public sealed class CacheCorruptException : Exception
{
    /// <summary>Makes the exception with a message.</summary>
    public CacheCorruptException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public CacheCorruptException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public CacheCorruptException()
    {
    }
}
