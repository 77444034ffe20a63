using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Security;
using System.Text;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>
/// The handshake (fixed newstyle): a client sends options until it has chosen an export. A malformed option gets the protocol's error;
/// bytes that are no option end the connection.
/// </summary>
internal sealed class Negotiation(NbdServerOptions options, ClientStream client, ConnectionMemory memory)
{
    // Enough for any client; more is a client that keeps the handshake open on purpose.
    private const int MaxOptions = 1000;

    private ReceiveBuffer _input = new ReceiveBuffer(memory, client, encrypted: null);
    private Stream _stream = client;
    private bool _noZeroes;
    private bool _structured;
    private MetaContexts _contexts;
    private NbdExport? _contextsFor;
    private bool _isToldToEncrypt;

    /// <summary>The stream to go on with: encrypted, if the client wanted that.</summary>
    public Stream Stream => _stream;

    /// <summary>Where to read on.</summary>
    public ReceiveBuffer Input => _input;

    private bool IsEncrypted => _stream is SslStream;

    private bool NeedsTls => options.Tls is { Required: true } && !IsEncrypted;

    /// <summary>Negotiates; null if the client has given up.</summary>
    /// <exception cref="InvalidDataException">The client does not speak the protocol, or does not encrypt where it must.</exception>
    public async Task<Agreement?> RunAsync()
    {
        Agreement? agreement = await NegotiateAsync();
        if (_isToldToEncrypt && NeedsTls)
            throw new InvalidDataException("the client does not encrypt, and this server serves encrypted connections only");
        return agreement;
    }

    private async Task<Agreement?> NegotiateAsync()
    {
        byte[] greeting = new byte[18];
        BinaryPrimitives.WriteUInt64BigEndian(greeting, NbdConstants.InitMagic);
        BinaryPrimitives.WriteUInt64BigEndian(greeting.AsSpan(8), NbdConstants.OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(greeting.AsSpan(16), (ushort)(HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes));
        await _stream.WriteAsync(greeting);
        byte[]? flags = await ReadAsync(sizeof(uint));
        if (flags is null)
            return null;
        uint client = BinaryPrimitives.ReadUInt32BigEndian(flags);
        if ((client & ~(uint)(HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes)) != 0)
            throw new InvalidDataException($"the client's flags 0x{client:x} are not known");
        _noZeroes = (client & (uint)HandshakeFlags.NoZeroes) != 0;
        for (int i = 0; i < MaxOptions; i++)
        {
            byte[]? header = await ReadAsync(NbdConstants.OptionHeaderLength);
            if (header is null)
                return null;
            if (BinaryPrimitives.ReadUInt64BigEndian(header) != NbdConstants.OptionMagic)
                throw new InvalidDataException("an option does not begin as one");
            NbdOption option = (NbdOption)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(8));
            uint length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12));
            if (length > NbdConstants.MaxOptionLength)
                throw new InvalidDataException($"an option has {length} bytes of data, more than {NbdConstants.MaxOptionLength}");
            byte[]? data = await ReadAsync((int)length);
            if (data is null)
                return null;
            (bool ended, Agreement? agreement) = await AnswerAsync(option, data);
            if (ended)
                return agreement;
        }
        throw new InvalidDataException($"the client has asked for {MaxOptions} options");
    }

    private async Task<(bool Ended, Agreement? Agreement)> AnswerAsync(NbdOption option, byte[] data)
    {
        switch (option)
        {
            case NbdOption.Abort:
                await AckAsync(option);
                return (true, null);
            case NbdOption.StartTls:
                await StartTlsAsync(data);
                return default;
            case NbdOption.ExportName:
                return (true, await AnswerExportNameAsync(data));
            case var _ when NeedsTls:
                _isToldToEncrypt = true;
                await RefuseAsync(option, OptionReply.ErrorTlsRequired, "this server serves encrypted connections only");
                return default;
            case NbdOption.List:
                await AnswerListAsync(data);
                return default;
            case NbdOption.Info or NbdOption.Go:
                Agreement? agreement = await AnswerInfoAsync(option, data);
                return (option == NbdOption.Go && agreement is not null, agreement);
            case NbdOption.StructuredReply:
                bool empty = data.Length == 0;
                _structured |= empty;
                await (empty ? AckAsync(option) : RefuseAsync(option, OptionReply.ErrorInvalid, "this option takes no data"));
                return default;
            case NbdOption.ListMetaContext or NbdOption.SetMetaContext:
                await AnswerContextsAsync(option, data);
                return default;
            default:
                await RefuseAsync(option, OptionReply.ErrorUnsupported, "this option is not known");
                return default;
        }
    }

    private async Task StartTlsAsync(byte[] data)
    {
        if (data.Length > 0 || IsEncrypted)
        {
            await RefuseAsync(NbdOption.StartTls, OptionReply.ErrorInvalid, IsEncrypted ? "the connection is encrypted already"
                : "this option takes no data");
            return;
        }
        if (options.Tls is not { } tls)
        {
            await RefuseAsync(NbdOption.StartTls, OptionReply.ErrorPolicy, "this server has no certificate");
            return;
        }
        // What lies behind the request in clear text would later be taken for something that came encrypted.
        if (_input.TryRead(out ReadResult early) && !early.Buffer.IsEmpty)
            throw new InvalidDataException("the client has sent more before it began to encrypt");
        await AckAsync(NbdOption.StartTls);
        await _input.CompleteAsync();
        SslStream encrypted = new(_stream, leaveInnerStreamOpen: false);
        _stream = encrypted;
        await encrypted.AuthenticateAsServerAsync(tls.Options);
        _input = new ReceiveBuffer(memory, client, encrypted);
        // What was agreed on in clear text may come from an attacker between the two ends.
        _structured = false;
        _contexts = MetaContexts.None;
        _contextsFor = null;
    }

    private async Task<Agreement?> AnswerExportNameAsync(byte[] data)
    {
        // This option knows no error replies.
        if (NeedsTls)
            throw new InvalidDataException("the client does not encrypt");
        if (!OptionData.TryParseName(data, out string name) || Find(name) is not { } export)
            throw new InvalidDataException("the client asks for an export that is not there");
        byte[] reply = new byte[sizeof(ulong) + sizeof(ushort) + (_noZeroes ? 0 : NbdConstants.ExportNamePadding)];
        BinaryPrimitives.WriteUInt64BigEndian(reply, (ulong)export.Disk.Length);
        BinaryPrimitives.WriteUInt16BigEndian(reply.AsSpan(8), (ushort)Agreement.FlagsFor(export, _structured));
        await _stream.WriteAsync(reply);
        return Agree(export);
    }

    private async Task AnswerListAsync(byte[] data)
    {
        if (data.Length > 0)
        {
            await RefuseAsync(NbdOption.List, OptionReply.ErrorInvalid, "this option takes no data");
            return;
        }
        foreach (NbdExport export in options.Exports)
        {
            byte[] name = Encoding.UTF8.GetBytes(export.Name);
            await ReplyAsync(NbdOption.List, OptionReply.Server,
                [.. BigEndian((uint)name.Length), .. name, .. Encoding.UTF8.GetBytes(export.Description)]);
        }
        await AckAsync(NbdOption.List);
    }

    private async Task<Agreement?> AnswerInfoAsync(NbdOption option, byte[] data)
    {
        if (!OptionData.TryParseInfo(data, out string name, out InfoRequests requests))
        {
            await RefuseAsync(option, OptionReply.ErrorInvalid, "the data of this option is malformed");
            return null;
        }
        if (Find(name) is not { } export)
        {
            await RefuseAsync(option, OptionReply.ErrorUnknown, "there is no export of this name");
            return null;
        }
        byte[] info = [0, (byte)InfoType.Export, .. BigEndian((ulong)export.Disk.Length),
            .. BigEndian((ushort)Agreement.FlagsFor(export, _structured))];
        await ReplyAsync(option, OptionReply.Info, info);
        if ((requests & InfoRequests.Name) != 0)
            await ReplyAsync(option, OptionReply.Info, [0, (byte)InfoType.Name, .. Encoding.UTF8.GetBytes(export.Name)]);
        if ((requests & InfoRequests.Description) != 0 && export.Description.Length > 0)
            await ReplyAsync(option, OptionReply.Info, [0, (byte)InfoType.Description, .. Encoding.UTF8.GetBytes(export.Description)]);
        if ((requests & InfoRequests.BlockSize) != 0)
        {
            byte[] sizes = [0, (byte)InfoType.BlockSize, .. BigEndian(1u), .. BigEndian(Agreement.PreferredBlock(export)),
                .. BigEndian(Agreement.MaxLength)];
            await ReplyAsync(option, OptionReply.Info, sizes);
        }
        await AckAsync(option);
        return Agree(export);
    }

    private async Task AnswerContextsAsync(NbdOption option, byte[] data)
    {
        bool setting = option == NbdOption.SetMetaContext;
        if (setting)
            (_contexts, _contextsFor) = (MetaContexts.None, null);
        if (setting && !_structured)
        {
            await RefuseAsync(option, OptionReply.ErrorInvalid, "structured replies have to be agreed on first");
            return;
        }
        if (!OptionData.TryParseContexts(data, out string name, out List<string> queries))
        {
            await RefuseAsync(option, OptionReply.ErrorInvalid, "the data of this option is malformed");
            return;
        }
        if (Find(name) is not { } export)
        {
            await RefuseAsync(option, OptionReply.ErrorUnknown, "there is no export of this name");
            return;
        }
        MetaContexts selected = MetaContextNames.Select(queries, listing: !setting);
        foreach ((MetaContexts context, string contextName) in MetaContextNames.All)
        {
            // A number that blocks are told by is one that was agreed on; a list has none.
            if ((selected & context) != 0)
                await ReplyAsync(option, OptionReply.MetaContext,
                    [.. BigEndian(setting ? (uint)context : 0), .. Encoding.ASCII.GetBytes(contextName)]);
        }
        if (setting)
            (_contexts, _contextsFor) = (selected, export);
        await AckAsync(option);
    }

    // Contexts were agreed on for one export; another has none.
    private Agreement Agree(NbdExport export) => new(export, _structured, _contextsFor == export ? _contexts : MetaContexts.None);

    private NbdExport? Find(string name) => options.Exports.FirstOrDefault(export => export.Name == name)
        ?? (name.Length == 0 && options.Exports.Count == 1 ? options.Exports[0] : null);

    private Task AckAsync(NbdOption option) => ReplyAsync(option, OptionReply.Ack, []);

    private Task RefuseAsync(NbdOption option, OptionReply error, string reason) =>
        ReplyAsync(option, error, Encoding.UTF8.GetBytes(reason));

    private async Task ReplyAsync(NbdOption option, OptionReply type, byte[] data)
    {
        byte[] reply = new byte[NbdConstants.OptionReplyHeaderLength + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(reply, NbdConstants.OptionReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(8), (uint)option);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(12), (uint)type);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(16), (uint)data.Length);
        data.CopyTo(reply, NbdConstants.OptionReplyHeaderLength);
        await _stream.WriteAsync(reply);
    }

    /// <summary>Reads exactly so many bytes; null if the client has gone before the first.</summary>
    private async Task<byte[]?> ReadAsync(int length)
    {
        if (length == 0)
            return [];
        ReadResult result = await _input.ReadAtLeastAsync(length);
        if (result.Buffer.Length < length)
        {
            bool none = result.Buffer.IsEmpty;
            _input.AdvanceTo(result.Buffer.End);
            return none ? null : throw new InvalidDataException("the client went away in the middle of an option");
        }
        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, length);
        byte[] bytes = taken.ToArray();
        _input.AdvanceTo(taken.End);
        return bytes;
    }

    private static byte[] BigEndian(ushort value) => [(byte)(value >> 8), (byte)value];

    private static byte[] BigEndian(uint value) => [.. BigEndian((ushort)(value >> 16)), .. BigEndian((ushort)value)];

    private static byte[] BigEndian(ulong value) => [.. BigEndian((uint)(value >> 32)), .. BigEndian((uint)value)];
}
