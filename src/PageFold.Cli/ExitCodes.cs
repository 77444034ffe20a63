namespace PageFold.Cli;

/// <summary>What the command's exit code means.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>A page that was read back differs from what was stored, or something unforeseen happened.</summary>
    public const int Failure = 1;

    /// <summary>The input is at fault; the line on standard error says what and how to mend it.</summary>
    public const int BadInput = 2;

    /// <summary>The memory limit was reached before all data was stored.</summary>
    public const int LimitReached = 3;

    /// <summary>Ended by Ctrl-C (or SIGTERM), with a report of what was known by then.</summary>
    public const int Interrupted = 130;

    /// <summary>
    /// The reader of standard output closed it, as with <c>| head</c>. What a shell tells of a program that SIGPIPE ends.
    /// </summary>
    public const int OutputClosed = 141;
}
