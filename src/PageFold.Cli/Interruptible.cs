using System.Runtime.InteropServices;

namespace PageFold.Cli;

/// <summary>Runs a command so that Ctrl-C and a request to terminate end it in an orderly way, and what the library refuses is told as an error of the input.</summary>
internal static class Interruptible
{
    /// <param name="command">Gets the token that is cancelled; returns the exit code.</param>
    /// <param name="outer">Ends the command too.</param>
    public static int Run(Func<CancellationToken, int> command, CancellationToken outer)
    {
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(outer);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Stop);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        try
        {
            return command(cancel.Token);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("pagefold: interrupted; there is nothing to report.");
            return ExitCodes.Interrupted;
        }
        catch (ReaderGoneException)
        {
            return ExitCodes.ReaderGone;
        }
        catch (Exception e) when (e is ArgumentException or InsufficientMemoryException or MemoryLimitException)
        {
            throw Arguments.Translate(e);
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            cancel.Cancel();
        }
    }
}
