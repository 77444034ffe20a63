using System.Runtime.InteropServices;

namespace PageFold.Cli;

/// <summary>Runs a command so that Ctrl-C and a request to terminate end it in an orderly way, and what the library refuses is told as an error of the input.</summary>
/// <remarks>
/// An orderly end needs the command's help, and a call into the system that waits for others (a pipe that is not read, a file system that
/// does not answer) cannot give it. Such calls are marked with
/// <see cref="MayWait"/>; if one of them is still waiting two seconds after the signal, the process ends then and there.
/// </remarks>
internal static class Interruptible
{
    private const int MostMillisecondsToWait = 2000;
    private const int MillisecondsBetweenLooks = 100;
    private const int MostMillisecondsToTell = 500;

    // The same number on Linux and on the BSDs.
    private const int SIGXFSZ = 25;

    private static readonly List<Waiter> Waiters = [];

    [ThreadStatic]
    private static Waiter? t_waiter;

    /// <summary>
    /// Has a file that grows past the limit of the process (ulimit -f, LimitFSIZE=) fail its write, as a full disk does, instead of ending
    /// the process. Null where there is no such limit.
    /// </summary>
    public static IDisposable? SurviveFileSizeLimit() =>
        OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create((PosixSignal)SIGXFSZ, context => context.Cancel = true);

    /// <param name="command">Gets the token that is cancelled; returns the exit code.</param>
    /// <param name="outer">Ends the command too.</param>
    /// <param name="endsAtOnce">False if the command has something to save, so that it is waited for as long as it takes.</param>
    public static int Run(Func<CancellationToken, int> command, CancellationToken outer, bool endsAtOnce = true)
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
        catch (OutOfMemoryException e) when (e is not InsufficientMemoryException)
        {
            throw new UserErrorException(
                "the machine or container has too little memory for this; choose less data with --sample, fewer --threads, or smaller "
                + "bounds.", e);
        }
        catch (Exception e) when (e is ArgumentException or InsufficientMemoryException or MemoryLimitException)
        {
            throw Arguments.Translate(e);
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            bool first = !cancel.IsCancellationRequested;
            cancel.Cancel();
            if (first && endsAtOnce)
                new Thread(EndIfWaiting) { IsBackground = true }.Start();
        }
    }

    /// <summary>
    /// Marks a call into the system that may wait for others without an end, until it is disposed. Marks nest: the thread waits from the
    /// outermost mark's beginning to its end.
    /// </summary>
    public static Region MayWait()
    {
        if (t_waiter is not { } waiter)
        {
            t_waiter = waiter = new Waiter();
            lock (Waiters)
                Waiters.Add(waiter);
        }
        waiter.Begin();
        return new Region(waiter);
    }

    private static void EndIfWaiting()
    {
        long told = Environment.TickCount64;
        while (true)
        {
            Thread.Sleep(MillisecondsBetweenLooks);
            lock (Waiters)
            {
                if (Waiters.Any(waiter => waiter.WaitsSince is { } since && IsOver(Math.Max(since, told))))
                    break;
            }
        }
        // On a thread of its own, since standard error may be what waits.
        Thread telling = new(() => Console.Error.WriteLine(
            "pagefold: interrupted while a pipe or a file system kept it waiting; what was written until then is not complete."))
        {
            IsBackground = true,
        };
        telling.Start();
        telling.Join(MostMillisecondsToTell);
        Environment.Exit(ExitCodes.Interrupted);
    }

    private static bool IsOver(long since) => Environment.TickCount64 - since > MostMillisecondsToWait;

    /// <summary>A call that may wait, as long as this is not disposed.</summary>
    internal readonly ref struct Region(Waiter waiter)
    {
        public void Dispose() => waiter.End();
    }

    /// <summary>
    /// A thread, and since when it is in a call that may wait. Written by that thread, read by the one that ends the process.
    /// </summary>
    internal sealed class Waiter
    {
        private long _since = long.MaxValue;
        private int _depth;

        /// <summary>Null if it does not wait.</summary>
        public long? WaitsSince => Volatile.Read(ref _since) is var since and not long.MaxValue ? since : null;

        public void Begin()
        {
            if (_depth++ == 0)
                Volatile.Write(ref _since, Environment.TickCount64);
        }

        public void End()
        {
            if (--_depth == 0)
                Volatile.Write(ref _since, long.MaxValue);
        }
    }
}
