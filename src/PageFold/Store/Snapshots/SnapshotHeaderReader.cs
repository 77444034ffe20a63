using System.Buffers.Binary;
using System.Buffers;
using System.IO.Hashing;
using System.Text;
using PageFold.Compression.Fold;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// Reads the header of a file that may hold anything, in order and in small pieces: its hash covers every byte, of dictionaries only their
/// places are kept. So a header costs what its label and names take, whatever its dictionaries are.
/// </summary>
/// <param name="read">Reads bytes of the file at an offset.</param>
/// <param name="length">Bytes of the header, as its beginning says.</param>
internal sealed class SnapshotHeaderReader(Action<Span<byte>, long> read, int length)
{
    private const int PieceBytes = 64 << 10;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly XxHash3 _hash = new();
    private int _position;

    private int Left => length - SnapshotHeader.HashBytes - _position;

    /// <summary>Reads the header; null, and why, if it is none. A wrong hash counts for more than anything else that is wrong.</summary>
    /// <param name="hash">The hash at its end.</param>
    /// <param name="problem">What is wrong.</param>
    public SnapshotHeader? TryRead(Span<byte> hash, out string? problem)
    {
        SnapshotHeader? header = TryParse(out problem);
        Skip(Left);
        read(hash[..SnapshotHeader.HashBytes], _position);
        if (_hash.GetCurrentHashAsUInt64() == BinaryPrimitives.ReadUInt64LittleEndian(hash))
            return header;
        problem = "the header does not match its hash";
        return null;
    }

    private SnapshotHeader? TryParse(out string? problem)
    {
        Span<byte> start = stackalloc byte[SnapshotHeader.FixedBytes];
        Take(start);
        int pageSize = BinaryPrimitives.ReadInt32LittleEndian(start[16..]);
        int codecCount = BinaryPrimitives.ReadInt32LittleEndian(start[20..]);
        long diskBytes = BinaryPrimitives.ReadInt64LittleEndian(start[24..]);
        long ticks = BinaryPrimitives.ReadInt64LittleEndian(start[32..]);
        int forWrites = BinaryPrimitives.ReadInt32LittleEndian(start[40..]);
        int labelBytes = BinaryPrimitives.ReadInt32LittleEndian(start[44..]);
        problem = pageSize is < FrameArena.MinFrameSize or > FrameArena.MaxFrameSize || !System.Numerics.BitOperations.IsPow2(pageSize)
            ? $"pages of {pageSize} bytes"
            : codecCount is < 1 or > PageWord.MaxCodecs ? $"{codecCount} codecs"
            : diskBytes < 0 ? $"a length of {diskBytes} bytes"
            : ticks < 0 || ticks > DateTime.MaxValue.Ticks ? "a creation time that does not exist"
            : labelBytes is < 0 or > SnapshotOptions.MaxLabelBytes || labelBytes > Left ? $"a label of {labelBytes} bytes"
            : null;
        if (problem is not null)
            return null;
        SnapshotCodecEntry?[] codecs = new SnapshotCodecEntry?[PageWord.MaxCodecs];
        string label;
        try
        {
            label = TakeText(labelBytes);
            for (int i = 0; problem is null && i < codecCount; i++)
                problem = ReadCodec(codecs);
        }
        catch (DecoderFallbackException)
        {
            problem = "a text that is not UTF-8";
            return null;
        }
        if (problem is null && Left != 0)
            problem = $"{Left} bytes too many in the header";
        if (problem is null && (forWrites is < 0 or >= PageWord.MaxCodecs || codecs[forWrites] is null))
            problem = $"codec number {forWrites} for writes";
        return problem is not null ? null : new SnapshotHeader
        {
            PageSize = pageSize,
            Length = diskBytes,
            Label = label,
            Created = new DateTimeOffset(ticks, TimeSpan.Zero),
            CodecForWrites = forWrites,
            Codecs = codecs,
        };
    }

    private string? ReadCodec(SnapshotCodecEntry?[] codecs)
    {
        if (Left < SnapshotHeader.CodecBytes)
            return "a codec is cut off";
        Span<byte> head = stackalloc byte[SnapshotHeader.CodecBytes];
        Take(head);
        int number = head[0];
        int nameBytes = head[1];
        int level = BinaryPrimitives.ReadInt32LittleEndian(head[4..]);
        int dictionaryBytes = BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(head[SnapshotHeader.CodecFlags..]);
        if (number >= PageWord.MaxCodecs || codecs[number] is not null || flags is not (0 or SnapshotHeader.OfLibrary))
            return $"codec number {number}";
        if (dictionaryBytes is < 0 or > SnapshotFormat.MaxDictionaryBytes || nameBytes + dictionaryBytes > Left)
            return $"codec {number} is cut off";
        string name = TakeText(nameBytes);
        // Messages show it: it begins no line of its own and moves no cursor.
        if (name.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return $"codec {number} has no name";
        long offset = _position;
        Span<byte> tables = stackalloc byte[FoldDefinition.HeaderBytes];
        tables.Clear();
        ulong hash = Skip(dictionaryBytes, tables);
        bool isOfLibrary = flags == SnapshotHeader.OfLibrary;
        // Its bytes do not count as trained. So nothing else may claim to be the library's, also where no page uses it.
        if (isOfLibrary && (name != FoldCodec.CodecName || FoldDefinition.HasDictionary(tables)))
            return $"codec {number} with a dictionary that cannot come with the library";
        codecs[number] = new SnapshotCodecEntry(name, level, dictionaryBytes, offset, hash, isOfLibrary);
        return null;
    }

    private string TakeText(int bytes)
    {
        byte[] text = new byte[bytes];
        Take(text);
        return Strict.GetString(text);
    }

    private void Take(Span<byte> target)
    {
        read(target, _position);
        _hash.Append(target);
        _position += target.Length;
    }

    /// <summary>Passes over bytes, which the header's hash covers like all others; returns a hash of them alone.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="start">Receives the first of them.</param>
    private ulong Skip(int count, Span<byte> start = default)
    {
        XxHash3 own = new();
        byte[] piece = ArrayPool<byte>.Shared.Rent(Math.Min(PieceBytes, Math.Max(1, count)));
        try
        {
            for (int left = count; left > 0;)
            {
                Span<byte> part = piece.AsSpan(0, Math.Min(left, piece.Length));
                Take(part);
                own.Append(part);
                if (left == count)
                    part[..Math.Min(part.Length, start.Length)].CopyTo(start);
                left -= part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
        return own.GetCurrentHashAsUInt64();
    }
}
