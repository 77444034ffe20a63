using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using PageFold.Interop;

namespace PageFold.Nbd.Interop;

/// <summary>
/// What the server needs of the system and .NET does not offer: the kind of a file, locks on folders, and pages of memory that come and
/// go. Linux numbers.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class LibC
{
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_PRIVATE = 0x02;
    public const int MAP_ANONYMOUS = 0x20;
    private const int O_CLOEXEC = 0x80000;
    private const int LOCK_EX = 2;
    private const int LOCK_NB = 4;
    private const int MillisecondsBetweenTries = 20;
    private const int EINTR = 4;
    private const int EAGAIN = 11;
    private const int MostTries = 250;

    /// <summary>
    /// The file under a name, a link itself and not what it leads to; null if there is none, or the C library is too old to tell.
    /// </summary>
    public static FileIdentity? Identify(string path) =>
        Statx.TryRead(Statx.AT_FDCWD, path, Statx.AT_SYMLINK_NOFOLLOW, Statx.STATX_TYPE | Statx.STATX_INO, out Statx status)
            ? new FileIdentity(status.Device, status.Inode, status.Type == Statx.SocketFile)
            : null;

    /// <summary>
    /// Takes the lock of a folder, for which it waits while another process has it; closing the handle lets it go. Null if the folder
    /// cannot be locked, or another process keeps the lock for five seconds: every process that
    /// may read a folder may lock it.
    /// </summary>
    public static SafeFileHandle? LockFolder(string folder)
    {
        // With the dot the name leads to a folder or to nothing; opening a pipe would wait.
        int descriptor = open(Path.Combine(folder, "."), O_CLOEXEC);
        if (descriptor < 0)
            return null;
        SafeFileHandle handle = new(descriptor, ownsHandle: true);
        for (int i = 0; i < MostTries; i++)
        {
            if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
                return handle;
            // Another process has it, or a signal came. Anything else stays as it is: a file system without such locks.
            if (Marshal.GetLastPInvokeError() is not (EAGAIN or EINTR))
                break;
            Thread.Sleep(MillisecondsBetweenTries);
        }
        handle.Dispose();
        return null;
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int munmap(nint address, nuint length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int flock(int descriptor, int operation);
}

/// <summary>Which file a name leads to, and whether it is a socket.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, bool IsSocket);
