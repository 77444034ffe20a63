namespace PageFold;

/// <summary>A memory limit is reached, or the system has no memory: what was asked did not happen, and nothing else changed.</summary>
public sealed class MemoryLimitException : Exception
{
    /// <summary>Makes the exception with a message.</summary>
    public MemoryLimitException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public MemoryLimitException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public MemoryLimitException()
    {
    }
}

/// <summary>A handle names no object of this pool: it was freed, or belongs to another pool.</summary>
public sealed class InvalidHandleException : ArgumentException
{
    /// <summary>Makes the exception with a message.</summary>
    public InvalidHandleException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public InvalidHandleException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public InvalidHandleException()
    {
    }
}

/// <summary>An object was to be freed while it is mapped; it is as it was.</summary>
public sealed class ObjectMappedException : InvalidOperationException
{
    /// <summary>Makes the exception with a message.</summary>
    public ObjectMappedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public ObjectMappedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public ObjectMappedException()
    {
    }
}

/// <summary>
/// What is stored for a page does not match its check: memory was damaged. The page cannot be read; writing or discarding it repairs the
/// slot.
/// </summary>
public sealed class PageCorruptException : Exception
{
    /// <summary>Makes the exception for a page.</summary>
    public PageCorruptException(long page)
        : base($"Page {page} is corrupt: the stored bytes do not match their check. Write or discard the page to clear it.") => Page = page;

    /// <summary>Makes the exception with a message.</summary>
    public PageCorruptException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public PageCorruptException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public PageCorruptException()
    {
    }

    /// <summary>The page's number.</summary>
    public long Page { get; }
}

/// <summary>
/// A page is in the writeback file and the system cannot read it from there. The page is as it was: reading it again may succeed; writing
/// or discarding it needs nothing of the file.
/// </summary>
public sealed class WritebackReadException : IOException
{
    /// <summary>Makes the exception for a page.</summary>
    /// <param name="page">The page's number.</param>
    /// <param name="path">The file.</param>
    /// <param name="innerException">What the system reported; null if the file is too short.</param>
    public WritebackReadException(long page, string path, Exception? innerException)
        : base(
            $"Page {page} cannot be read from the writeback file {path}: "
                + $"{innerException?.Message ?? "the file is shorter than what was written to it."} Write or discard the page to clear it.",
            innerException)
    {
        Page = page;
        Path = path;
    }

    /// <summary>Makes the exception with a message.</summary>
    public WritebackReadException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public WritebackReadException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public WritebackReadException()
    {
    }

    /// <summary>The page's number.</summary>
    public long Page { get; }

    /// <summary>The writeback file.</summary>
    public string Path { get; } = string.Empty;
}

/// <summary>A file is no snapshot, or a damaged one; the message says what is wrong and where.</summary>
public sealed class SnapshotException : IOException
{
    /// <summary>Makes the exception with a message.</summary>
    public SnapshotException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with a message and its cause.</summary>
    public SnapshotException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception without a message of its own.</summary>
    public SnapshotException()
    {
    }
}
