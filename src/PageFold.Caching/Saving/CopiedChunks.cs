using PageFold.Caching.Coding;
using PageFold.Caching.Entries;
using PageFold.Caching.Records;

namespace PageFold.Caching.Saving;

/// <summary>The chunks of an entry that was copied: the stored bytes of one object, or the stream of several behind the key.</summary>
internal ref struct CopiedChunks(EntryHeader header, ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;
    private int _valueLeft = header.ValueLength;

    /// <summary>Bytes of the value that the last chunk has.</summary>
    public int ValueLength { get; private set; }

    /// <summary>The checksum of the last chunk; none if the entry's own covers it.</summary>
    public uint? Checksum { get; private set; }

    /// <summary>True if the end was reached, and all bytes with it.</summary>
    public readonly bool IsAtEnd => _valueLeft == 0 && _left.IsEmpty;

    /// <summary>Tells the next chunk; false at the end, or where the bytes are no chunk.</summary>
    public bool TryNext(out ValueForm form, out ReadOnlySpan<byte> stored)
    {
        form = default;
        stored = default;
        if (_valueLeft == 0)
            return false;
        ValueLength = Math.Min(_valueLeft, Chunks.Length);
        if (!header.Is(EntryForms.InPieces))
        {
            form = header.IsCompressed ? new ValueForm(header.Codec) : ValueForm.Raw;
            stored = _left;
        }
        else
        {
            if (_left.Length < Chunks.HeaderLength)
                return false;
            form = Chunks.ReadHeader(_left, out int length, out uint checksum);
            Checksum = checksum;
            _left = _left[Chunks.HeaderLength..];
            if ((uint)length > (uint)_left.Length)
                return false;
            stored = _left[..length];
        }
        _left = _left[stored.Length..];
        _valueLeft -= ValueLength;
        return true;
    }
}
