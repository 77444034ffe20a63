using System.Diagnostics;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench;

/// <summary>The time of work of the calling thread: processor time where the system has it, so that other processes do not count.</summary>
internal static class ThreadClock
{
    /// <summary>A description for reports.</summary>
    public static string Description => OperatingSystem.IsLinux() ? "processor time of the thread" : "elapsed time";

    /// <summary>The present time in nanoseconds, from an arbitrary beginning.</summary>
    public static long Nanoseconds => OperatingSystem.IsLinux()
        ? LibC.ThreadNanoseconds()
        : (long)(1e9 * Stopwatch.GetTimestamp() / Stopwatch.Frequency);
}
