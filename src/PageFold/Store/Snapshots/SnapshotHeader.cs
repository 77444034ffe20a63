using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using PageFold.Compression;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// The beginning of a snapshot. Dictionaries, which may be large, go from the codecs to the file without a copy, and stay in the file
/// until a codec is made of them.
/// </summary>
internal sealed class SnapshotHeader
{
    /// <summary>Bytes before label and codecs.</summary>
    public const int FixedBytes = 48;

    /// <summary>Bytes of the hash at its end.</summary>
    public const int HashBytes = 8;

    /// <summary>Bytes of a codec before its name.</summary>
    public const int CodecBytes = 12;

    /// <summary>Where in them the flags are.</summary>
    public const int CodecFlags = 2;

    /// <summary>The flag of a codec whose tables came with the library.</summary>
    public const ushort OfLibrary = 1;

    public required int PageSize { get; init; }

    public required long Length { get; init; }

    public required string Label { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required int CodecForWrites { get; init; }

    /// <summary>The codecs by number; null where there is none.</summary>
    public required SnapshotCodecEntry?[] Codecs { get; init; }

    /// <summary>Bytes of the header whose first bytes these are; zero if it is none.</summary>
    public static int ReadLength(ReadOnlySpan<byte> start, out uint version)
    {
        version = 0;
        if (start.Length < FixedBytes || !start.StartsWith(SnapshotFormat.Magic))
            return 0;
        version = BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        const int MaxPerCodec = CodecBytes + byte.MaxValue + SnapshotFormat.MaxDictionaryBytes;
        uint most = FixedBytes + SnapshotOptions.MaxLabelBytes + PageWord.MaxCodecs * (uint)MaxPerCodec + HashBytes;
        return length is >= FixedBytes + HashBytes && length <= most ? (int)length : 0;
    }

    /// <summary>Bytes that a label takes.</summary>
    public static int LabelBytes(string label) => Encoding.UTF8.GetByteCount(label);

    /// <summary>Writes a header, part by part; returns its hash, which is its last part.</summary>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <param name="options">Length and label.</param>
    /// <param name="created">The point in time.</param>
    /// <param name="codecForWrites">The number of the codec for writes.</param>
    /// <param name="codecs">The codecs by number; null where there is none.</param>
    /// <param name="append">Takes each part.</param>
    public static byte[] Write(
        int pageSize, SnapshotOptions options, DateTimeOffset created, int codecForWrites, CodecDescription?[] codecs,
            Action<ReadOnlySpan<byte>> append)
    {
        byte[] label = Encoding.UTF8.GetBytes(options.Label);
        int bytes = FixedBytes + label.Length + HashBytes;
        foreach (CodecDescription? codec in codecs)
            bytes += codec is null ? 0 : CodecBytes + Encoding.UTF8.GetByteCount(codec.Name) + codec.Dictionary.Length;
        byte[] start = new byte[FixedBytes + label.Length];
        SnapshotFormat.Magic.CopyTo(start);
        BinaryPrimitives.WriteUInt32LittleEndian(start.AsSpan(8), SnapshotFormat.Version);
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(12), bytes);
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(16), pageSize);
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(20), codecs.Count(codec => codec is not null));
        BinaryPrimitives.WriteInt64LittleEndian(start.AsSpan(24), options.Length);
        BinaryPrimitives.WriteInt64LittleEndian(start.AsSpan(32), created.UtcTicks);
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(40), codecForWrites);
        BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(44), label.Length);
        label.CopyTo(start, FixedBytes);
        XxHash3 hash = new();
        Put(start);
        for (int number = 0; number < codecs.Length; number++)
        {
            if (codecs[number] is not { } codec)
                continue;
            Put(Head(number, codec));
            Put(codec.Dictionary.Span);
        }
        byte[] end = new byte[HashBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(end, hash.GetCurrentHashAsUInt64());
        append(end);
        return end;

        void Put(ReadOnlySpan<byte> part)
        {
            hash.Append(part);
            append(part);
        }
    }

    /// <summary>What stands before a codec's dictionary.</summary>
    private static byte[] Head(int number, CodecDescription codec)
    {
        byte[] head = new byte[CodecBytes + Encoding.UTF8.GetByteCount(codec.Name)];
        head[0] = (byte)number;
        head[1] = (byte)Encoding.UTF8.GetBytes(codec.Name, head.AsSpan(CodecBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(CodecFlags), codec.IsOfLibrary ? OfLibrary : default);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), codec.Level);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), codec.Dictionary.Length);
        return head;
    }
}

/// <summary>A codec that a snapshot's header names.</summary>
/// <param name="Name">The codec's name.</param>
/// <param name="Level">Its level.</param>
/// <param name="DictionaryBytes">Bytes of its dictionary; zero for none.</param>
/// <param name="DictionaryOffset">Where in the file the dictionary is.</param>
/// <param name="DictionaryHash">XXH3 of the dictionary, as it was when the header was checked.</param>
/// <param name="IsOfLibrary">True if the dictionary came with the library that wrote the snapshot.</param>
internal sealed record SnapshotCodecEntry(
    string Name, int Level, int DictionaryBytes, long DictionaryOffset, ulong DictionaryHash, bool IsOfLibrary)
{
    /// <summary>Bytes of the dictionary, or of tables, that do not come with the library.</summary>
    public int TrainedBytes => IsOfLibrary ? 0 : DictionaryBytes;
}
