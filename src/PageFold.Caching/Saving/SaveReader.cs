using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;

namespace PageFold.Caching.Saving;

/// <summary>
/// Reads the stream of records from a file that may hold anything (<see cref="SaveFormat"/>): bytes of a block are given out after its
/// checksum was checked, and the end mark is checked when it is reached. Used by one thread.
/// </summary>
internal sealed class SaveReader
{
    private readonly Stream _stream;
    private readonly string _name;
    private readonly long _start;
    private readonly byte[] _block = new byte[SaveFormat.BlockBytes];
    private readonly XxHash3 _hash = new();
    private readonly ulong _headerHash;
    private long _offset;
    private long _blocks;
    private int _length;
    private int _position;

    /// <param name="stream">A stream that can be read and seeked; the saved cache begins at its position and ends with it.</param>
    /// <param name="name">What messages call it.</param>
    public SaveReader(Stream stream, string name)
    {
        (_stream, _name, _start) = (stream, name, stream.Position);
        Span<byte> header = stackalloc byte[SaveFormat.HeaderBytes];
        int read = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (read < SaveFormat.Magic.Length || !header.StartsWith(SaveFormat.Magic))
            SaveThrow.NotASavedCache(name);
        if (read < header.Length)
            Damaged("the header is cut off");
        if (SaveFormat.VersionOf(header) != SaveFormat.Version)
            SaveThrow.OtherVersion(name, SaveFormat.VersionOf(header));
        if (!SaveFormat.TryReadHeader(header, out DateTime time, out _headerHash))
            Damaged("the header has changed");
        Time = time;
        Rewind();
    }

    /// <summary>When it was saved.</summary>
    public DateTime Time { get; }

    /// <summary>What the end mark says, after the end was reached.</summary>
    public SaveTotals Totals { get; private set; }

    /// <summary>Goes back to the first record.</summary>
    public void Rewind()
    {
        _offset = SaveFormat.HeaderBytes;
        _stream.Position = _start + _offset;
        (_blocks, _length, _position) = (0, 0, 0);
        _hash.Reset();
        Append(_headerHash);
    }

    /// <summary>Reads the kind of the next record; false at the end.</summary>
    public bool TryReadKind(out byte kind)
    {
        kind = 0;
        if (_position == _length && !TryNextBlock())
            return false;
        kind = _block[_position++];
        return true;
    }

    public byte ReadByte()
    {
        byte value = 0;
        Read(new Span<byte>(ref value));
        return value;
    }

    public ushort ReadUInt16()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        Read(bytes);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    public int ReadInt32()
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        Read(bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    public long ReadInt64()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        Read(bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes);
    }

    public void Read(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            ReadOnlySpan<byte> part = Next(destination.Length);
            part.CopyTo(destination);
            destination = destination[part.Length..];
        }
    }

    public void Skip(int bytes)
    {
        while (bytes > 0)
            bytes -= Next(bytes).Length;
    }

    [DoesNotReturn]
    public void Damaged(string problem) => SaveThrow.Damaged(_name, _offset - _length + _position, problem);

    private ReadOnlySpan<byte> Next(int most)
    {
        if (_position == _length && !TryNextBlock())
            Damaged("a record is cut off");
        ReadOnlySpan<byte> part = _block.AsSpan(_position, Math.Min(most, _length - _position));
        _position += part.Length;
        return part;
    }

    /// <summary>Reads and checks the next block; false at the end, which is checked too.</summary>
    private bool TryNextBlock()
    {
        (_length, _position) = (0, 0);
        Span<byte> header = stackalloc byte[SaveFormat.EndBytes];
        ReadStored(header[..SaveFormat.BlockHeaderBytes]);
        if (!SaveFormat.TryReadBlockHeader(header, out int length, out ulong hash))
        {
            ReadStored(header[SaveFormat.BlockHeaderBytes..]);
            CheckEnd(header);
            return false;
        }
        ReadStored(_block.AsSpan(0, length));
        if (XxHash3.HashToUInt64(_block.AsSpan(0, length), _blocks) != hash)
            Damaged("a block has changed");
        Append(hash);
        _blocks++;
        _offset += SaveFormat.BlockHeaderBytes + length;
        _length = length;
        return true;
    }

    private void CheckEnd(ReadOnlySpan<byte> end)
    {
        if (!SaveFormat.TryReadEnd(end, out SaveTotals totals))
            Damaged("there is neither a block nor an end mark");
        if (totals.Blocks != _blocks || totals.Hash != _hash.GetCurrentHashAsUInt64())
            Damaged("the end mark is that of other blocks");
        if (_stream.ReadByte() >= 0)
            Damaged("something follows the end mark");
        Totals = totals;
    }

    private void ReadStored(Span<byte> destination)
    {
        if (_stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false) < destination.Length)
            Damaged("it is cut off");
    }

    private void Append(ulong hash)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, hash);
        _hash.Append(bytes);
    }
}
