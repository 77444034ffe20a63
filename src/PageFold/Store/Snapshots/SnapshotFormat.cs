using System.Buffers.Binary;
using System.IO.Hashing;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// A snapshot as a file: header, chunks of records, end mark. Little endian throughout.
/// </summary>
/// <remarks>
/// <code>
/// header   magic 8 │ version 4 │ bytes of the header 4 │ page size 4 │ codecs 4 │ length 8 │ created, ticks of UTC 8 │ codec for writes 4 │
///          bytes of the label 4 │ label │
///          each codec: number 1, bytes of the name 1, flags 2, level 4, bytes of the dictionary 4, name, dictionary │ XXH3 of all that 8
/// chunk    mark 4 │ bytes of the records 4 │ records 4 │ 0 4 │ XXH3 of the records 8 │ records
/// record   page 4 │ kind 1 │ codec 1 │ size - 1, or 0 for a word 2 │ stored bytes, or the word 8
/// end      mark 4 │ 0 4 │ pages 8 │ stored bytes 8 │ chunks 8 │ XXH3 of the header's and all chunks' XXH3 8 │ XXH3 of the end so far 8
/// </code>
/// A codec's flag, 1, says that its dictionary is the definition of tables that came with the library: any version makes the codec from it.
/// Records come in any order, each page at most once. The end mark is the last thing in the file. The hashes detect bytes that are
/// changed, left out, added or moved.
/// </remarks>
internal static class SnapshotFormat
{
    public const uint Version = 1;
    public const int ChunkBytes = 1 << 20;
    public const int ChunkHeaderBytes = 24;
    public const int RecordHeaderBytes = 8;
    public const int EndBytes = 48;
    public const int MaxDictionaryBytes = 16 << 20;

    private const uint ChunkMark = 0x4B4E4843;
    private const uint EndMark = 0x21444E45;

    /// <summary>The first bytes of a file. A transfer that takes it for text changes them.</summary>
    public static ReadOnlySpan<byte> Magic => "PFSNAP\r\n"u8;

    public static void WriteChunkHeader(Span<byte> chunk, int records)
    {
        Span<byte> payload = chunk[ChunkHeaderBytes..];
        BinaryPrimitives.WriteUInt32LittleEndian(chunk, ChunkMark);
        BinaryPrimitives.WriteInt32LittleEndian(chunk[4..], payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(chunk[8..], records);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[12..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(chunk[16..], XxHash3.HashToUInt64(payload));
    }

    /// <summary>Reads a chunk's header; false if it is none.</summary>
    public static bool TryReadChunkHeader(ReadOnlySpan<byte> header, out int length, out int records, out ulong hash)
    {
        length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        records = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        hash = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(header) == ChunkMark && BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) == 0
            && length is > RecordHeaderBytes and <= ChunkBytes - ChunkHeaderBytes && records > 0 && records <= length / RecordHeaderBytes;
    }

    /// <summary>Writes a record around stored bytes that are in their place already; returns the record's length.</summary>
    public static int WriteRecord(Span<byte> record, uint page, in StoredPage form)
    {
        bool isWord = form.Kind == StoredKind.SameFilled;
        BinaryPrimitives.WriteUInt32LittleEndian(record, page);
        record[4] = (byte)form.Kind;
        record[5] = (byte)form.Codec;
        BinaryPrimitives.WriteUInt16LittleEndian(record[6..], (ushort)(isWord ? 0 : form.Size - 1));
        if (!isWord)
            return RecordHeaderBytes + form.Size;
        BinaryPrimitives.WriteUInt64LittleEndian(record[RecordHeaderBytes..], form.Fill);
        return RecordHeaderBytes + sizeof(ulong);
    }

    /// <summary>
    /// Reads the record at a position and goes on behind it; false, and why, if it is none. Its checksum is not computed here.
    /// </summary>
    public static bool TryReadRecord(ReadOnlySpan<byte> payload, ref int position, int pageSize, out uint page, out StoredPage form,
        out ReadOnlySpan<byte> bytes, out string? problem)
    {
        (page, form, problem) = (0, default, null);
        bytes = default;
        ReadOnlySpan<byte> record = payload[position..];
        if (record.Length < RecordHeaderBytes)
        {
            problem = "a record is cut off";
            return false;
        }
        page = BinaryPrimitives.ReadUInt32LittleEndian(record);
        StoredKind kind = (StoredKind)record[4];
        int codec = record[5];
        int size = BinaryPrimitives.ReadUInt16LittleEndian(record[6..]);
        record = record[RecordHeaderBytes..];
        int length = kind == StoredKind.SameFilled ? sizeof(ulong) : size + 1;
        problem = kind switch
        {
            StoredKind.SameFilled when size != 0 || codec != 0 => $"page {page} is one word but has a size or a codec",
            StoredKind.Compressed when codec >= PageWord.MaxCodecs => $"page {page} has codec number {codec}",
            StoredKind.Compressed when length >= pageSize => $"page {page} has {length} compressed bytes",
            StoredKind.Incompressible when length != pageSize || codec != 0 => $"page {page} is raw but has {length} bytes, or a codec",
            StoredKind.SameFilled or StoredKind.Compressed or StoredKind.Incompressible =>
                record.Length < length ? $"page {page} is cut off" : null,
            _ => $"page {page} is of kind {(int)kind}",
        };
        if (problem is not null)
            return false;
        form = kind == StoredKind.SameFilled
            ? new StoredPage(kind, 0, 0, BinaryPrimitives.ReadUInt64LittleEndian(record), 0)
            : new StoredPage(kind, codec, length, 0, 0);
        bytes = kind == StoredKind.SameFilled ? default : record[..length];
        position += RecordHeaderBytes + length;
        return true;
    }

    public static void WriteEnd(Span<byte> end, in SnapshotTotals totals)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(end, EndMark);
        BinaryPrimitives.WriteUInt32LittleEndian(end[4..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(end[8..], totals.Pages);
        BinaryPrimitives.WriteInt64LittleEndian(end[16..], totals.StoredBytes);
        BinaryPrimitives.WriteInt64LittleEndian(end[24..], totals.Chunks);
        BinaryPrimitives.WriteUInt64LittleEndian(end[32..], totals.Hash);
        BinaryPrimitives.WriteUInt64LittleEndian(end[40..], XxHash3.HashToUInt64(end[..40]));
    }

    /// <summary>Reads an end mark; false if it is none.</summary>
    public static bool TryReadEnd(ReadOnlySpan<byte> end, out SnapshotTotals totals)
    {
        totals = new SnapshotTotals(
            BinaryPrimitives.ReadInt64LittleEndian(end[8..]), BinaryPrimitives.ReadInt64LittleEndian(end[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(end[24..]), BinaryPrimitives.ReadUInt64LittleEndian(end[32..]));
        return BinaryPrimitives.ReadUInt32LittleEndian(end) == EndMark && BinaryPrimitives.ReadUInt32LittleEndian(end[4..]) == 0
            && BinaryPrimitives.ReadUInt64LittleEndian(end[40..]) == XxHash3.HashToUInt64(end[..40]);
    }
}

/// <summary>What the end of a snapshot says about all before it.</summary>
/// <param name="Pages">Records.</param>
/// <param name="StoredBytes">Their stored bytes; words count as none.</param>
/// <param name="Chunks">Chunks.</param>
/// <param name="Hash">XXH3 of the header's and all chunks' XXH3.</param>
internal readonly record struct SnapshotTotals(long Pages, long StoredBytes, long Chunks, ulong Hash);
