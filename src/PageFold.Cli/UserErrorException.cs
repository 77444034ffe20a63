namespace PageFold.Cli;

/// <summary>An error of the input: the message is one line for the user and names what is wrong and the remedy.</summary>
internal sealed class UserErrorException : Exception
{
    public UserErrorException(string message)
        : base(message)
    {
    }

    public UserErrorException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public UserErrorException()
    {
    }
}
