namespace PageFold.Cli;

/// <summary>The reader of a pipe that the command writes to has gone, as with <c>| head</c>: the command ends without a word.</summary>
internal sealed class ReaderGoneException : IOException
{
    public ReaderGoneException()
    {
    }

    public ReaderGoneException(string message)
        : base(message)
    {
    }

    public ReaderGoneException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
