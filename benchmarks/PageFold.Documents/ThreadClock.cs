using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PageFold.Documents;

/// <summary>The processor time of the calling thread on Linux, so that other processes do not count; elsewhere the elapsed time.</summary>
internal static unsafe class ThreadClock
{
    // CLOCK_THREAD_CPUTIME_ID
    private const int ThreadTime = 3;

    /// <summary>The present time in nanoseconds, from an arbitrary beginning.</summary>
    public static long Nanoseconds
    {
        get
        {
            long* time = stackalloc long[2];
            return OperatingSystem.IsLinux() && clock_gettime(ThreadTime, time) == 0
                ? time[0] * 1_000_000_000 + time[1]
                : (long)(1e9 * Stopwatch.GetTimestamp() / Stopwatch.Frequency);
        }
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int clock_gettime(int clock, long* time);
}
