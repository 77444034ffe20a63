using System.Buffers.Binary;
using System.IO.Hashing;

namespace PageFold.Caching.Saving;

/// <summary>
/// A saved cache: a header, blocks that are a stream of records, and an end mark. Little endian throughout.
/// </summary>
/// <remarks>
/// <code>
/// header   magic 8 │ version 4 │ 0 4 │ saved at, ticks of UTC 8 │ XXH3 of the header so far 8
/// block    mark 4 │ bytes of the stream 4 │ their XXH3, seeded with the block's number 8 │ bytes of the stream
/// end      mark 4 │ 0 4 │ entries 8 │ bytes of keys and values 8 │ blocks 8 │ XXH3 of the hashes of header and blocks 8 │
///          XXH3 of the end so far 8
///
/// tables   1 │ number 1 │ 1 if new values were compressed with them 1 │ bytes 4 │ tables
/// entry    2 │ forms 1 │ state 1 │ tags 1 │ bytes of the key 4 │ bytes of the value 4 │
///          if it expires: ticks of UTC, or if it slides, ticks that were left 8 │ if it slides: interval 2 │
///          if it slides within a time: ticks of UTC 8 │
///          key │ each tag: 1 if wide 1, characters 2, a byte or two for each │ each chunk of the value
/// chunk    form 1 │ stored bytes 4 │ XXH3 of the value's bytes, if they are compressed 8 │ stored bytes
/// </code>
/// <para>
/// Records cross the limits of blocks. A chunk has 64 KiB of a value, the last one the rest. Its form is 0 for bytes as they are, 1 for the
/// built-in tables, or the number of tables that come before the entry. The XXH3 of the value tells at load whether the tables still are
/// those that it was compressed with; the built-in ones may change with the library.
/// </para>
/// <para>The hashes detect bytes that were changed, left out, added or moved. They are no protection against forgery.</para>
/// </remarks>
internal static class SaveFormat
{
    public const uint Version = 1;
    public const int HeaderBytes = 32;
    public const int BlockHeaderBytes = 16;
    public const int EndBytes = 48;

    /// <summary>The most bytes of the stream in a block.</summary>
    public const int BlockBytes = 256 << 10;

    /// <summary>The most bytes of tables.</summary>
    public const int MaxTablesBytes = 1 << 20;

    public const byte TablesRecord = 1;
    public const byte EntryRecord = 2;

    private const uint BlockMark = 0x4B4C4243;
    private const uint EndMark = 0x21444E45;
    private const int HashedHeaderBytes = HeaderBytes - sizeof(ulong);
    private const int HashedEndBytes = EndBytes - sizeof(ulong);

    /// <summary>The first bytes. A transfer that takes the file for text changes them.</summary>
    public static ReadOnlySpan<byte> Magic => "PFCACH\r\n"u8;

    public static ulong WriteHeader(Span<byte> header, DateTimeOffset time)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], time.UtcTicks);
        ulong hash = XxHash3.HashToUInt64(header[..HashedHeaderBytes]);
        BinaryPrimitives.WriteUInt64LittleEndian(header[HashedHeaderBytes..], hash);
        return hash;
    }

    /// <summary>Reads a header that begins with the magic and has this version; false if it is damaged.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> header, out DateTime time, out ulong hash)
    {
        long ticks = BinaryPrimitives.ReadInt64LittleEndian(header[16..]);
        hash = BinaryPrimitives.ReadUInt64LittleEndian(header[HashedHeaderBytes..]);
        bool isWhole = hash == XxHash3.HashToUInt64(header[..HashedHeaderBytes]) && IsTime(ticks);
        time = isWhole ? new DateTime(ticks, DateTimeKind.Utc) : default;
        return isWhole;
    }

    public static uint VersionOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);

    public static bool IsTime(long ticks) => ticks >= 0 && ticks <= DateTime.MaxValue.Ticks;

    public static ulong WriteBlockHeader(Span<byte> header, ReadOnlySpan<byte> bytes, long block)
    {
        ulong hash = XxHash3.HashToUInt64(bytes, block);
        BinaryPrimitives.WriteUInt32LittleEndian(header, BlockMark);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], bytes.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], hash);
        return hash;
    }

    /// <summary>Reads a block's header; false if it is none.</summary>
    public static bool TryReadBlockHeader(ReadOnlySpan<byte> header, out int length, out ulong hash)
    {
        length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        hash = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(header) == BlockMark && length is > 0 and <= BlockBytes;
    }

    public static void WriteEnd(Span<byte> end, in SaveTotals totals)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(end, EndMark);
        BinaryPrimitives.WriteUInt32LittleEndian(end[4..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(end[8..], totals.Entries);
        BinaryPrimitives.WriteInt64LittleEndian(end[16..], totals.ContentBytes);
        BinaryPrimitives.WriteInt64LittleEndian(end[24..], totals.Blocks);
        BinaryPrimitives.WriteUInt64LittleEndian(end[32..], totals.Hash);
        BinaryPrimitives.WriteUInt64LittleEndian(end[HashedEndBytes..], XxHash3.HashToUInt64(end[..HashedEndBytes]));
    }

    /// <summary>Reads an end mark; false if it is none.</summary>
    public static bool TryReadEnd(ReadOnlySpan<byte> end, out SaveTotals totals)
    {
        totals = new SaveTotals(
            BinaryPrimitives.ReadInt64LittleEndian(end[8..]), BinaryPrimitives.ReadInt64LittleEndian(end[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(end[24..]), BinaryPrimitives.ReadUInt64LittleEndian(end[32..]));
        return BinaryPrimitives.ReadUInt32LittleEndian(end) == EndMark && BinaryPrimitives.ReadUInt32LittleEndian(end[4..]) == 0
            && BinaryPrimitives.ReadUInt64LittleEndian(end[HashedEndBytes..]) == XxHash3.HashToUInt64(end[..HashedEndBytes]);
    }
}

/// <summary>What the end of a saved cache says about all before it.</summary>
/// <param name="Entries">Entries.</param>
/// <param name="ContentBytes">Bytes of their keys and values.</param>
/// <param name="Blocks">Blocks.</param>
/// <param name="Hash">XXH3 of the hashes of header and blocks.</param>
internal readonly record struct SaveTotals(long Entries, long ContentBytes, long Blocks, ulong Hash);
