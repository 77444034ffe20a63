namespace PageFold.Caching;

/// <summary>A saved cache cannot be loaded: it is damaged, cut off, of another version, or no saved cache.</summary>
/// <remarks>The cache keeps what it had. Nothing of the file is loaded, unless it changes while it is loaded.</remarks>
public sealed class CacheFileException : IOException
{
    /// <summary>Makes the exception with a message.</summary>
    public CacheFileException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public CacheFileException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public CacheFileException()
    {
    }
}
