using System.Diagnostics;

namespace PageFold.Cli.Bench;

/// <summary>Threads that begin a piece of work at the same moment; timed from that moment to the end of the last.</summary>
internal static class Team
{
    /// <summary>Runs the work on so many threads and returns the seconds it took. What a member throws is thrown here, after all have ended.</summary>
    /// <param name="threads">How many; one works on the calling thread.</param>
    /// <param name="work">Gets the member's number, from zero.</param>
    public static double Run(int threads, Action<int> work)
    {
        if (threads == 1)
        {
            long begin = Stopwatch.GetTimestamp();
            work(0);
            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }
        using Barrier start = new(threads + 1);
        Exception? failure = null;
        Thread[] members = [.. Enumerable.Range(0, threads).Select(number => new Thread(() =>
        {
            start.SignalAndWait();
            try
            {
                work(number);
            }
#pragma warning disable CA1031 // carried to the thread that waits
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        }))];
        foreach (Thread member in members)
            member.Start();
        start.SignalAndWait();
        long began = Stopwatch.GetTimestamp();
        foreach (Thread member in members)
            member.Join();
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return seconds;
    }
}
