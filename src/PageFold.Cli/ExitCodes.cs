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

    /// <summary>The reader of standard output has gone, as with <c>| head</c>: what a shell reports of a program that ends by SIGPIPE.</summary>
    public const int ReaderGone = 141;
}
