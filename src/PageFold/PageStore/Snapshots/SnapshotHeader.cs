using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using PageFold.Compression;

namespace PageFold.Store;

/// <summary>The beginning of a snapshot, as bytes and back.</summary>
internal sealed class SnapshotHeader
{
    /// <summary>Bytes before label and codecs.</summary>
    public const int FixedBytes = 48;

    /// <summary>Bytes of the hash at its end.</summary>
    public const int HashBytes = 8;

    private const int CodecBytes = 12;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public required int PageSize { get; init; }

    public required long Length { get; init; }

    public required string Label { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required int CodecForWrites { get; init; }

    /// <summary>The codecs by number; null where there is none.</summary>
    public required CodecDescription?[] Codecs { get; init; }

    /// <summary>Bytes of the header whose first bytes these are; zero if it is none.</summary>
    public static int ReadLength(ReadOnlySpan<byte> start, out uint version)
    {
        version = 0;
        if (start.Length < FixedBytes || !start.StartsWith(SnapshotFormat.Magic))
            return 0;
        version = BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        uint most = FixedBytes + SnapshotOptions.MaxLabelBytes + CodecTable.Most * (uint)(CodecBytes + byte.MaxValue + SnapshotFormat.MaxDictionaryBytes) + HashBytes;
        return length is >= FixedBytes + HashBytes && length <= most ? (int)length : 0;
    }

    /// <summary>Reads a header whose length is known; null, and why, if it is none.</summary>
    public static SnapshotHeader? TryParse(ReadOnlySpan<byte> header, out string? problem)
    {
        problem = null;
        if (XxHash3.HashToUInt64(header[..^HashBytes]) != BinaryPrimitives.ReadUInt64LittleEndian(header[^HashBytes..]))
            problem = "the header does not match its hash";
        int pageSize = BinaryPrimitives.ReadInt32LittleEndian(header[16..]);
        int codecCount = BinaryPrimitives.ReadInt32LittleEndian(header[20..]);
        long length = BinaryPrimitives.ReadInt64LittleEndian(header[24..]);
        long ticks = BinaryPrimitives.ReadInt64LittleEndian(header[32..]);
        int forWrites = BinaryPrimitives.ReadInt32LittleEndian(header[40..]);
        int labelBytes = BinaryPrimitives.ReadInt32LittleEndian(header[44..]);
        ReadOnlySpan<byte> rest = header[FixedBytes..^HashBytes];
        if (pageSize is < FrameArena.MinFrameSize or > FrameArena.MaxFrameSize || !System.Numerics.BitOperations.IsPow2(pageSize))
            problem ??= $"pages of {pageSize} bytes";
        if (codecCount is < 1 or > CodecTable.Most)
            problem ??= $"{codecCount} codecs";
        if (length < 0)
            problem ??= $"a length of {length} bytes";
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks)
            problem ??= "a creation time that does not exist";
        if (labelBytes is < 0 or > SnapshotOptions.MaxLabelBytes || labelBytes > rest.Length)
            problem ??= $"a label of {labelBytes} bytes";
        if (problem is not null)
            return null;
        CodecDescription?[] codecs = new CodecDescription?[CodecTable.Most];
        string label;
        try
        {
            label = Strict.GetString(rest[..labelBytes]);
            rest = rest[labelBytes..];
            for (int i = 0; i < codecCount; i++)
                problem ??= ReadCodec(ref rest, codecs);
        }
        catch (DecoderFallbackException)
        {
            problem = "a text that is not UTF-8";
            return null;
        }
        if (problem is null && !rest.IsEmpty)
            problem = $"{rest.Length} bytes too many in the header";
        if (problem is null && (forWrites is < 0 or >= CodecTable.Most || codecs[forWrites] is null))
            problem = $"codec number {forWrites} for writes";
        if (problem is not null)
            return null;
        return new SnapshotHeader
        {
            PageSize = pageSize,
            Length = length,
            Label = label,
            Created = new DateTimeOffset(ticks, TimeSpan.Zero),
            CodecForWrites = forWrites,
            Codecs = codecs,
        };
    }

    /// <summary>Bytes that a label takes.</summary>
    public static int LabelBytes(string label) => Encoding.UTF8.GetByteCount(label);

    public byte[] ToBytes()
    {
        byte[] label = Encoding.UTF8.GetBytes(Label);
        int bytes = FixedBytes + label.Length + HashBytes;
        foreach (CodecDescription? codec in Codecs)
            bytes += codec is null ? 0 : CodecBytes + Encoding.UTF8.GetByteCount(codec.Name) + codec.Dictionary.Length;
        byte[] header = new byte[bytes];
        SnapshotFormat.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), SnapshotFormat.Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), bytes);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(16), PageSize);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(20), Codecs.Count(codec => codec is not null));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), Length);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(32), Created.UtcTicks);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(40), CodecForWrites);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(44), label.Length);
        label.CopyTo(header, FixedBytes);
        Span<byte> rest = header.AsSpan(FixedBytes + label.Length);
        for (int number = 0; number < Codecs.Length; number++)
        {
            if (Codecs[number] is { } codec)
                WriteCodec(ref rest, number, codec);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(rest, XxHash3.HashToUInt64(header.AsSpan(0, bytes - HashBytes)));
        return header;
    }

    private static void WriteCodec(ref Span<byte> target, int number, CodecDescription codec)
    {
        int nameBytes = Encoding.UTF8.GetBytes(codec.Name, target[CodecBytes..]);
        target[0] = (byte)number;
        target[1] = (byte)nameBytes;
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], codec.Level);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], codec.Dictionary.Length);
        target = target[(CodecBytes + nameBytes)..];
        codec.Dictionary.Span.CopyTo(target);
        target = target[codec.Dictionary.Length..];
    }

    private static string? ReadCodec(ref ReadOnlySpan<byte> source, CodecDescription?[] codecs)
    {
        if (source.Length < CodecBytes)
            return "a codec is cut off";
        int number = source[0];
        int nameBytes = source[1];
        int reserved = BinaryPrimitives.ReadUInt16LittleEndian(source[2..]);
        int level = BinaryPrimitives.ReadInt32LittleEndian(source[4..]);
        int dictionaryBytes = BinaryPrimitives.ReadInt32LittleEndian(source[8..]);
        source = source[CodecBytes..];
        if (number >= CodecTable.Most || codecs[number] is not null || reserved != 0)
            return $"codec number {number}";
        if (dictionaryBytes is < 0 or > SnapshotFormat.MaxDictionaryBytes || nameBytes + dictionaryBytes > source.Length)
            return $"codec {number} is cut off";
        codecs[number] = new CodecDescription(Strict.GetString(source[..nameBytes]), level, source.Slice(nameBytes, dictionaryBytes).ToArray());
        source = source[(nameBytes + dictionaryBytes)..];
        return null;
    }
}
