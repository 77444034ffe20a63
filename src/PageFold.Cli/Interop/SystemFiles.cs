using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using PageFold.Interop;

namespace PageFold.Cli.Interop;

/// <summary>The kind of a file.</summary>
internal enum FileKind
{
    Other,
    Regular,
    Folder,
    Link,
    Pipe,
    Socket,
    CharacterDevice,
    BlockDevice,
}

/// <summary>The identity of a file, whatever its names: the numbers of its file system and of its inode.</summary>
internal readonly record struct FileId(ulong Device, ulong Inode);

/// <summary>The status of a file, known without reading it.</summary>
/// <param name="Kind">The kind of file.</param>
/// <param name="Length">The length it reports, in bytes; 0 for pipes, devices and the files of /proc.</param>
/// <param name="AllocatedBytes">Bytes that are stored for it; fewer than the length if it has holes.</param>
/// <param name="Id">Its identity; null where the system does not report it.</param>
internal readonly record struct FileStatus(FileKind Kind, long Length, long AllocatedBytes, FileId? Id);

/// <summary>Files by descriptors and by the bytes of their names, which need not be text. Linux.</summary>
/// <remarks>
/// No call waits for the other end of a pipe. A call that fails returns null or a negative number; <see cref="Reason"/> then has the
/// reason.
/// </remarks>
[SupportedOSPlatform("linux")]
internal static unsafe partial class SystemFiles
{
    private const int O_NOCTTY = 0x100;
    private const int O_NONBLOCK = 0x800;
    private const int O_CLOEXEC = 0x80000;
    private const int F_DUPFD_CLOEXEC = 1030;
    private const int SEEK_CUR = 1;
    private const int SEEK_END = 2;
    private const int SEEK_DATA = 3;
    private const int SEEK_HOLE = 4;
    private const short POLLIN = 1;
    private const int ENXIO = 6;
    private const int EINTR = 4;
    private const int EAGAIN = 11;
    private const int ENOENT = 2;
    private const int ENOTDIR = 20;

    // struct dirent of 64-bit systems: inode, offset, length of the entry, kind, name.
    private const int NameOffset = 19;

    /// <summary>The reason why the last call on this thread failed.</summary>
    public static string Reason => Lower(Marshal.GetLastPInvokeErrorMessage());

    /// <summary>True if the last call on this thread found no file.</summary>
    public static bool WasMissing => Marshal.GetLastPInvokeError() is ENOENT or ENOTDIR;

    /// <summary>Reads the status of a path.</summary>
    /// <param name="name">The bytes and a final zero.</param>
    /// <param name="follow">True to follow a link.</param>
    public static FileStatus? Look(ReadOnlySpan<byte> name, bool follow)
    {
        fixed (byte* path = name)
            return Look(Statx.AT_FDCWD, path, follow ? 0 : Statx.AT_SYMLINK_NOFOLLOW);
    }

    public static FileStatus? Look(SafeFileHandle file)
    {
        byte empty = 0;
        return Look(Descriptor(file), &empty, Statx.AT_EMPTY_PATH);
    }

    /// <summary>Opens a file for reading, without waiting for the other end of a pipe and without taking a controlling terminal.</summary>
    /// <remarks>The opened file may not be the one whose status was read before.</remarks>
    public static SafeFileHandle? Open(ReadOnlySpan<byte> name)
    {
        fixed (byte* path = name)
            return Own(open(path, O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    }

    /// <summary>Duplicates a descriptor of this process.</summary>
    /// <remarks>Position and flags are shared with the original.</remarks>
    public static SafeFileHandle? Duplicate(int descriptor) => Own(fcntl(descriptor, F_DUPFD_CLOEXEC, 3));

    /// <summary>Lists the names in a folder except <c>.</c> and <c>..</c>, each with a final zero; null if it cannot be read.</summary>
    public static List<byte[]>? List(ReadOnlySpan<byte> folder)
    {
        nint entries;
        fixed (byte* path = folder)
            entries = opendir(path);
        if (entries == 0)
            return null;
        List<byte[]> names = [];
        byte* entry;
        while ((entry = readdir(entries)) is not null)
        {
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameOffset);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add([.. name, 0]);
        }
        int error = Marshal.GetLastPInvokeError();
        _ = closedir(entries);
        Marshal.SetLastPInvokeError(error);
        return error == 0 ? names : null;
    }

    /// <summary>The offset of the next data at or after an offset; the length if only a hole follows.</summary>
    /// <remarks>Returns the offset itself where the file system does not report holes.</remarks>
    public static long NextData(SafeFileHandle file, long offset, long length)
    {
        long data = lseek(Descriptor(file), offset, SEEK_DATA);
        return data >= 0 ? Math.Clamp(data, offset, length) : Marshal.GetLastPInvokeError() == ENXIO ? length : offset;
    }

    /// <summary>The offset of the next hole after an offset at which there is data.</summary>
    public static long NextHole(SafeFileHandle file, long offset, long length)
    {
        long hole = lseek(Descriptor(file), offset, SEEK_HOLE);
        return hole > offset ? Math.Min(hole, length) : length;
    }

    /// <summary>The length, also of block devices; negative if it is not known.</summary>
    public static long LengthOf(SafeFileHandle file) => lseek(Descriptor(file), 0, SEEK_END);

    /// <summary>The position of an inherited descriptor; negative if it has none.</summary>
    public static long PositionOf(SafeFileHandle file) => lseek(Descriptor(file), 0, SEEK_CUR);

    public static bool IsTerminal(SafeFileHandle file) => isatty(Descriptor(file)) == 1;

    /// <summary>Waits until there is something to read, the end included; false if the time is over.</summary>
    public static bool WaitForInput(SafeFileHandle file, int milliseconds)
    {
        Poll wait = new() { Descriptor = Descriptor(file), Events = POLLIN };
        return poll(&wait, 1, milliseconds) > 0;
    }

    /// <summary>Reads what is available.</summary>
    /// <returns>The bytes read; 0 at the end; null if nothing is available yet; negative on failure.</returns>
    public static int? ReadAvailable(SafeFileHandle file, Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            int got = (int)read(Descriptor(file), bytes, (nuint)buffer.Length);
            return got < 0 && Marshal.GetLastPInvokeError() is EINTR or EAGAIN ? null : got;
        }
    }

    private static FileStatus? Look(int folder, byte* path, int flags)
    {
        if (!Statx.TryRead(folder, path, flags, Statx.STATX_BASIC_STATS, out Statx status))
            return null;
        FileKind kind = status.Type switch
        {
            1 => FileKind.Pipe,
            2 => FileKind.CharacterDevice,
            4 => FileKind.Folder,
            6 => FileKind.BlockDevice,
            8 => FileKind.Regular,
            10 => FileKind.Link,
            12 => FileKind.Socket,
            _ => FileKind.Other,
        };
        long allocated = (long)Math.Min(status.Blocks, long.MaxValue / 512) * 512;
        return new FileStatus(kind, (long)status.Size, allocated, new FileId(status.Device, status.Inode));
    }

    private static SafeFileHandle? Own(int descriptor) => descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);

    // The callers hold the handle.
    private static int Descriptor(SafeFileHandle file) => (int)file.DangerousGetHandle();

    private static string Lower(string message) => message.Length == 0 ? message : char.ToLowerInvariant(message[0]) + message[1..];

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int open(byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint opendir(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial byte* readdir(nint folder);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int closedir(nint folder);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial long lseek(int descriptor, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int poll(Poll* waits, nuint count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int isatty(int descriptor);

    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
