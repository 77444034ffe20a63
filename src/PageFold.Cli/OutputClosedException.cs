namespace PageFold.Cli;

/// <summary>The reader of standard output has closed it, as <c>head</c> does: the command ends without a message.</summary>
internal sealed class OutputClosedException : Exception
{
    public OutputClosedException(string message)
        : base(message)
    {
    }

    public OutputClosedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public OutputClosedException()
    {
    }
}
