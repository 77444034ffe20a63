using System.Runtime.Versioning;

namespace PageFold.Cli.Interop;

/// <summary>Standard output or standard error as the command inherited it. Linux.</summary>
/// <remarks>
/// Unlike the console's own stream, it reports that the reader of a pipe is gone, and that the stream was closed from the beginning.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class StandardStream : Stream
{
    private readonly int _descriptor;
    private readonly bool _open;

    public StandardStream(int descriptor)
    {
        _descriptor = descriptor;
        // If the descriptor was closed, a file of the runtime may have its number now. Such a file is closed on exec; inherited ones are
        // not.
        _open = Descriptor.IsInherited(descriptor);
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

    /// <summary>
    /// Opens descriptors 0 to 2 on /dev/null if they are closed, so that no file opened later receives output for a user.
    /// </summary>
    public static void FillClosed()
    {
        for (int descriptor = 0; descriptor <= 2; descriptor++)
        {
            // An open takes the lowest free number.
            if (!Descriptor.IsOpen(descriptor))
                _ = LibC.open("/dev/null", LibC.O_RDWR | LibC.O_CLOEXEC);
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!_open)
            throw new IOException("it was closed from the beginning");
        using Interruptible.Region waiting = Interruptible.MayWait();
        Descriptor.WriteAll(_descriptor, buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // Nothing is buffered.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
