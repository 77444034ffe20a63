using System.Runtime.InteropServices;

namespace PageFold.Cli;

/// <summary>
/// Runs a command so that Ctrl-C or a termination signal ends it in an orderly way, and translates errors of the library.
/// </summary>
/// <remarks>
/// For an orderly end the command has to react. It cannot while it is in a system call that waits for others: a pipe that is not read, a
/// file system that does not answer. Such calls are marked with <see cref="MayWait"/>. If one of them still waits two seconds after the
/// signal, the process ends at once.
/// </remarks>
internal static class Interruptible
{
    private const int MaxMillisecondsToWait = 2000;
    private const int MillisecondsBetweenChecks = 100;
    private const int MaxMillisecondsToReport = 500;

    // The same number on Linux and on the BSDs.
    private const int SIGXFSZ = 25;

    private static readonly List<Waiter> Waiters = [];

    // Held, because a registration that is collected is one that is disposed.
    private static PosixSignalRegistration? s_fileSizeLimit;

    [ThreadStatic]
    private static Waiter? t_waiter;

    /// <summary>
    /// Makes a write beyond the file size limit of the process (ulimit -f, LimitFSIZE=) fail instead of ending the process.
    /// </summary>
    /// <remarks>
    /// For the rest of the process: the runtime handles a signal on a thread of its own, which may come to it long after the write has
    /// failed, and ends the process if nothing is registered by then.
    /// </remarks>
    public static void SurviveFileSizeLimit()
    {
        if (!OperatingSystem.IsWindows())
            s_fileSizeLimit ??= PosixSignalRegistration.Create((PosixSignal)SIGXFSZ, context => context.Cancel = true);
    }

    /// <param name="command">Receives the token that is cancelled; returns the exit code.</param>
    /// <param name="outer">Cancels the command too.</param>
    /// <param name="endsAtOnce">False if the command has something to save: it is awaited without limit.</param>
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

    /// <summary>Marks a system call that may wait for others without end, until the result is disposed.</summary>
    /// <remarks>Marks nest: the thread waits from the beginning of the outermost mark to its end.</remarks>
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
        long signalled = Environment.TickCount64;
        while (true)
        {
            Thread.Sleep(MillisecondsBetweenChecks);
            lock (Waiters)
            {
                if (Waiters.Any(waiter => waiter.WaitsSince is { } since && IsOver(Math.Max(since, signalled))))
                    break;
            }
        }
        // On a thread of its own, because standard error may be what waits.
        Thread reporter = new(() => Console.Error.WriteLine(
            "pagefold: interrupted while a pipe or a file system kept it waiting; what was written until then is not complete."))
        {
            IsBackground = true,
        };
        reporter.Start();
        reporter.Join(MaxMillisecondsToReport);
        Environment.Exit(ExitCodes.Interrupted);
    }

    private static bool IsOver(long since) => Environment.TickCount64 - since > MaxMillisecondsToWait;

    /// <summary>A marked call that may wait, until it is disposed.</summary>
    internal readonly ref struct Region(Waiter waiter)
    {
        public void Dispose() => waiter.End();
    }

    /// <summary>A thread, and the time since when it is in a call that may wait.</summary>
    /// <remarks>Written by that thread, read by the thread that ends the process.</remarks>
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
