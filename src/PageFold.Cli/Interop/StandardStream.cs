using System.Runtime.Versioning;

namespace PageFold.Cli.Interop;

/// <summary>
/// Standard output or standard error as the caller of the command handed it over. Unlike the console's own stream, it tells when the reader
/// of a pipe is gone, and when it was closed from the beginning. Linux.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class StandardStream : Stream
{
    private readonly int _descriptor;
    private readonly bool _open;

    public StandardStream(int descriptor)
    {
        _descriptor = descriptor;
        // Where the descriptor was closed, a file of the runtime's own may have its number by now. Unlike what a caller hands over, that is
        // closed on exec.
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
    /// Has descriptors that were closed lead to nowhere, so that no file that is opened later gets what is meant for a person.
    /// </summary>
    public static void FillClosed()
    {
        for (int descriptor = 0; descriptor <= 2; descriptor++)
        {
            // An open takes the lowest number that is free.
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
        // Nothing is kept.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
