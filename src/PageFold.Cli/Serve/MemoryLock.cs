using System.Runtime.InteropServices;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Serve;

/// <summary>
/// What <c>--lock-memory</c> stands for: the server's memory is taken at the start (<see cref="PageStoreOptions.Prefault"/>) and never swapped out or dropped, its code included. A kernel that swaps to this very server
/// would otherwise wait for the server to swap the server in.
/// </summary>
internal static class MemoryLock
{
    /// <summary>Locks all memory that this process has and will have, from the moment it is first touched.</summary>
    /// <exception cref="UserErrorException">The system does not allow it.</exception>
    public static void Engage()
    {
        if (!OperatingSystem.IsLinux())
            throw new UserErrorException("--lock-memory needs Linux; leave it out.");
        if (LibC.mlockall(LibC.MCL_CURRENT | LibC.MCL_FUTURE | LibC.MCL_ONFAULT) != 0)
            throw new UserErrorException($"--lock-memory is not allowed here ({Marshal.GetLastPInvokeErrorMessage()}); run the command as root or with CAP_IPC_LOCK, or with no limit on locked memory (ulimit -l unlimited, LimitMEMLOCK=infinity).");
    }
}
