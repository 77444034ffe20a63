using System.Buffers.Binary;
using System.IO.Hashing;

namespace PageFold.Caching.Saving;

/// <summary>Writes a stream of records as blocks with checksums (<see cref="SaveFormat"/>). Used by one thread.</summary>
internal sealed class SaveWriter
{
    private readonly Stream _stream;
    private readonly byte[] _block = new byte[SaveFormat.BlockHeaderBytes + SaveFormat.BlockBytes];
    private readonly XxHash3 _hash = new();
    private int _filled;
    private long _blocks;

    public SaveWriter(Stream stream, DateTimeOffset time)
    {
        _stream = stream;
        Span<byte> header = stackalloc byte[SaveFormat.HeaderBytes];
        Append(SaveFormat.WriteHeader(header, time));
        stream.Write(header);
        FileBytes = header.Length;
    }

    /// <summary>Bytes written so far.</summary>
    public long FileBytes { get; private set; }

    private Span<byte> Room => _block.AsSpan(SaveFormat.BlockHeaderBytes + _filled);

    public void Write(byte value) => Write(new ReadOnlySpan<byte>(in value));

    public void Write(ushort value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        Write(bytes);
    }

    public void Write(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        Write(bytes);
    }

    public void Write(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        Write(bytes);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, Room.Length);
            bytes[..length].CopyTo(Room);
            _filled += length;
            bytes = bytes[length..];
            if (Room.IsEmpty)
                WriteBlock();
        }
    }

    /// <summary>Writes what is left, and the end.</summary>
    public void Complete(long entries, long contentBytes)
    {
        if (_filled > 0)
            WriteBlock();
        Span<byte> end = stackalloc byte[SaveFormat.EndBytes];
        SaveFormat.WriteEnd(end, new SaveTotals(entries, contentBytes, _blocks, _hash.GetCurrentHashAsUInt64()));
        _stream.Write(end);
        FileBytes += end.Length;
        _stream.Flush();
    }

    private void WriteBlock()
    {
        Span<byte> block = _block.AsSpan(0, SaveFormat.BlockHeaderBytes + _filled);
        Append(SaveFormat.WriteBlockHeader(block, block[SaveFormat.BlockHeaderBytes..], _blocks++));
        _stream.Write(block);
        FileBytes += block.Length;
        _filled = 0;
    }

    private void Append(ulong hash)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, hash);
        _hash.Append(bytes);
    }
}
