using System.IO.Hashing;
using PageFold.Compression;

namespace PageFold.Store.Snapshots;

/// <summary>Writes preserved pages as a snapshot: see <see cref="SnapshotFormat"/>. A buffer of records is a chunk.</summary>
internal sealed class SnapshotWriter(SnapshotOutput output, int pageSize, SnapshotOptions options, CodecDescription?[] codecs,
    int codecForWrites) : SnapshotTarget(output)
{
    private readonly XxHash3 _hash = new();
    private long _position;
    private long _pages;
    private long _storedBytes;
    private long _chunks;

    public override void Begin(DateTimeOffset created)
    {
        _hash.Append(SnapshotHeader.Write(pageSize, options, created, codecForWrites, codecs, Append));
    }

    public override void Write(RecordBuffer records)
    {
        if (records.Records == 0)
            return;
        Span<byte> chunk = records.Chunk;
        SnapshotFormat.WriteChunkHeader(chunk, records.Records);
        _hash.Append(chunk.Slice(SnapshotFormat.ChunkHeaderBytes - sizeof(ulong), sizeof(ulong)));
        _pages += records.Records;
        _storedBytes += records.StoredBytes;
        _chunks++;
        Append(chunk);
    }

    public override long Complete()
    {
        Span<byte> end = stackalloc byte[SnapshotFormat.EndBytes];
        SnapshotFormat.WriteEnd(end, new SnapshotTotals(_pages, _storedBytes, _chunks, _hash.GetCurrentHashAsUInt64()));
        Append(end);
        return _position;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        Output.Write(_position, bytes);
        _position += bytes.Length;
    }
}
