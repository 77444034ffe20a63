using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace PageFold.Nbd.Tests;

/// <summary>One reply to an option.</summary>
internal sealed record OptionReplied(uint Option, uint Type, byte[] Data);

/// <summary>A simple reply, or one chunk of a structured one.</summary>
internal sealed record Message(ulong Cookie, bool Structured, bool Done, int Type, uint Error, byte[] Payload);

/// <summary>All of a reply.</summary>
internal sealed record Answer(uint Error, byte[] Data, IReadOnlyList<Message> Messages)
{
    /// <summary>What block status tells, by context.</summary>
    public Dictionary<uint, List<(uint Length, uint Flags)>> Extents =>
        Messages.Where(message => message.Type == ChunkKind.BlockStatus).ToDictionary(
        message => Wire.ToU32(message.Payload),
        message => message.Payload.Skip(4).Chunk(8).Select(bytes => (Wire.ToU32(bytes), Wire.ToU32(bytes.AsSpan(4)))).ToList());
}

/// <summary>
/// A client that sends and receives any bytes, right or wrong, and waits at most <see cref="Patience"/>. One thread may send while another
/// receives.
/// </summary>
internal sealed class RawClient : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<ulong, (int Command, ulong Offset, uint Length)> _asked = [];
    private ulong _cookie = 0xC00C1E0000000000;

    public RawClient(EndPoint endPoint)
    {
        Socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint.AddressFamily == AddressFamily.Unix
            ? ProtocolType.Unspecified : ProtocolType.Tcp)
        {
            ReceiveTimeout = (int)Patience.TotalMilliseconds,
            SendTimeout = (int)Patience.TotalMilliseconds,
        };
        Socket.Connect(endPoint);
        Stream = new NetworkStream(Socket, ownsSocket: true);
    }

    public Socket Socket { get; }

    public Stream Stream { get; private set; }

    public ulong Size { get; private set; }

    public int Flags { get; private set; }

    public bool Structured { get; private set; }

    /// <summary>Connects and takes the greeting.</summary>
    public static RawClient Greet(EndPoint endPoint, uint flags = 3)
    {
        RawClient client = new(endPoint);
        byte[] greeting = client.Take(18);
        Assert.Equal([.. Wire.U64(Wire.InitMagic), .. Wire.U64(Wire.OptionMagic), .. Wire.U16(3)], greeting);
        client.Send(Wire.U32(flags));
        return client;
    }

    public static RawClient Attach(EndPoint endPoint, string export = "", bool structured = true, params string[] contexts)
    {
        RawClient client = Greet(endPoint);
        client.Go(export, structured, contexts);
        return client;
    }

    public void Go(string export = "", bool structured = true, params string[] contexts)
    {
        if (structured)
            AgreeOnStructuredReplies();
        if (contexts.Length > 0)
            Assert.Equal(OptionAnswer.Ack, Ask(Option.SetMetaContext, Wire.Contexts(export, contexts))[^1].Type);
        List<OptionReplied> replies = Ask(Option.Go, Wire.Info(export));
        Assert.Equal(OptionAnswer.Ack, replies[^1].Type);
        byte[] info = replies.Single(reply => reply.Type == OptionAnswer.Info && Wire.ToU16(reply.Data) == 0).Data;
        (Size, Flags) = (Wire.ToU64(info.AsSpan(2)), Wire.ToU16(info.AsSpan(10)));
    }

    public void AgreeOnStructuredReplies()
    {
        Assert.Equal(OptionAnswer.Ack, Assert.Single(Ask(Option.StructuredReply, [])).Type);
        Structured = true;
    }

    public void Send(params byte[] bytes) => Stream.Write(bytes);

    public byte[] Take(int count)
    {
        byte[] bytes = new byte[count];
        Stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Takes what still comes until the server closes the connection.</summary>
    public byte[] TakeToTheEnd()
    {
        using MemoryStream rest = new();
        byte[] buffer = new byte[4096];
        try
        {
            for (int count = Stream.Read(buffer); count > 0; count = Stream.Read(buffer))
                rest.Write(buffer, 0, count);
        }
        catch (IOException e) when (
            e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown })
        {
            // Closed with something of ours unread.
        }
        return rest.ToArray();
    }

    public void AssertClosed() => Assert.Empty(TakeToTheEnd());

    /// <summary>Sends an option and takes its replies up to the last.</summary>
    public List<OptionReplied> Ask(uint option, byte[] data)
    {
        Send(Wire.Option(option, data));
        List<OptionReplied> replies = [];
        do
            replies.Add(TakeOptionReply());
        while (replies[^1].Type is not OptionAnswer.Ack and < 0x80000000);
        Assert.All(replies, reply => Assert.Equal(option, reply.Option));
        return replies;
    }

    public OptionReplied TakeOptionReply()
    {
        byte[] header = Take(20);
        Assert.Equal(Wire.OptionReplyMagic, Wire.ToU64(header));
        return new OptionReplied(Wire.ToU32(header.AsSpan(8)), Wire.ToU32(header.AsSpan(12)), Take((int)Wire.ToU32(header.AsSpan(16))));
    }

    public void Encrypt(SslClientAuthenticationOptions options)
    {
        Assert.Equal(OptionAnswer.Ack, Assert.Single(Ask(Option.StartTls, [])).Type);
        SslStream encrypted = new(Stream);
        Stream = encrypted;
        encrypted.AuthenticateAsClient(options);
    }

    /// <summary>Sends a request without waiting for its reply.</summary>
    public ulong Request(int command, ulong offset, uint length, int flags = 0, byte[]? payload = null)
    {
        ulong cookie = _cookie++;
        _asked[cookie] = (command, offset, length);
        Send(Wire.Request(command, flags, cookie, offset, length));
        if (payload is not null)
            Send(payload);
        return cookie;
    }

    /// <summary>Sends the same request many times over, all in one piece with what goes before.</summary>
    public ulong[] RequestMany(int count, int command, ulong offset, uint length, params byte[] before)
    {
        ulong[] cookies = [.. Enumerable.Range(0, count).Select(_ => _cookie++)];
        foreach (ulong cookie in cookies)
            _asked[cookie] = (command, offset, length);
        Send([.. before, .. cookies.SelectMany(cookie => Wire.Request(command, 0, cookie, offset, length))]);
        return cookies;
    }

    /// <summary>Takes a simple reply, or one chunk of a structured one.</summary>
    public Message TakeMessage()
    {
        byte[] head = Take(16);
        ulong cookie = Wire.ToU64(head.AsSpan(8));
        Assert.True(_asked.TryGetValue(cookie, out (int Command, ulong Offset, uint Length) asked),
            $"a reply to nothing: cookie {cookie:x}");
        if (Wire.ToU32(head) == Wire.SimpleReplyMagic)
        {
            Assert.False(Structured && asked.Command is Command.Read or Command.BlockStatus,
                "a simple reply where a structured one is due");
            uint error = Wire.ToU32(head.AsSpan(4));
            _asked.TryRemove(cookie, out _);
            return new Message(cookie, false, true, ChunkKind.None, error, asked.Command == Command.Read && error == 0
                ? Take((int)asked.Length) : []);
        }
        Assert.True(Structured, "a structured reply that was not agreed on");
        Assert.Equal(Wire.StructuredReplyMagic, Wire.ToU32(head));
        int flags = Wire.ToU16(head.AsSpan(4));
        Assert.InRange(flags, 0, 1);
        int type = Wire.ToU16(head.AsSpan(6));
        byte[] payload = Take((int)Wire.ToU32(Take(4)));
        if (flags == 1)
            _asked.TryRemove(cookie, out _);
        return new Message(cookie, true, flags == 1, type, type == ChunkKind.Error ? Wire.ToU32(payload) : Errno.None, payload);
    }

    /// <summary>Sends a request and takes all of its reply. The chunks of a read have to cover each requested byte once.</summary>
    public Answer Do(int command, ulong offset, uint length, int flags = 0, byte[]? payload = null)
    {
        ulong cookie = Request(command, offset, length, flags, payload);
        return TakeAnswer(cookie, command, offset, length);
    }

    public Answer TakeAnswer(ulong cookie, int command, ulong offset, uint length)
    {
        List<Message> messages = [];
        do
        {
            messages.Add(TakeMessage());
            Assert.Equal(cookie, messages[^1].Cookie);
        }
        while (!messages[^1].Done);
        uint error = messages[^1].Error;
        bool read = command == Command.Read && error == Errno.None;
        return new Answer(error, read ? Assemble(messages, offset, length) : [], messages);
    }

    public byte[] Read(long offset, int length, int flags = 0)
    {
        Answer answer = Do(Command.Read, (ulong)offset, (uint)length, flags);
        Assert.Equal(Errno.None, answer.Error);
        return answer.Data;
    }

    public void Write(long offset, byte[] data, int flags = 0) =>
        Assert.Equal(Errno.None, Do(Command.Write, (ulong)offset, (uint)data.Length, flags, data).Error);

    public void Trim(long offset, uint length) => Assert.Equal(Errno.None, Do(Command.Trim, (ulong)offset, length).Error);

    public void Disconnect()
    {
        Send(Wire.Request(Command.Disconnect, 0, 0, 0, 0));
        AssertClosed();
    }

    public void Dispose()
    {
        try
        {
            Stream.Dispose();
        }
        catch (IOException)
        {
            // The server has gone and does not take the last bytes.
        }
        Socket.Dispose();
    }

    private static byte[] Assemble(List<Message> messages, ulong offset, uint length)
    {
        if (!messages[0].Structured)
            return messages[0].Payload;
        byte[] data = new byte[length];
        List<(ulong Start, ulong Length)> covered = [];
        foreach (Message message in messages.Where(message => message.Type != ChunkKind.None))
        {
            Assert.True(message.Type is ChunkKind.Data or ChunkKind.Hole, $"chunk of type {message.Type}");
            ulong start = Wire.ToU64(message.Payload);
            int count = message.Type == ChunkKind.Data ? message.Payload.Length - 8 : (int)Wire.ToU32(message.Payload.AsSpan(8));
            Assert.True(count > 0);
            covered.Add((start, (ulong)count));
            if (message.Type == ChunkKind.Data)
                message.Payload.AsSpan(8).CopyTo(data.AsSpan((int)(start - offset)));
            else
                Assert.Equal(12, message.Payload.Length);
        }
        ulong at = offset;
        foreach ((ulong start, ulong count) in covered.Order())
        {
            Assert.Equal(at, start);
            at += count;
        }
        Assert.Equal(offset + length, at);
        return data;
    }
}
