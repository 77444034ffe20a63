using PageFold.Caching.Coding;
using PageFold.Caching.Loads;
using PageFold.Caching.Records;
using PageFold.Caching.Tags;

namespace PageFold.Caching.Entries;

/// <summary>
/// What entries refer to outside their objects: tags by number, tables of codecs by number; and the loads that wait for a key.
/// </summary>
internal sealed class EntryLinks(EntryStore store, TagTable tags, ValueCoding coding, PendingLoads loads)
{
    public TagTable Tags => tags;

    public ValueCoding Coding => coding;

    public PendingLoads Loads => loads;

    /// <summary>Notes that a key changes. The caller holds its hash alone.</summary>
    public void NoteChange(ulong fullHash) => loads.NoteChange(fullHash);

    /// <summary>True if one of the entry's tags was removed since the entry was set.</summary>
    public bool IsDead(in EntryView entry)
    {
        TagNumbers numbers = new(entry, stackalloc byte[TagNumbers.ShortLength]);
        while (numbers.TryNext(out uint number))
        {
            if (tags.IsDead(number))
                return true;
        }
        return false;
    }

    /// <summary>Ends the references of an entry that goes.</summary>
    public void Release(in EntryView entry)
    {
        if (entry.Header.Is(EntryForms.Tagged))
        {
            TagNumbers numbers = new(entry, stackalloc byte[TagNumbers.ShortLength]);
            while (numbers.TryNext(out uint number))
                tags.Release(number);
        }
        if (entry.Header.Is(EntryForms.InPieces))
            Chunks.Release(store.Heap, entry, coding);
        else if (entry.Header.Is(EntryForms.Compressed))
            coding.Release(new ValueForm(entry.Header.Codec));
    }

    /// <summary>Ends the references of tags that no entry has taken over.</summary>
    public void Release(ReadOnlySpan<byte> numbers)
    {
        int offset = 0;
        while (offset < numbers.Length && Varint.TryRead(numbers, ref offset, out uint tag))
            tags.Release(tag >> 1);
    }
}

/// <summary>The numbers of an entry's tags.</summary>
internal ref struct TagNumbers
{
    /// <summary>Bytes of a buffer that is enough for most entries.</summary>
    public const int ShortLength = 64;

    private readonly ReadOnlySpan<byte> _tags;
    private int _offset;

    public TagNumbers(in EntryView entry, Span<byte> buffer)
    {
        int length = entry.Header.TagsLength;
        if (length > buffer.Length)
            buffer = new byte[length];
        entry.Object.Read(entry.Header.TagsOffset, buffer[..length]);
        _tags = buffer[..length];
    }

    public bool TryNext(out uint number)
    {
        bool isThere = _offset < _tags.Length && Varint.TryRead(_tags, ref _offset, out number) || (number = 0) != 0;
        number >>= 1;
        return isThere;
    }
}
