using System.Buffers.Binary;
using PageFold.Caching.Coding;

namespace PageFold.Caching.Entries;

/// <summary>The chunks of a value as they are to be stored, in order.</summary>
internal interface IValueChunks
{
    /// <summary>Tells the next chunk, valid until the next call; false at the end.</summary>
    /// <param name="form">Its form, with a reference that the caller gives to the entry, or ends.</param>
    /// <param name="stored">Its bytes.</param>
    public bool TryNext(out ValueForm form, out ReadOnlySpan<byte> stored);
}

/// <summary>Compresses a value chunk by chunk.</summary>
internal ref struct EncodedChunks(ValueCoder coder, ReadOnlySpan<byte> value) : IValueChunks
{
    private ReadOnlySpan<byte> _left = value;

    public bool TryNext(out ValueForm form, out ReadOnlySpan<byte> stored)
    {
        form = default;
        stored = default;
        if (_left.IsEmpty)
            return false;
        int length = Math.Min(Chunks.Length, _left.Length);
        form = coder.Encode(_left[..length], before: 0, out stored);
        _left = _left[length..];
        return true;
    }
}

/// <summary>Chunks that were compressed before, with tables that are there: form, stored length and bytes, one after the other.</summary>
internal ref struct StoredChunks(ValueCoding coding, ReadOnlySpan<byte> chunks) : IValueChunks
{
    /// <summary>Bytes before each chunk.</summary>
    public const int HeaderLength = 1 + sizeof(int);

    private ReadOnlySpan<byte> _left = chunks;

    public static void WriteHeader(Span<byte> destination, ValueForm form, int length)
    {
        destination[0] = form.Number;
        BinaryPrimitives.WriteInt32LittleEndian(destination[1..], length);
    }

    public bool TryNext(out ValueForm form, out ReadOnlySpan<byte> stored)
    {
        form = default;
        stored = default;
        if (_left.IsEmpty)
            return false;
        form = new ValueForm(_left[0]);
        stored = _left.Slice(HeaderLength, BinaryPrimitives.ReadInt32LittleEndian(_left[1..]));
        _left = _left[(HeaderLength + stored.Length)..];
        coding.Versions.AddReference(form);
        return true;
    }
}
