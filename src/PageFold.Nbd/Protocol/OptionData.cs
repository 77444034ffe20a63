using System.Buffers.Binary;
using System.Text;

namespace PageFold.Nbd.Protocol;

/// <summary>
/// Parses the data of an option of the handshake. The data may hold anything: each step returns whether the bytes follow the protocol, and
/// none reads past the end.
/// </summary>
internal ref struct OptionData(ReadOnlySpan<byte> data)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = data;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public bool TryReadUInt16(out ushort value)
    {
        bool there = BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value);
        if (there)
            _rest = _rest[sizeof(ushort)..];
        return there;
    }

    public bool TryReadUInt32(out uint value)
    {
        bool there = BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value);
        if (there)
            _rest = _rest[sizeof(uint)..];
        return there;
    }

    /// <summary>A string with its length before it.</summary>
    public bool TryReadString(out string value)
    {
        value = string.Empty;
        if (!TryReadUInt32(out uint length) || length > NbdConstants.MaxString || length > _rest.Length
            || !TryDecode(_rest[..(int)length], out value))
            return false;
        _rest = _rest[(int)length..];
        return true;
    }

    /// <summary>The data of EXPORT_NAME: a name and nothing else.</summary>
    public static bool TryParseName(ReadOnlySpan<byte> data, out string name)
    {
        name = string.Empty;
        return data.Length <= NbdConstants.MaxString && TryDecode(data, out name);
    }

    /// <summary>The data of INFO and GO: a name, and what the client would like to be told.</summary>
    public static bool TryParseInfo(ReadOnlySpan<byte> data, out string name, out InfoRequests requests)
    {
        OptionData rest = new(data);
        requests = InfoRequests.None;
        if (!rest.TryReadString(out name) || !rest.TryReadUInt16(out ushort count))
            return false;
        for (int i = 0; i < count; i++)
        {
            if (!rest.TryReadUInt16(out ushort type))
                return false;
            // Types that are not known are passed over.
            requests |= (InfoType)type switch
            {
                InfoType.Name => InfoRequests.Name,
                InfoType.Description => InfoRequests.Description,
                InfoType.BlockSize => InfoRequests.BlockSize,
                _ => InfoRequests.None,
            };
        }
        return rest.IsAtEnd;
    }

    /// <summary>The data of LIST_META_CONTEXT and SET_META_CONTEXT: a name, and queries.</summary>
    public static bool TryParseContexts(ReadOnlySpan<byte> data, out string name, out List<string> queries)
    {
        OptionData rest = new(data);
        queries = [];
        if (!rest.TryReadString(out name) || !rest.TryReadUInt32(out uint count))
            return false;
        for (uint i = 0; i < count; i++)
        {
            if (!rest.TryReadString(out string query))
                return false;
            queries.Add(query);
        }
        return rest.IsAtEnd;
    }

    private static bool TryDecode(ReadOnlySpan<byte> bytes, out string value)
    {
        value = string.Empty;
        try
        {
            value = Strict.GetString(bytes);
            return !value.Contains('\0', StringComparison.Ordinal);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}

/// <summary>What a client asks to be told of an export.</summary>
[Flags]
internal enum InfoRequests
{
    None = 0,
    Name = 1,
    Description = 2,
    BlockSize = 4,
}
