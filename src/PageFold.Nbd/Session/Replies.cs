using System.Buffers.Binary;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>The forms of replies, written into memory that the caller has reserved.</summary>
internal static class Replies
{
    public const int DataChunkOverhead = NbdConstants.ChunkHeaderLength + sizeof(ulong);
    public const int HoleChunkLength = DataChunkOverhead + sizeof(uint);
    public const int ErrorChunkLength = NbdConstants.ChunkHeaderLength + sizeof(uint) + sizeof(ushort);

    public static int Simple(Span<byte> reply, ulong cookie, NbdError error)
    {
        BinaryPrimitives.WriteUInt32BigEndian(reply, NbdConstants.SimpleReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(reply[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(reply[8..], cookie);
        return NbdConstants.SimpleReplyLength;
    }

    public static int Chunk(Span<byte> reply, ulong cookie, ChunkType type, bool done, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(reply, NbdConstants.StructuredReplyMagic);
        BinaryPrimitives.WriteUInt16BigEndian(reply[4..], (ushort)(done ? ChunkFlags.Done : ChunkFlags.None));
        BinaryPrimitives.WriteUInt16BigEndian(reply[6..], (ushort)type);
        BinaryPrimitives.WriteUInt64BigEndian(reply[8..], cookie);
        BinaryPrimitives.WriteUInt32BigEndian(reply[16..], (uint)length);
        return NbdConstants.ChunkHeaderLength;
    }

    /// <summary>The head of a chunk of data; the data follows.</summary>
    public static int DataChunk(Span<byte> reply, ulong cookie, bool done, long offset, int count)
    {
        int length = Chunk(reply, cookie, ChunkType.OffsetData, done, sizeof(ulong) + count);
        BinaryPrimitives.WriteUInt64BigEndian(reply[length..], (ulong)offset);
        return DataChunkOverhead;
    }

    public static int HoleChunk(Span<byte> reply, ulong cookie, bool done, long offset, uint count)
    {
        int length = Chunk(reply, cookie, ChunkType.OffsetHole, done, sizeof(ulong) + sizeof(uint));
        BinaryPrimitives.WriteUInt64BigEndian(reply[length..], (ulong)offset);
        BinaryPrimitives.WriteUInt32BigEndian(reply[(length + sizeof(ulong))..], count);
        return HoleChunkLength;
    }

    public static int ErrorChunk(Span<byte> reply, ulong cookie, NbdError error)
    {
        int length = Chunk(reply, cookie, ChunkType.Error, done: true, sizeof(uint) + sizeof(ushort));
        BinaryPrimitives.WriteUInt32BigEndian(reply[length..], (uint)error);
        // No text goes with it.
        BinaryPrimitives.WriteUInt16BigEndian(reply[(length + sizeof(uint))..], 0);
        return ErrorChunkLength;
    }
}
