using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Cli.Interop;

/// <summary>The descriptors with which the command was started, and the status of paths and descriptors. Linux.</summary>
/// <remarks>
/// .NET writes to a file at an offset of its own and does not move the position of the descriptor, which the shell shares. These functions
/// do.
/// </remarks>
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

    /// <summary>Reads the status of a path; null if there is nothing, or it cannot be read.</summary>
    /// <param name="path">The path.</param>
    /// <param name="follow">True to follow a link.</param>
    public static FileStatus? Status(string path, bool follow) => SystemFiles.Look([.. Encoding.UTF8.GetBytes(path), 0], follow);

    /// <summary>Reads the status of a descriptor; null if it is not open.</summary>
    public static FileStatus? Status(int descriptor)
    {
        using SafeFileHandle file = new(descriptor, ownsHandle: false);
        return SystemFiles.Look(file);
    }

    /// <summary>True if the descriptor is open.</summary>
    public static bool IsOpen(int descriptor) => fcntl(descriptor, F_GETFD) >= 0;

    /// <summary>True if the command was started with the descriptor.</summary>
    /// <remarks>The runtime opens its own descriptors with close-on-exec. No name of the command line refers to them.</remarks>
    public static bool IsInherited(int descriptor) => fcntl(descriptor, F_GETFD) is >= 0 and int flags && (flags & FD_CLOEXEC) == 0;

    /// <summary>True if bytes can be written to the descriptor; <paramref name="appends"/> if they always go to the end.</summary>
    public static bool IsWritable(int descriptor, out bool appends)
    {
        int flags = fcntl(descriptor, F_GETFL);
        appends = flags >= 0 && (flags & O_APPEND) != 0;
        return flags >= 0 && (flags & O_ACCMODE) != 0;
    }

    /// <summary>Writes all bytes at the descriptor's own position, which the process that passed it shares.</summary>
    /// <exception cref="OutputClosedException">The reader has closed the other end.</exception>
    /// <exception cref="IOException">Writing failed.</exception>
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

    /// <summary>Moves the descriptor's position forward, over a range that becomes a hole.</summary>
    public static void Skip(int descriptor, long bytes)
    {
        if (lseek(descriptor, bytes, SEEK_CUR) < 0)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
    }

    /// <summary>Sets the length of a file, so that a skipped range at its end counts.</summary>
    public static void SetLength(int descriptor, long length)
    {
        using SafeFileHandle file = new(descriptor, ownsHandle: false);
        RandomAccess.SetLength(file, length);
    }

    // Variadic in C; without a third argument it is called like any other function.
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
