using PageFold.Cli.Interop;

namespace PageFold.Cli;

/// <summary>Ends a command whose listing has no reader any more, as <c>| head</c> leaves it. .NET swallows that a pipe is broken, so the pipe is asked.</summary>
internal static class OutputFlow
{
    private const int StandardOutput = 1;

    /// <summary>Throws if what is written to standard output has no reader.</summary>
    /// <exception cref="ReaderGoneException">The reader has gone.</exception>
    public static void ThrowIfReaderGone()
    {
        if (OperatingSystem.IsLinux() && Descriptor.HasNoReader(StandardOutput))
            throw new ReaderGoneException();
    }
}
