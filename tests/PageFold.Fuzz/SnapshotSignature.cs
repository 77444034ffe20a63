using System.Buffers.Binary;
using System.IO.Hashing;

namespace PageFold.Fuzz;

/// <summary>
/// Makes the hashes of a changed snapshot right as far as its parts can be told, so that what is behind the hashes is reached: headers,
/// chunks and records that cannot be.
/// </summary>
internal static class SnapshotSignature
{
    private const int HeaderFixed = 48;
    private const int ChunkHeader = 24;
    private const int End = 48;
    private const uint ChunkMark = 0x4B4E4843;

    public static byte[] Sign(byte[] file)
    {
        if (file.Length < HeaderFixed + 8 + End)
            return file;
        int header = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(12)), HeaderFixed + 8, file.Length - End);
        XxHash3 all = new();
        Span<byte> headerHash = file.AsSpan(header - 8, 8);
        BinaryPrimitives.WriteUInt64LittleEndian(headerHash, XxHash3.HashToUInt64(file.AsSpan(0, header - 8)));
        all.Append(headerHash);
        int end = file.Length - End;
        for (int chunk = header; end - chunk >= ChunkHeader && BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(chunk)) == ChunkMark;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(chunk + 4));
            if (length <= 0 || length > end - chunk - ChunkHeader)
                break;
            Span<byte> hash = file.AsSpan(chunk + 16, 8);
            BinaryPrimitives.WriteUInt64LittleEndian(hash, XxHash3.HashToUInt64(file.AsSpan(chunk + ChunkHeader, length)));
            all.Append(hash);
            chunk += ChunkHeader + length;
        }
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(end + 32), all.GetCurrentHashAsUInt64());
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(end + 40), XxHash3.HashToUInt64(file.AsSpan(end, 40)));
        return file;
    }
}
