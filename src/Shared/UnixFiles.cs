using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using PageFold.Interop;

namespace PageFold.Shared;

/// <summary>What a path names, and advisory locks on folders: calls that .NET does not offer. Linux numbers.</summary>
[SupportedOSPlatform("linux")]
internal static partial class UnixFiles
{
    private const int O_CLOEXEC = 0x80000;
    private const int LOCK_EX = 2;
    private const int LOCK_NB = 4;
    private const int EINTR = 4;
    private const int EAGAIN = 11;
    private const int MillisecondsBetweenAttempts = 20;
    private const int MaxAttempts = 250;

    /// <summary>
    /// Identifies the file under a path, a link itself and not its target; null if there is none, or the C library has no statx.
    /// </summary>
    public static FileIdentity? Identify(string path) =>
        Statx.TryRead(Statx.AT_FDCWD, path, Statx.AT_SYMLINK_NOFOLLOW, Statx.STATX_TYPE | Statx.STATX_INO, out Statx status)
            ? new FileIdentity(status.Device, status.Inode, status.Type == Statx.SocketFile)
            : null;

    /// <summary>
    /// Takes the lock of a folder and waits while another process holds it; closing the handle releases it. Null if the folder cannot be
    /// locked, or another process holds the lock for five seconds: every process that may read a folder may lock it.
    /// </summary>
    public static SafeFileHandle? LockFolder(string folder)
    {
        // With the dot the name leads to a folder or to nothing; opening a pipe would wait.
        int descriptor = open(Path.Combine(folder, "."), O_CLOEXEC);
        if (descriptor < 0)
            return null;
        SafeFileHandle handle = new(descriptor, ownsHandle: true);
        for (int i = 0; i < MaxAttempts; i++)
        {
            if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
                return handle;
            // Another process holds it, or a signal came. Any other error is permanent: a file system without such locks.
            if (Marshal.GetLastPInvokeError() is not (EAGAIN or EINTR))
                break;
            Thread.Sleep(MillisecondsBetweenAttempts);
        }
        handle.Dispose();
        return null;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int flock(int descriptor, int operation);
}

/// <summary>Which file a path names, and whether it is a socket.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, bool IsSocket);
