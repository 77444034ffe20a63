using System.Text.Json;

namespace PageFold.Cli.Serve;

/// <summary>The client's side of a control connection: reads lines, and the bytes that a line announces. Used by one thread.</summary>
internal sealed class ControlReader(Stream stream)
{
    private const int FirstBufferBytes = 1 << 16;

    // Far more than any report needs; what is longer is no server of this kind.
    private const int MaxLineBytes = 64 << 20;

    private byte[] _buffer = new byte[FirstBufferBytes];
    private int _start;
    private int _end;

    /// <summary>Reads the next line; null if the server says no more.</summary>
    /// <exception cref="JsonException">What came is no reply.</exception>
    /// <exception cref="NbdGreetingException">What came is how a server greets the clients of a disk.</exception>
    /// <exception cref="IOException">The connection is lost, or ends within a line.</exception>
    public ControlReply? ReadReply()
    {
        int searched = 0;
        int length;
        while ((length = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n')) < 0)
        {
            searched = _end - _start;
            if (searched >= MaxLineBytes)
                throw new JsonException($"a line is longer than {MaxLineBytes} bytes");
            if (!TryFill())
                return searched == 0 ? null : throw new EndOfStreamException("it ended in the middle of a line");
        }
        ReadOnlySpan<byte> line = _buffer.AsSpan(_start, searched + length);
        _start += line.Length + 1;
        ControlReply reply = JsonSerializer.Deserialize(line, ControlJson.Default.ControlReply)
            ?? throw new JsonException("a line is null");
        return reply.DataBytes is < 0 or > ControlReply.MaxDataBytes || reply.Offset < 0
            ? throw new JsonException("a line announces what cannot be") : reply;
    }

    /// <summary>Reads bytes that a line has announced; they are valid until the next call.</summary>
    /// <exception cref="EndOfStreamException">The server has gone before.</exception>
    public ReadOnlySpan<byte> ReadData(int length)
    {
        while (_end - _start < length)
        {
            if (!TryFill(length))
                throw new EndOfStreamException("it ended in the middle of a snapshot");
        }
        ReadOnlySpan<byte> data = _buffer.AsSpan(_start, length);
        _start += length;
        return data;
    }

    private bool TryFill(int wanted = 0)
    {
        int held = _end - _start;
        if (_end == _buffer.Length || _buffer.Length - _start < wanted)
        {
            byte[] next = held > _buffer.Length / 2 || _buffer.Length < wanted ? new byte[Math.Max(2 * _buffer.Length, wanted)] : _buffer;
            _buffer.AsSpan(_start, held).CopyTo(next);
            (_buffer, _start, _end) = (next, 0, held);
        }
        int read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        // A disk's server sends it at once, and no line begins like that.
        if (_buffer.AsSpan(_start, _end - _start).StartsWith("NBDMAGIC"u8) && wanted == 0)
            throw new NbdGreetingException("a server of disks greets");
        return read > 0;
    }
}

/// <summary>At the other end is a disk's own socket, not a control socket.</summary>
internal sealed class NbdGreetingException : Exception
{
    public NbdGreetingException(string message)
        : base(message)
    {
    }

    public NbdGreetingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public NbdGreetingException()
    {
    }
}
