using System.Buffers.Binary;

namespace PageFold.Nbd.Tests;

/// <summary>The protocol's numbers from its specification, written apart from the server's, and their form on the wire.</summary>
internal static class Wire
{
    public const ulong InitMagic = 0x4e42444d41474943;
    public const ulong OptionMagic = 0x49484156454F5054;
    public const ulong OptionReplyMagic = 0x3e889045565a9;
    public const uint RequestMagic = 0x25609513;
    public const uint SimpleReplyMagic = 0x67446698;
    public const uint StructuredReplyMagic = 0x668e33ef;
    public const uint MaxBytes = 32 << 20;

    public static byte[] U16(int value) => [(byte)(value >> 8), (byte)value];

    public static byte[] U32(uint value) => [.. U16((int)(value >> 16)), .. U16((int)value)];

    public static byte[] U64(ulong value) => [.. U32((uint)(value >> 32)), .. U32((uint)value)];

    /// <summary>A string with its length before it.</summary>
    public static byte[] Text(string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        return [.. U32((uint)bytes.Length), .. bytes];
    }

    public static ushort ToU16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16BigEndian(bytes);

    public static uint ToU32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32BigEndian(bytes);

    public static ulong ToU64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64BigEndian(bytes);

    public static byte[] Option(uint option, byte[] data) => [.. U64(OptionMagic), .. U32(option), .. U32((uint)data.Length), .. data];

    /// <summary>The data of INFO and GO.</summary>
    public static byte[] Info(string export, params int[] requests) =>
        [.. Text(export), .. U16(requests.Length), .. requests.SelectMany(U16)];

    /// <summary>The data of LIST_META_CONTEXT and SET_META_CONTEXT.</summary>
    public static byte[] Contexts(string export, params string[] queries) =>
        [.. Text(export), .. U32((uint)queries.Length), .. queries.SelectMany(Text)];

    public static byte[] Request(int command, int flags, ulong cookie, ulong offset, uint length) =>
        [.. U32(RequestMagic), .. U16(flags), .. U16(command), .. U64(cookie), .. U64(offset), .. U32(length)];
}

internal static class Option
{
    public const uint ExportName = 1;
    public const uint Abort = 2;
    public const uint List = 3;
    public const uint StartTls = 5;
    public const uint Info = 6;
    public const uint Go = 7;
    public const uint StructuredReply = 8;
    public const uint ListMetaContext = 9;
    public const uint SetMetaContext = 10;
}

internal static class OptionAnswer
{
    public const uint Ack = 1;
    public const uint Server = 2;
    public const uint Info = 3;
    public const uint MetaContext = 4;
    public const uint Unsupported = 0x80000001;
    public const uint Policy = 0x80000002;
    public const uint Invalid = 0x80000003;
    public const uint TlsRequired = 0x80000005;
    public const uint Unknown = 0x80000006;
}

internal static class Command
{
    public const int Read = 0;
    public const int Write = 1;
    public const int Disconnect = 2;
    public const int Flush = 3;
    public const int Trim = 4;
    public const int Cache = 5;
    public const int WriteZeroes = 6;
    public const int BlockStatus = 7;
}

internal static class Flag
{
    public const int Fua = 1;
    public const int NoHole = 2;
    public const int DontFragment = 4;
    public const int RequestOne = 8;
    public const int FastZero = 16;
}

internal static class Errno
{
    public const uint None = 0;
    public const uint NotPermitted = 1;
    public const uint Invalid = 22;
    public const uint NoSpace = 28;
    public const uint Shutdown = 108;
}

internal static class ChunkKind
{
    public const int None = 0;
    public const int Data = 1;
    public const int Hole = 2;
    public const int BlockStatus = 5;
    public const int Error = 0x8001;
}
