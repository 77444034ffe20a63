using System.Buffers.Binary;

namespace PageFold.Caching.Records;

/// <summary>What an entry's first byte says.</summary>
[Flags]
internal enum EntryForms : byte
{
    None = 0,

    /// <summary>
    /// The value is compressed, by the codec whose number follows; zero if it is kept decompressed because it is used much.
    /// </summary>
    Compressed = 1,

    /// <summary>The entry has a deadline.</summary>
    Expires = 2,

    /// <summary>Every use sets the deadline anew.</summary>
    Slides = 4,

    /// <summary>The deadline is never set later than another, fixed one.</summary>
    SlidesWithin = 8,

    /// <summary>The entry has tags.</summary>
    Tagged = 16,

    /// <summary>The entry is never evicted.</summary>
    Pinned = 32,

    /// <summary>Key and value lie in pieces, as a stream.</summary>
    InPieces = 64,

    /// <summary>The entry has a stamp of the clock of eviction.</summary>
    Stamped = 128,
}

/// <summary>The beginning of an entry's object, which says what follows.</summary>
/// <remarks>
/// <para>
/// The object: forms (1 byte), number of the codec (1, if compressed), interval (2, if sliding), fixed deadline (4, if sliding within one),
/// tags (their numbers, each a varint of twice the number plus one if another follows), length of key, length of value, and what
/// is left free at the end, as varints; then the key, the stored bytes, and what changes while the entry stays: the deadline (4), the
/// stamp (1), and the locations of pieces (6 bytes each, the last a check). The checksum covers all but these.
/// </para>
/// <para>
/// An entry in pieces has neither key nor stored bytes in its own object. Instead of what is left free, it has the length of its stream.
/// </para>
/// <para>
/// A key of 20 bytes and a compressed value of 400 have a header of 6 bytes.
/// </para>
/// </remarks>
internal struct EntryHeader
{
    /// <summary>The longest header without tags.</summary>
    public const int MaxLengthWithoutTags = MaxFixedLength + 3 * Varint.MaxLength;

    // Forms, codec, interval, fixed deadline: no more than the smallest object has.
    private const int MaxFixedLength = 1 + 1 + 2 + 4;

    public EntryForms Forms;
    public byte Codec;

    /// <summary>The interval by which the deadline slides, as the clock encodes it.</summary>
    public ushort Interval;

    /// <summary>The deadline that a sliding one never passes.</summary>
    public uint FixedDeadline;

    public int KeyLength;
    public int ValueLength;

    /// <summary>Bytes of the object that nothing occupies; or, of an entry in pieces, the length of its stream.</summary>
    public uint Rest;

    // Two bytes for the rest, even if one would do.
    private bool _restIsLong;

    /// <summary>Where the tags begin and how many bytes they have, after reading.</summary>
    public int TagsOffset;
    public int TagsLength;

    /// <summary>Bytes of the header, after reading or writing.</summary>
    public int Length;

    /// <summary>True if the value is compressed.</summary>
    public readonly bool IsCompressed => Is(EntryForms.Compressed) && Codec != 0;

    /// <summary>True if the value would be compressed but for its use.</summary>
    public readonly bool IsHot => Is(EntryForms.Compressed) && Codec == 0;

    public readonly bool Is(EntryForms form) => (Forms & form) != 0;

    /// <summary>Bytes at the end that change while the entry stays, of an entry that is not in pieces.</summary>
    public readonly int TailLength => (Is(EntryForms.Expires) ? sizeof(uint) : 0) + (Is(EntryForms.Stamped) ? 1 : 0);

    /// <summary>Bytes of the stored value in an object of this capacity; negative if the header is damaged.</summary>
    public readonly long StoredLength(int capacity) => (long)capacity - Length - KeyLength - TailLength - Rest;

    /// <summary>Sets what is left free in an object, if the header was written for an object without anything left.</summary>
    /// <remarks>A long one makes the header longer by a byte.</remarks>
    public void SetRest(int free)
    {
        _restIsLong = free >= 0x80;
        Rest = (uint)(_restIsLong ? free - 1 : free);
    }

    /// <summary>Reads the header of an object; false if it is damaged.</summary>
    /// <param name="source">The beginning of the object, as much of it as a header can have.</param>
    /// <param name="header">The header.</param>
    public static bool TryRead(ReadOnlySpan<byte> source, out EntryHeader header)
    {
        header = default;
        if (source.Length < MaxFixedLength)
            return false;
        header.Forms = (EntryForms)source[0];
        int offset = 1;
        if (header.Is(EntryForms.Compressed))
            header.Codec = source[offset++];
        if (header.Is(EntryForms.Slides))
        {
            header.Interval = BinaryPrimitives.ReadUInt16LittleEndian(source[offset..]);
            offset += sizeof(ushort);
        }
        if (header.Is(EntryForms.SlidesWithin))
        {
            header.FixedDeadline = BinaryPrimitives.ReadUInt32LittleEndian(source[offset..]);
            offset += sizeof(uint);
        }
        if (header.Is(EntryForms.Tagged))
        {
            header.TagsOffset = offset;
            uint tag;
            do
            {
                if (!Varint.TryRead(source, ref offset, out tag))
                    return false;
            }
            while ((tag & 1) != 0);
            header.TagsLength = offset - header.TagsOffset;
        }
        if (!Varint.TryRead(source, ref offset, out uint key) || !Varint.TryRead(source, ref offset, out uint value)
            || !Varint.TryRead(source, ref offset, out header.Rest))
            return false;
        header.KeyLength = (int)key;
        header.ValueLength = (int)value;
        header.Length = offset;
        return header.KeyLength >= 0 && header.ValueLength >= 0;
    }

    /// <summary>Writes the header; sets and returns its length.</summary>
    /// <param name="destination">Has room for it.</param>
    /// <param name="tags">The numbers of its tags as they are stored.</param>
    public int Write(Span<byte> destination, ReadOnlySpan<byte> tags)
    {
        destination[0] = (byte)Forms;
        int offset = 1;
        if (Is(EntryForms.Compressed))
            destination[offset++] = Codec;
        if (Is(EntryForms.Slides))
        {
            BinaryPrimitives.WriteUInt16LittleEndian(destination[offset..], Interval);
            offset += sizeof(ushort);
        }
        if (Is(EntryForms.SlidesWithin))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination[offset..], FixedDeadline);
            offset += sizeof(uint);
        }
        (TagsOffset, TagsLength) = (offset, tags.Length);
        tags.CopyTo(destination[offset..]);
        offset += tags.Length;
        offset += Varint.Write(destination[offset..], (uint)KeyLength);
        offset += Varint.Write(destination[offset..], (uint)ValueLength);
        if (_restIsLong)
        {
            destination[offset++] = (byte)(Rest | 0x80);
            destination[offset++] = (byte)(Rest >> 7);
        }
        else
        {
            offset += Varint.Write(destination[offset..], Rest);
        }
        return Length = offset;
    }

    /// <summary>Appends the number of a tag to those of an entry, as they are stored.</summary>
    /// <returns>The bytes of all tags.</returns>
    public static int AppendTag(Span<byte> tags, int length, uint number, bool isLast) =>
        length + Varint.Write(tags[length..], number << 1 | (isLast ? 0u : 1u));
}
