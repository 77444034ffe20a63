namespace PageFold.Cli;

/// <summary>The exit codes of the command.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>A page that was read back differs from what was stored, or an unexpected error occurred.</summary>
    public const int Failure = 1;

    /// <summary>The input is wrong; the line on standard error says what is wrong and how to correct it.</summary>
    public const int BadInput = 2;

    /// <summary>The memory limit was reached before all data was stored.</summary>
    public const int LimitReached = 3;

    /// <summary>The command was interrupted by Ctrl-C (or SIGTERM) and reported what was known by then.</summary>
    public const int Interrupted = 130;

    /// <summary>The reader of standard output closed it, as with <c>| head</c>; shells report this code for SIGPIPE.</summary>
    public const int OutputClosed = 141;
}
