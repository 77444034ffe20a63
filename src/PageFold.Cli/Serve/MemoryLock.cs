using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Serve;

/// <summary>
/// What <c>--lock-memory</c> stands for: the server's memory is taken at the start (<see cref="PageStore.Prefault"/>) and never swapped out
/// or dropped, its code included. A kernel that swaps to this very server would otherwise wait for the server to swap the server in.
/// </summary>
/// <remarks>
/// The process is also marked as one that the kernel writes through (PR_SET_IO_FLUSHER, Linux 5.6), so that what the kernel allocates for
/// it, as for its sockets, does not wait for pages to be swapped out. A thread inherits the mark from the one that made it, and the runtime
/// has its threads already when the command begins; so the command marks its first thread and starts itself anew in the same process.
/// </remarks>
internal static class MemoryLock
{
    private const string Restarted = "PAGEFOLD_IO_FLUSHER";

    /// <summary>Marks all threads of this process, which starts anew for it; true if they are. Needs CAP_SYS_RESOURCE.</summary>
    public static bool TryMarkAsFlusher()
    {
        if (!OperatingSystem.IsLinux())
            return false;
        if (LibC.prctl(LibC.PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 1)
            return true;
        // Once: a kernel that lets the mark go when a program starts would have it start for ever.
        bool again = Environment.GetEnvironmentVariable(Restarted) is not null;
        if (again || LibC.prctl(LibC.PR_SET_IO_FLUSHER, 1, 0, 0, 0) != 0 || Environment.ProcessPath is not { } program)
            return false;
        byte[] environment = [.. File.ReadAllBytes("/proc/self/environ"), .. Encoding.ASCII.GetBytes($"{Restarted}=1\0")];
        LibC.Execute(program, File.ReadAllBytes("/proc/self/cmdline"), environment);
        return false;
    }

    /// <summary>Refuses a limit for which the machine has no memory now; locking it at once would make the kernel kill processes.</summary>
    /// <param name="limit">Bytes of <c>--memory-limit</c>.</param>
    /// <param name="connections">Bytes that connections are sure of, beside it.</param>
    public static void RefuseMoreThanIsThere(long limit, long connections)
    {
        const string Available = "MemAvailable:";
        if (!OperatingSystem.IsLinux()
            || File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(Available, StringComparison.Ordinal)) is not { } line)
            return;
        long available = long.Parse(
            line.AsSpan(Available.Length).Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture) * 1024;
        if (limit > available - connections)
        {
            throw new UserErrorException(
                $"--lock-memory takes the memory of --memory-limit ({ByteSize.Format(limit)}) at once, and of --max-connections "
                    + $"({ByteSize.Format(connections)}), and this machine has {ByteSize.Format(available)} to give; lower "
                    + $"--memory-limit, or leave --lock-memory out.");
        }
    }

    /// <summary>Locks all memory that this process has and will have, from the moment it is first touched.</summary>
    /// <exception cref="UserErrorException">The system does not allow it.</exception>
    public static void Engage()
    {
        if (!OperatingSystem.IsLinux())
            throw new UserErrorException("--lock-memory needs Linux; leave it out.");
        if (LibC.mlockall(LibC.MCL_CURRENT | LibC.MCL_FUTURE | LibC.MCL_ONFAULT) != 0)
            throw new UserErrorException(
                $"--lock-memory is not allowed here ({Marshal.GetLastPInvokeErrorMessage()}); run the command as root or with "
                + "CAP_IPC_LOCK, or with no limit on locked memory (ulimit -l unlimited, LimitMEMLOCK=infinity).");
    }
}
