using PageFold.Caching.Coding;
using PageFold.Caching.Entries;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Saving;

/// <summary>The head of a saved entry; key, tags and chunks follow it.</summary>
internal struct SavedEntry
{
    private const EntryForms KnownForms =
        EntryForms.Compressed | EntryForms.Expires | EntryForms.Slides | EntryForms.SlidesWithin | EntryForms.Pinned;

    public EntryForms Forms;
    public EntryState State;
    public byte TagCount;
    public int KeyLength;
    public int ValueLength;

    /// <summary>When it expires, in ticks of UTC; or, of one that slides, how many ticks were left.</summary>
    public long Expires;
    public ushort Interval;

    /// <summary>When one that slides expires at the latest, in ticks of UTC.</summary>
    public long ExpiresAtLatest;

    /// <summary>True if eviction knew it as one that is used.</summary>
    public readonly bool IsUsed => Is(EntryForms.Pinned) || State.IsMain && State.Frequency > 0;

    public readonly bool Is(EntryForms form) => (Forms & form) != 0;

    /// <summary>Reads a head, whatever the bytes are.</summary>
    public static SavedEntry Read(SaveReader reader)
    {
        SavedEntry entry = new() { Forms = (EntryForms)reader.ReadByte() };
        byte state = reader.ReadByte();
        if ((entry.Forms & ~KnownForms) != 0 || entry.Is(EntryForms.SlidesWithin) && !entry.Is(EntryForms.Slides)
            || entry.Is(EntryForms.Slides) && !entry.Is(EntryForms.Expires) || (state & ~EntryState.Mask) != 0)
            reader.Damaged("an entry has forms that do not exist");
        entry.State = new EntryState(state).Unpinned;
        entry.TagCount = reader.ReadByte();
        entry.KeyLength = reader.ReadInt32();
        entry.ValueLength = reader.ReadInt32();
        if (entry.KeyLength is < 0 or > CompressedCache.MaxKeyBytes || entry.ValueLength < 0)
            reader.Damaged($"an entry has a key of {entry.KeyLength} bytes and a value of {entry.ValueLength}");
        if (entry.Is(EntryForms.Expires))
            entry.Expires = ReadTime(reader);
        if (entry.Is(EntryForms.Slides) && (entry.Interval = reader.ReadUInt16()) == 0)
            reader.Damaged("an entry slides by no time");
        if (entry.Is(EntryForms.SlidesWithin))
            entry.ExpiresAtLatest = ReadTime(reader);
        return entry;
    }

    /// <summary>Reads the head of a tag; returns its bytes.</summary>
    public static int ReadTagHead(SaveReader reader, out bool isWide)
    {
        byte wide = reader.ReadByte();
        int length = reader.ReadUInt16();
        if (wide > 1 || length == 0)
            reader.Damaged("a tag is empty, or neither narrow nor wide");
        isWide = wide == 1;
        return isWide ? 2 * length : length;
    }

    /// <summary>Reads the head of a chunk; returns its stored bytes.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="valueLength">Bytes of the value that it is decoded to.</param>
    /// <param name="form">Its form.</param>
    /// <param name="hash">The XXH3 of these bytes, if they are compressed.</param>
    public static int ReadChunkHead(SaveReader reader, int valueLength, out ValueForm form, out ulong hash)
    {
        form = new ValueForm(reader.ReadByte());
        int length = reader.ReadInt32();
        if (form.IsRaw ? length != valueLength : length <= 0 || length >= valueLength)
            reader.Damaged($"a chunk of {valueLength} bytes has {length} stored ones");
        hash = form.IsRaw ? 0 : (ulong)reader.ReadInt64();
        return length;
    }

    /// <summary>Goes past the key, the tags and the chunks.</summary>
    public readonly void Skip(SaveReader reader)
    {
        reader.Skip(KeyLength);
        SkipTags(reader);
        SkipChunks(reader, known: null);
    }

    public readonly void SkipTags(SaveReader reader)
    {
        for (int tag = 0; tag < TagCount; tag++)
            reader.Skip(ReadTagHead(reader, out _));
    }

    /// <summary>Goes past the chunks; checks that the tables they need have come.</summary>
    public readonly void SkipChunks(SaveReader reader, bool[]? known)
    {
        for (int left = ValueLength; left > 0; left -= Chunks.Length)
        {
            int length = ReadChunkHead(reader, Math.Min(left, Chunks.Length), out ValueForm form, out _);
            if (form.IsCounted && known?[form.Number] == false)
                reader.Damaged($"an entry needs tables {form.Number}, which did not come before it");
            reader.Skip(length);
        }
    }

    private static long ReadTime(SaveReader reader)
    {
        long ticks = reader.ReadInt64();
        if (!SaveFormat.IsTime(ticks))
            reader.Damaged($"{ticks} is no time");
        return ticks;
    }
}
