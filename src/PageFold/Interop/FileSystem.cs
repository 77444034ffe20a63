using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Interop;

/// <summary>The identity and kind of a file, to compare names and handles.</summary>
/// <param name="Device">The number of the file system.</param>
/// <param name="Inode">The file's number in the file system.</param>
/// <param name="IsRegular">False for folders, links, devices, pipes and sockets.</param>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, bool IsRegular);

/// <summary>File operations that the portable surface of .NET does not offer.</summary>
/// <remarks>On Linux; elsewhere they report nothing and do nothing.</remarks>
internal static partial class FileSystem
{
    private const int O_EXCL = 0x80;
    private const int O_CLOEXEC = 0x80000;
    private const int EINVAL = 22;

    /// <summary>Identifies what is under a path, without following a link; null if there is nothing, or it cannot be identified.</summary>
    public static FileIdentity? Identify(string path) =>
        OperatingSystem.IsLinux() ? Identify(Statx.AT_FDCWD, path, Statx.AT_SYMLINK_NOFOLLOW) : null;

    /// <summary>Identifies what a handle is open on; null if it cannot be identified.</summary>
    public static FileIdentity? Identify(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        FileIdentity? identity = Identify((int)file.DangerousGetHandle(), "", Statx.AT_EMPTY_PATH);
        GC.KeepAlive(file);
        return identity;
    }

    /// <summary>Gives an open file the owner of the regular file that it will replace, if there is one.</summary>
    /// <remarks>Only root can do that. For other users nothing changes.</remarks>
    public static void TakeOwnerOf(string path, SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux() || Identify(path) is not { IsRegular: true })
            return;
        int descriptor = (int)file.DangerousGetHandle();
        if (Statx.TryRead(Statx.AT_FDCWD, path, Statx.AT_SYMLINK_NOFOLLOW, Statx.STATX_OWNER, out Statx replaced)
            && Statx.TryRead(descriptor, "", Statx.AT_EMPTY_PATH, Statx.STATX_OWNER, out Statx own)
            && (replaced.User, replaced.Group) != (own.User, own.Group))
            _ = fchown(descriptor, replaced.User, replaced.Group);
        GC.KeepAlive(file);
    }

    /// <summary>
    /// Makes the names in a folder durable, so that they survive a crash of the machine; false, with the reason, on failure.
    /// </summary>
    public static bool TrySyncFolder(string folder, out string? reason)
    {
        reason = null;
        if (!OperatingSystem.IsLinux())
            return true;
        int descriptor = open(folder, O_CLOEXEC);
        bool synced = descriptor >= 0 && fsync(descriptor) == 0;
        // Some file systems have nothing to sync for a folder and report EINVAL.
        if (!synced && Marshal.GetLastPInvokeError() != EINVAL)
            reason = Marshal.GetLastPInvokeErrorMessage();
        if (descriptor >= 0)
            _ = close(descriptor);
        return reason is null;
    }

    /// <summary>
    /// Claims a block device for as long as the handle is open, so that no process can mount it; null, with the reason, on failure.
    /// </summary>
    /// <remarks>Fails if the device is mounted or a part of another device, or if another process has claimed it.</remarks>
    public static SafeFileHandle? TryClaimDevice(string path, out string reason)
    {
        int descriptor = open(path, O_EXCL | O_CLOEXEC);
        reason = descriptor < 0 ? Marshal.GetLastPInvokeErrorMessage() : string.Empty;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static FileIdentity? Identify(int folder, string path, int flags) =>
        Statx.TryRead(folder, path, flags, Statx.STATX_TYPE | Statx.STATX_INO, out Statx status)
            ? new FileIdentity(status.Device, status.Inode, status.Type == Statx.RegularFile)
            : null;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fchown(int descriptor, uint user, uint group);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int close(int descriptor);

    /// <summary>Writes all bytes at an offset of a file.</summary>
    /// <exception cref="IOException">
    /// Writing failed, for example because the file would exceed a limit of the file system or of the process.
    /// </exception>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw TooLarge(e);
        }
    }

    /// <summary>Sets a file's length.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public static void SetLength(SafeFileHandle file, long length)
    {
        try
        {
            RandomAccess.SetLength(file, length);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw TooLarge(e);
        }
    }

    // The runtime reports "file too large" (EFBIG) as a wrong argument.
    private static IOException TooLarge(ArgumentOutOfRangeException e) =>
        new("The file would be larger than its file system, or a limit of the process (ulimit -f), allows.", e);
}
