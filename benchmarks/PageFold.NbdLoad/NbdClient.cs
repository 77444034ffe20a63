using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace PageFold.NbdLoad;

/// <summary>A minimal NBD client that loads any server: requests of one block, some in flight at once, over a Unix socket.</summary>
/// <remarks>
/// Ready requests are sent in one system call, and available replies are read in one, so the client costs little and is the same for all
/// servers.
/// </remarks>
internal sealed class NbdClient : IDisposable
{
    private const ulong OptionMagic = 0x49484156454F5054;
    private const uint RequestMagic = 0x25609513;
    private const uint SimpleReplyMagic = 0x67446698;
    private const int RequestLength = 28;
    private const int ReplyLength = 16;
    private const int ExportName = 1;
    private const ushort Read = 0;
    private const ushort Write = 1;
    private const ushort Disconnect = 2;
    private const ushort Trim = 4;

    private readonly Socket _socket;
    private readonly byte[] _outgoing;
    private readonly byte[] _incoming;
    private readonly int _block;
    private readonly Stack<int> _idle = new();
    private readonly long[] _blockOf;
    private int _outgoingLength;
    private int _begin;
    private int _end;

    public NbdClient(string socketPath, string export, int depth, int block)
    {
        _block = block;
        _outgoing = new byte[depth * (RequestLength + block)];
        _incoming = new byte[2 * depth * (ReplyLength + block)];
        _blockOf = new long[depth];
        for (int i = 0; i < depth; i++)
            _idle.Push(i);
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _socket.Connect(new UnixDomainSocketEndPoint(socketPath));
        Negotiate(export);
    }

    /// <summary>The size of the export, in bytes.</summary>
    public long Size { get; private set; }

    /// <summary>The number of requests that can be added before <see cref="Exchange"/>.</summary>
    public int Free => _idle.Count;

    public void PutRead(long block) => Put(Read, block, []);

    public void PutTrim(long block) => Put(Trim, block, []);

    public void PutWrite(long block, ReadOnlySpan<byte> data) => Put(Write, block, data);

    /// <summary>Sends the added requests and takes at least one reply, if any is due.</summary>
    /// <param name="reading">True if replies carry a block.</param>
    /// <param name="replied">Receives the block's number, the error and the data of each reply.</param>
    public void Exchange(bool reading, Reply replied)
    {
        Flush();
        int length = ReplyLength + (reading ? _block : 0);
        bool any = false;
        while (_idle.Count < _blockOf.Length)
        {
            int here = _end - _begin;
            // An error carries no data.
            if (here >= ReplyLength)
            {
                ReadOnlySpan<byte> reply = _incoming.AsSpan(_begin, here);
                if (BinaryPrimitives.ReadUInt32BigEndian(reply) != SimpleReplyMagic)
                    throw new InvalidDataException("The server sent something that is no reply.");
                uint error = BinaryPrimitives.ReadUInt32BigEndian(reply[4..]);
                int whole = error != 0 ? ReplyLength : length;
                if (here >= whole)
                {
                    int slot = (int)BinaryPrimitives.ReadUInt64BigEndian(reply[8..]);
                    replied(_blockOf[slot], error, reply[ReplyLength..whole]);
                    _idle.Push(slot);
                    _begin += whole;
                    any = true;
                    continue;
                }
            }
            if (any)
                return;
            Receive();
        }
    }

    public void Dispose()
    {
        _outgoingLength = 0;
        Header(Disconnect, 0, 0, 0);
        try
        {
            Flush();
        }
        catch (SocketException)
        {
            // The server has closed the connection first.
        }
        _socket.Dispose();
    }

    private void Put(ushort command, long block, ReadOnlySpan<byte> data)
    {
        int slot = _idle.Pop();
        _blockOf[slot] = block;
        Header(command, (ulong)slot, block * _block, _block);
        data.CopyTo(_outgoing.AsSpan(_outgoingLength));
        _outgoingLength += data.Length;
    }

    private void Header(ushort command, ulong cookie, long offset, int length)
    {
        Span<byte> header = _outgoing.AsSpan(_outgoingLength, RequestLength);
        BinaryPrimitives.WriteUInt32BigEndian(header, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], command);
        BinaryPrimitives.WriteUInt64BigEndian(header[8..], cookie);
        BinaryPrimitives.WriteInt64BigEndian(header[16..], offset);
        BinaryPrimitives.WriteInt32BigEndian(header[24..], length);
        _outgoingLength += RequestLength;
    }

    private void Flush()
    {
        for (int sent = 0; sent < _outgoingLength;)
            sent += _socket.Send(_outgoing.AsSpan(sent, _outgoingLength - sent));
        _outgoingLength = 0;
    }

    private void Receive()
    {
        if (_begin > 0)
        {
            _incoming.AsSpan(_begin, _end - _begin).CopyTo(_incoming);
            (_begin, _end) = (0, _end - _begin);
        }
        int read = _socket.Receive(_incoming.AsSpan(_end));
        if (read == 0)
            throw new EndOfStreamException("The server closed the connection.");
        _end += read;
    }

    private void Negotiate(string export)
    {
        const int Greeting = 18;
        while (_end < Greeting)
            Receive();
        _begin = Greeting;
        byte[] name = Encoding.UTF8.GetBytes(export);
        byte[] option = new byte[4 + 16 + name.Length];
        BinaryPrimitives.WriteUInt32BigEndian(option, 3);
        BinaryPrimitives.WriteUInt64BigEndian(option.AsSpan(4), OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(option.AsSpan(12), ExportName);
        BinaryPrimitives.WriteInt32BigEndian(option.AsSpan(16), name.Length);
        name.CopyTo(option, 20);
        _socket.Send(option);
        const int Answer = 10;
        while (_end - _begin < Answer)
            Receive();
        Size = BinaryPrimitives.ReadInt64BigEndian(_incoming.AsSpan(_begin));
        _begin += Answer;
    }

    /// <summary>Receives the reply to a request about a block.</summary>
    public delegate void Reply(long block, uint error, ReadOnlySpan<byte> data);
}
