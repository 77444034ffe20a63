using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PageFold.Cli.Interop;

/// <summary>
/// Standard output or standard error as the caller of the command handed it over. Unlike the console's own stream, it tells when the reader of a pipe is gone, and when it was closed from
/// the beginning. Linux.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe partial class StandardStream : Stream
{
    private const int MostAtOnce = 64 << 10;
    private const int FD_CLOEXEC = 1;
    private const int F_GETFD = 1;
    private const short POLLOUT = 4;
    private const int EINTR = 4;
    private const int EBADF = 9;
    private const int EAGAIN = 11;
    private const int EPIPE = 32;

    private readonly int _descriptor;
    private readonly bool _open;

    public StandardStream(int descriptor)
    {
        _descriptor = descriptor;
        // Where the descriptor was closed, a file of the runtime's own may have its number by now. Unlike what a caller hands over, that is closed on exec.
        int flags = fcntl(descriptor, F_GETFD);
        _open = flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Has descriptors that were closed lead to nowhere, so that no file that is opened later gets what is meant for a person.</summary>
    public static void FillClosed()
    {
        for (int descriptor = 0; descriptor <= 2; descriptor++)
        {
            // An open takes the lowest number that is free.
            if (fcntl(descriptor, F_GETFD) < 0 && Marshal.GetLastPInvokeError() == EBADF)
                _ = LibC.open("/dev/null", LibC.O_RDWR | LibC.O_CLOEXEC);
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!_open)
            throw new IOException("it was closed from the beginning");
        using Interruptible.Region waiting = Interruptible.MayWait();
        while (buffer.Length > 0)
        {
            nint written;
            fixed (byte* bytes = buffer)
                written = write(_descriptor, bytes, (nuint)Math.Min(buffer.Length, MostAtOnce));
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case EINTR:
                    break;
                case EAGAIN:
                    Poll wait = new() { Descriptor = _descriptor, Events = POLLOUT };
                    _ = poll(&wait, 1, -1);
                    break;
                case EPIPE:
                    throw new OutputClosedException();
                default:
                    throw new IOException(Marshal.GetLastPInvokeErrorMessage());
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // Nothing is kept.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fcntl(int descriptor, int command);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int poll(Poll* waits, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
