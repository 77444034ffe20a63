using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>An entry's object with its header read. Valid for as long as the entry is held.</summary>
internal readonly ref struct EntryView
{
    /// <summary>Bytes of a location in a list of pieces: five, and a check.</summary>
    public const int LocationBytes = 6;

    // A header with the most tags there can be.
    private const int MaxHeaderLength = EntryHeader.MaxLengthWithoutTags + MaxTags * 4;

    /// <summary>The most tags of an entry.</summary>
    public const int MaxTags = 255;

    public readonly HeapObject Object;
    public readonly EntryHeader Header;

    private EntryView(HeapObject bytes, scoped in EntryHeader header)
    {
        Object = bytes;
        Header = header;
    }

    public EntryTag Tag => new(Object.Tag);

    /// <summary>Where the stored value begins.</summary>
    public int StoredOffset => Header.Length + Header.KeyLength;

    /// <summary>Bytes of the stored value; of an entry in pieces, none.</summary>
    public int StoredLength => (int)Header.StoredLength(Object.Capacity);

    /// <summary>Where begins what changes while the entry stays.</summary>
    public int TailOffset => Header.Is(EntryForms.InPieces) ? Header.Length : StoredOffset + StoredLength;

    /// <summary>Bytes that the entry's object takes from the heap, tag included.</summary>
    public int Bytes => Object.Capacity + sizeof(ulong);

    /// <summary>Where the list of pieces begins.</summary>
    public int ListOffset => TailOffset + Header.TailLength;

    public uint Deadline
    {
        get
        {
            Span<byte> bytes = stackalloc byte[sizeof(uint)];
            Object.Read(TailOffset, bytes);
            return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        }
        set
        {
            Span<byte> bytes = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
            Object.Write(TailOffset, bytes);
        }
    }

    /// <summary>When the entry came to the main part, by the clock of eviction; zero without a stamp.</summary>
    public byte Stamp
    {
        get
        {
            byte stamp = 0;
            if (Header.Is(EntryForms.Stamped))
                Object.Read(ListOffset - 1, new Span<byte>(ref stamp));
            return stamp;
        }
    }

    public void SetStamp(byte stamp)
    {
        if (Header.Is(EntryForms.Stamped))
            Object.Write(ListOffset - 1, new ReadOnlySpan<byte>(in stamp));
    }

    /// <summary>Reads the header of an entry's object; false if it is damaged.</summary>
    /// <remarks>
    /// That of an entry in pieces is verified, because it says where other objects are. Of others, what the header says is inside.
    /// </remarks>
    public static bool TryOpen(HeapObject bytes, out EntryView entry)
    {
        ReadOnlySpan<byte> first = bytes.First;
        bool isRead = first.Length >= EntryHeader.MaxLengthWithoutTags || bytes.Second.IsEmpty
            ? EntryHeader.TryRead(first, out EntryHeader header)
            : TryReadCopy(bytes, out header);
        // A header with many tags may itself lie in two frames.
        if (!isRead && !bytes.Second.IsEmpty)
            isRead = TryReadCopy(bytes, out header);
        entry = new EntryView(bytes, header);
        return isRead && (header.Is(EntryForms.InPieces)
            ? header.Length + header.TailLength <= bytes.Capacity && entry.IsWhole()
            : header.StoredLength(bytes.Capacity) >= 0);
    }

    /// <summary>True if the key, which lies in the entry's own object, is this one.</summary>
    public bool KeyIs(ReadOnlySpan<byte> key)
    {
        if (Header.KeyLength != key.Length)
            return false;
        ReadOnlySpan<byte> first = Object.First;
        int begin = Header.Length;
        if (first.Length >= begin + key.Length)
            return first.Slice(begin, key.Length).SequenceEqual(key);
        int inFirst = Math.Max(0, first.Length - begin);
        ReadOnlySpan<byte> rest = Object.Second.Slice(Math.Max(0, begin - first.Length), key.Length - inFirst);
        return (inFirst == 0 || first[begin..].SequenceEqual(key[..inFirst])) && rest.SequenceEqual(key[inFirst..]);
    }

    /// <summary>
    /// All that the checksum covers, where it lies or copied to a buffer, which has room for an object: header, key and stored value.
    /// </summary>
    public ReadOnlySpan<byte> Body(Span<byte> buffer)
    {
        int length = TailOffset;
        if (Object.First.Length >= length)
            return Object.First[..length];
        Object.Read(0, buffer[..length]);
        return buffer[..length];
    }

    /// <summary>True if what the checksum covers is undamaged.</summary>
    [SkipLocalsInit]
    public bool IsWhole() => Checksum(Body(stackalloc byte[EntryReader.MaxObject]), Tag.Hash) == Tag.Checksum;

    /// <summary>The checksum of an entry's body: bytes of another key's entry do not pass.</summary>
    public static uint Checksum(ReadOnlySpan<byte> body, uint hash) => (uint)XxHash3.HashToUInt64(body, hash);

    private static bool TryReadCopy(HeapObject bytes, out EntryHeader header)
    {
        Span<byte> copy = stackalloc byte[MaxHeaderLength];
        copy = copy[..Math.Min(copy.Length, bytes.Capacity)];
        bytes.Read(0, copy);
        return EntryHeader.TryRead(copy, out header);
    }
}
