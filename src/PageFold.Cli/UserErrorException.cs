namespace PageFold.Cli;

/// <summary>The input is at fault: the message is one line for the user, naming what is wrong and the remedy.</summary>
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
