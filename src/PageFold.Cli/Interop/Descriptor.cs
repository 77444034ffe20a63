using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Cli.Interop;

/// <summary>What a name or an open descriptor is.</summary>
internal enum FileKind
{
    /// <summary>There is nothing of that name, or it cannot be known.</summary>
    None,
    Regular,
    Folder,
    Pipe,
    CharacterDevice,
    BlockDevice,
    Socket,
    Link,
}

/// <summary>What the system tells of a file.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Device">The number of its file system.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Length">Bytes of a regular file.</param>
internal readonly record struct FileStatus(FileKind Kind, ulong Device, ulong Inode, long Length)
{
    /// <summary>True if both are the same file, pipe or device.</summary>
    public bool IsSame(FileStatus other) => (Kind, Device, Inode) == (other.Kind, other.Device, other.Inode);
}

/// <summary>
/// The descriptors that the command was started with, and what names are, without opening anything. Linux; .NET writes to a file at an offset of its own, which does not count for the shell that
/// passed the descriptor.
/// </summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class Descriptor
{
    private const int AT_FDCWD = -100;
    private const int AT_SYMLINK_NOFOLLOW = 0x100;
    private const int AT_EMPTY_PATH = 0x1000;
    private const uint STATX_BASIC_STATS = 0x7FF;
    private const int F_GETFD = 1;
    private const int F_GETFL = 3;
    private const int FD_CLOEXEC = 1;
    private const int O_ACCMODE = 3;
    private const int O_APPEND = 0x400;
    private const int SEEK_CUR = 1;
    private const int SEEK_DATA = 3;
    private const int SEEK_HOLE = 4;
    private const short POLLERR = 8;
    private const short POLLHUP = 16;
    private const int EINTR = 4;
    private const int EAGAIN = 11;
    private const int EPIPE = 32;
    private const short POLLOUT = 4;

    /// <summary>What lies under a name; null if there is nothing, or nothing can be known.</summary>
    /// <param name="path">The name.</param>
    /// <param name="follow">Follows the name if it is a link.</param>
    public static FileStatus? Status(string path, bool follow) => Status(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW);

    /// <summary>What a descriptor is open on; null if it is not open.</summary>
    public static FileStatus? Status(int descriptor) => Status(descriptor, string.Empty, AT_EMPTY_PATH);

    /// <summary>True if the command was started with the descriptor. What the runtime has opened for itself would be closed for another program and is not meant by any name.</summary>
    public static bool IsInherited(int descriptor) => fcntl(descriptor, F_GETFD) is >= 0 and int flags && (flags & FD_CLOEXEC) == 0;

    /// <summary>True if bytes can be written to the descriptor; <paramref name="appends"/> if they always go to the end.</summary>
    public static bool IsWritable(int descriptor, out bool appends)
    {
        int flags = fcntl(descriptor, F_GETFL);
        appends = flags >= 0 && (flags & O_APPEND) != 0;
        return flags >= 0 && (flags & O_ACCMODE) != 0;
    }

    /// <summary>True if what is written to the descriptor can reach no reader: the other end of a pipe or socket is closed, or the terminal is gone.</summary>
    public static bool HasNoReader(int descriptor)
    {
        PollDescriptor one = new() { Descriptor = descriptor };
        return poll(&one, 1, 0) > 0 && (one.Returned & (POLLERR | POLLHUP)) != 0;
    }

    /// <summary>Writes all bytes at the descriptor's own position, which it shares with the process that passed it.</summary>
    /// <exception cref="ReaderGoneException">Nothing reads the other end.</exception>
    /// <exception cref="IOException">They cannot be written.</exception>
    public static void WriteAll(int descriptor, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written;
            fixed (byte* first = bytes)
                written = write(descriptor, first, (nuint)bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case EINTR:
                    break;
                case EAGAIN:
                    PollDescriptor one = new() { Descriptor = descriptor, Events = POLLOUT };
                    _ = poll(&one, 1, -1);
                    break;
                case EPIPE:
                    throw new ReaderGoneException();
                default:
                    throw new IOException(Marshal.GetLastPInvokeErrorMessage());
            }
        }
    }

    /// <summary>The descriptor's position; null if it has none.</summary>
    public static long? Position(int descriptor) => lseek(descriptor, 0, SEEK_CUR) is >= 0 and long position ? position : null;

    /// <summary>Moves the descriptor's position forward, over what becomes a hole.</summary>
    public static void Skip(int descriptor, long bytes)
    {
        if (lseek(descriptor, bytes, SEEK_CUR) < 0)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
    }

    /// <summary>The first byte from <paramref name="offset"/> on that is not in a hole of a file; the file's length if there is none.</summary>
    public static long NextData(int descriptor, long offset, long length) => lseek(descriptor, offset, SEEK_DATA) is >= 0 and long data ? data : length;

    /// <summary>The first byte from <paramref name="offset"/> on that is in a hole of a file; the file's length if there is none.</summary>
    public static long NextHole(int descriptor, long offset, long length) => lseek(descriptor, offset, SEEK_HOLE) is >= 0 and long hole ? hole : length;

    /// <summary>Makes a file as long as was skipped.</summary>
    public static void SetLength(int descriptor, long length)
    {
        using SafeFileHandle file = new(descriptor, ownsHandle: false);
        RandomAccess.SetLength(file, length);
    }

    private static FileStatus? Status(int folder, string path, int flags)
    {
        StatusOfKernel status = default;
        if (statx(folder, path, flags, STATX_BASIC_STATS, &status) != 0)
            return null;
        FileKind kind = (status.Mode & 0xF000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Folder,
            0x1000 => FileKind.Pipe,
            0x2000 => FileKind.CharacterDevice,
            0x6000 => FileKind.BlockDevice,
            0xC000 => FileKind.Socket,
            0xA000 => FileKind.Link,
            _ => FileKind.None,
        };
        return new FileStatus(kind, (ulong)status.DeviceMajor << 32 | status.DeviceMinor, status.Inode, status.Length);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int statx(int folder, string path, int flags, uint mask, StatusOfKernel* status);

    // Variadic in C; without a third argument it is called like any other.
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fcntl(int descriptor, int command);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial long lseek(int descriptor, long offset, int origin);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary>The kernel's struct statx, the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatusOfKernel
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public long Length;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
