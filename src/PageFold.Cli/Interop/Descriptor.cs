using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Cli.Interop;

/// <summary>
/// The descriptors that the command was started with, and what names are, without opening anything. Linux; .NET writes to a file at an
/// offset of its own, which does not count for the shell that passed the descriptor.
/// </summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class Descriptor
{
    private const int F_GETFD = 1;
    private const int F_GETFL = 3;
    private const int FD_CLOEXEC = 1;
    private const int O_ACCMODE = 3;
    private const int O_APPEND = 0x400;
    private const int SEEK_CUR = 1;
    private const int EINTR = 4;
    private const int EAGAIN = 11;
    private const int EPIPE = 32;
    private const short POLLOUT = 4;

    /// <summary>What lies under a name; null if there is nothing, or nothing can be known.</summary>
    /// <param name="path">The name.</param>
    /// <param name="follow">Follows the name if it is a link.</param>
    public static FileStatus? Status(string path, bool follow) => SystemFiles.Look([.. Encoding.UTF8.GetBytes(path), 0], follow);

    /// <summary>What a descriptor is open on; null if it is not open.</summary>
    public static FileStatus? Status(int descriptor)
    {
        using SafeFileHandle file = new(descriptor, ownsHandle: false);
        return SystemFiles.Look(file);
    }

    /// <summary>True if anything has the descriptor open.</summary>
    public static bool IsOpen(int descriptor) => fcntl(descriptor, F_GETFD) >= 0;

    /// <summary>
    /// True if the command was started with the descriptor. What the runtime has opened for itself would be closed for another program and
    /// is not meant by any name.
    /// </summary>
    public static bool IsInherited(int descriptor) => fcntl(descriptor, F_GETFD) is >= 0 and int flags && (flags & FD_CLOEXEC) == 0;

    /// <summary>True if bytes can be written to the descriptor; <paramref name="appends"/> if they always go to the end.</summary>
    public static bool IsWritable(int descriptor, out bool appends)
    {
        int flags = fcntl(descriptor, F_GETFL);
        appends = flags >= 0 && (flags & O_APPEND) != 0;
        return flags >= 0 && (flags & O_ACCMODE) != 0;
    }

    /// <summary>Writes all bytes at the descriptor's own position, which it shares with the process that passed it.</summary>
    /// <exception cref="OutputClosedException">Nothing reads the other end.</exception>
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
                    throw new OutputClosedException();
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

    /// <summary>Makes a file as long as was skipped.</summary>
    public static void SetLength(int descriptor, long length)
    {
        using SafeFileHandle file = new(descriptor, ownsHandle: false);
        RandomAccess.SetLength(file, length);
    }

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
}
