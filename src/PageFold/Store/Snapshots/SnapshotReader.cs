using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using PageFold.Interop;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// Reads a snapshot from a file that may hold anything: see <see cref="SnapshotFormat"/>. Header and end mark are checked when it is
/// opened, each chunk before it is given out, and the whole when the last has been. Used by one thread at a time.
/// </summary>
internal sealed class SnapshotReader : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly long _length;
    private readonly XxHash3 _hash = new();
    private readonly byte[] _headerHash = new byte[SnapshotHeader.HashBytes];
    private int _headerBytes;
    private long _position;
    private long _chunks;

    private SnapshotReader(SafeFileHandle file, string path)
    {
        _file = file;
        _path = path;
        _length = RandomAccess.GetLength(file);
        Header = ReadHeader();
        Totals = ReadEnd();
    }

    /// <summary>The file's path.</summary>
    public string Path => _path;

    public SnapshotHeader Header { get; }

    /// <summary>What the end mark says; whether it is true is known when the last chunk has been read.</summary>
    public SnapshotTotals Totals { get; }

    public SnapshotInfo Info => new()
    {
        PageSize = Header.PageSize,
        Length = Header.Length,
        Label = Header.Label,
        Created = Header.Created,
        Pages = Totals.Pages,
        StoredBytes = Totals.StoredBytes,
        FileBytes = _length,
        Codecs = [.. Header.Codecs.Select((codec, number) => codec is null ? null
            : new SnapshotCodec
            {
                Name = codec.Name,
                Level = codec.Level,
                DictionaryBytes = codec.TrainedBytes,
                IsForWrites = number == Header.CodecForWrites,
            }).OfType<SnapshotCodec>()],
    };

    /// <param name="path">The file.</param>
    /// <exception cref="SnapshotException">The file is no snapshot, or damaged.</exception>
    public static SnapshotReader Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string target = ResolvedFile.Of(path);
        // Looked at first, since opening a pipe waits and a device has no length.
        if (Directory.Exists(target) || FileSystem.Identify(target) is { IsRegular: false })
            SnapshotThrow.NotAFile(target);
        const FileShare Share = FileShare.Read | FileShare.Delete;
        SafeFileHandle? file = File.OpenHandle(target, FileMode.Open, FileAccess.Read, Share, FileOptions.SequentialScan);
        try
        {
            SnapshotReader reader = new(file, path);
            file = null;
            return reader;
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>
    /// Reads the next chunk and checks it against its hash; false after the last, when all of them have been checked against the end mark.
    /// </summary>
    /// <param name="buffer">
    /// Receives the chunk's records, if they fit. Otherwise they are checked in pieces, and to be read again with <see cref="Read"/>.
    /// </param>
    /// <param name="chunk">What was read.</param>
    public bool TryReadChunk(Span<byte> buffer, out SnapshotChunk chunk)
    {
        chunk = default;
        long offset = _position;
        long left = _length - SnapshotFormat.EndBytes - offset;
        if (left == 0)
        {
            if (_chunks != Totals.Chunks || _hash.GetCurrentHashAsUInt64() != Totals.Hash)
                Damaged(offset, "the end mark is that of other chunks");
            return false;
        }
        if (left < SnapshotFormat.ChunkHeaderBytes)
            Damaged(offset, "a chunk is cut off");
        Span<byte> header = stackalloc byte[SnapshotFormat.ChunkHeaderBytes];
        Read(header, offset);
        if (!SnapshotFormat.TryReadChunkHeader(header, out int length, out int records, out ulong hash))
            Damaged(offset, "no chunk begins here");
        if (length > left - SnapshotFormat.ChunkHeaderBytes)
            Damaged(offset, "a chunk is cut off");
        if (HashOf(offset + SnapshotFormat.ChunkHeaderBytes, length, buffer) != hash)
            Damaged(offset, "a chunk does not match its hash");
        _hash.Append(header[^sizeof(ulong)..]);
        _chunks++;
        _position = offset + SnapshotFormat.ChunkHeaderBytes + length;
        chunk = new SnapshotChunk(offset + SnapshotFormat.ChunkHeaderBytes, length, records, hash);
        return true;
    }

    /// <summary>Goes back to the first chunk.</summary>
    public void Rewind()
    {
        _hash.Reset();
        _hash.Append(_headerHash);
        _position = _headerBytes;
        _chunks = 0;
    }

    [DoesNotReturn]
    public void Damaged(long offset, string problem) => SnapshotThrow.SnapshotIsDamaged(_path, offset, problem);

    /// <summary>Reads a codec's dictionary, of which there are as many bytes as the target has.</summary>
    public void ReadDictionary(SnapshotCodecEntry codec, Span<byte> target)
    {
        Read(target, codec.DictionaryOffset);
        // The header's hash was checked when the file was opened, over what was there then.
        if (XxHash3.HashToUInt64(target) != codec.DictionaryHash)
            Damaged(codec.DictionaryOffset, "a dictionary has changed while the file was read");
    }

    /// <summary>Reads bytes of the file, which are whatever they are now.</summary>
    public void Read(Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            int read = RandomAccess.Read(_file, target, offset);
            if (read == 0)
                Damaged(offset, "the file has become shorter");
            target = target[read..];
            offset += read;
        }
    }

    public void Dispose() => _file.Dispose();

    private SnapshotHeader ReadHeader()
    {
        Span<byte> start = stackalloc byte[SnapshotHeader.FixedBytes];
        if (_length < start.Length)
            SnapshotThrow.NotASnapshot(_path);
        Read(start, 0);
        int length = SnapshotHeader.ReadLength(start, out uint version);
        if (version != SnapshotFormat.Version && version != 0)
            SnapshotThrow.SnapshotOfOtherVersion(_path, version, SnapshotFormat.Version);
        if (length == 0)
            SnapshotThrow.NotASnapshot(_path);
        // Looked at before memory is taken for it.
        if (length > _length - SnapshotFormat.EndBytes)
            Damaged(0, "the header is cut off");
        Span<byte> hash = stackalloc byte[SnapshotHeader.HashBytes];
        if (new SnapshotHeaderReader(Read, length).TryRead(hash, out string? problem) is not { } parsed)
        {
            Damaged(0, problem!);
            return null;
        }
        hash.CopyTo(_headerHash);
        _headerBytes = length;
        Rewind();
        return parsed;
    }

    private SnapshotTotals ReadEnd()
    {
        Span<byte> end = stackalloc byte[SnapshotFormat.EndBytes];
        Read(end, _length - end.Length);
        if (!SnapshotFormat.TryReadEnd(end, out SnapshotTotals totals) || totals.Pages is < 0 or > PageIndex.MaxPage + 1)
            Damaged(_length - end.Length, "there is no end mark; the file is cut off, or something follows");
        return totals;
    }

    private ulong HashOf(long offset, int length, Span<byte> buffer)
    {
        if (length <= buffer.Length)
        {
            Read(buffer[..length], offset);
            return XxHash3.HashToUInt64(buffer[..length]);
        }
        XxHash3 hash = new();
        for (int done = 0; done < length;)
        {
            Span<byte> piece = buffer[..Math.Min(buffer.Length, length - done)];
            Read(piece, offset + done);
            hash.Append(piece);
            done += piece.Length;
        }
        return hash.GetCurrentHashAsUInt64();
    }
}

/// <summary>A chunk of a snapshot that was checked.</summary>
/// <param name="Offset">Where its records begin in the file.</param>
/// <param name="Length">Bytes of its records.</param>
/// <param name="Records">Records.</param>
/// <param name="Hash">Their XXH3.</param>
internal readonly record struct SnapshotChunk(long Offset, int Length, int Records, ulong Hash);
