using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>A small NBD client: one request at a time, simple replies, every wait limited. Not thread-safe.</summary>
internal sealed class ServeClient : IDisposable
{
    public const uint NoSpace = 28;
    public const uint NotPermitted = 1;

    private const ulong OptionMagic = 0x49484156454F5054;
    private const uint RequestMagic = 0x25609513;
    private const uint SimpleReplyMagic = 0x67446698;
    private const uint StartTls = 5;
    private const uint Go = 7;
    private const uint Ack = 1;
    private const uint Information = 3;

    private readonly Socket _socket;
    private Stream _stream;
    private ulong _cookie;

    private ServeClient(EndPoint endPoint)
    {
        int patience = (int)ServeProcess.Patience.TotalMilliseconds;
        ProtocolType protocol = endPoint.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp;
        _socket = new Socket(endPoint.AddressFamily, SocketType.Stream, protocol)
        {
            ReceiveTimeout = patience,
            SendTimeout = patience,
        };
        _socket.Connect(endPoint);
        _stream = new NetworkStream(_socket, ownsSocket: true);
        Take(18);
        Send(U32(3));
    }

    public long Size { get; private set; }

    /// <summary>Connects and negotiates an export.</summary>
    /// <param name="endPoint">The address of the server.</param>
    /// <param name="export">The export's name.</param>
    /// <param name="tls">The options of encryption; null for none.</param>
    public static ServeClient Attach(EndPoint endPoint, string export = "", SslClientAuthenticationOptions? tls = null)
    {
        (ServeClient? client, uint refusal) = TryAttach(endPoint, export, tls);
        Assert.True(client is not null, $"the server refuses with {refusal:x}");
        return client;
    }

    /// <summary>Connects to a server that may refuse; then returns the protocol's number of the reason.</summary>
    public static (ServeClient? Client, uint Refusal) TryAttach(
        EndPoint endPoint, string export = "", SslClientAuthenticationOptions? tls = null)
    {
        ServeClient client = new(endPoint);
        try
        {
            if (tls is not null)
                client.Encrypt(tls);
            byte[] name = Encoding.UTF8.GetBytes(export);
            client.Send([.. U64(OptionMagic), .. U32(Go), .. U32((uint)name.Length + 6), .. U32((uint)name.Length), .. name, 0, 0]);
            while (true)
            {
                (uint type, byte[] data) = client.TakeOptionReply();
                if (type == Ack)
                    return (client, 0);
                if (type != Information)
                {
                    client.Dispose();
                    return (null, type);
                }
                if (BinaryPrimitives.ReadUInt16BigEndian(data) == 0)
                    client.Size = (long)BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(2));
            }
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public byte[] Read(long offset, int length)
    {
        Assert.Equal(0u, Ask(0, offset, (uint)length));
        return Take(length);
    }

    public void Write(long offset, byte[] data) => Assert.Equal(0u, TryWrite(offset, data));

    /// <summary>Writes and returns the error, or zero.</summary>
    public uint TryWrite(long offset, byte[] data) => Ask(1, offset, (uint)data.Length, data);

    public void Flush() => Assert.Equal(0u, Ask(3, 0, 0));

    public void Trim(long offset, uint length) => Assert.Equal(0u, Ask(4, offset, length));

    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // The server may have ended.
        }
        _socket.Dispose();
    }

    private static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] U64(ulong value) => [.. U32((uint)(value >> 32)), .. U32((uint)value)];

    private void Encrypt(SslClientAuthenticationOptions options)
    {
        Send([.. U64(OptionMagic), .. U32(StartTls), .. U32(0)]);
        Assert.Equal(Ack, TakeOptionReply().Type);
        SslStream encrypted = new(_stream);
        _stream = encrypted;
        encrypted.AuthenticateAsClient(options);
    }

    private (uint Type, byte[] Data) TakeOptionReply()
    {
        byte[] header = Take(20);
        int length = (int)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(16));
        return (BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12)), Take(length));
    }

    private uint Ask(ushort command, long offset, uint length, byte[]? payload = null)
    {
        ulong cookie = ++_cookie;
        Send([.. U32(RequestMagic), .. U32(command), .. U64(cookie), .. U64((ulong)offset), .. U32(length)]);
        if (payload is not null)
            Send(payload);
        byte[] reply = Take(16);
        Assert.Equal(SimpleReplyMagic, BinaryPrimitives.ReadUInt32BigEndian(reply));
        Assert.Equal(cookie, BinaryPrimitives.ReadUInt64BigEndian(reply.AsSpan(8)));
        return BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(4));
    }

    private void Send(byte[] bytes) => _stream.Write(bytes);

    private byte[] Take(int count)
    {
        byte[] bytes = new byte[count];
        _stream.ReadExactly(bytes);
        return bytes;
    }
}
