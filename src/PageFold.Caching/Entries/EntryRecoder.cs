using System.Runtime.CompilerServices;
using PageFold.Caching.Coding;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>Compresses entries again, with the tables in use now, or decompresses them, while others read and write them.</summary>
/// <remarks>
/// The entry is copied while its hash is held shared, compressed without a lock, and exchanged while its hash is held alone, if it still
/// has the same bytes. Compressing evicts nothing. Entries in pieces stay as they are. Thread-safe; the caller of every method is inside
/// the heap.
/// </remarks>
internal sealed class EntryRecoder(EntryStore store, EntryLinks links, EntryCounters counters, CacheEviction eviction)
{
    private const int MaxObject = EntryReader.MaxObject;

    /// <summary>Bytes of the entries that are kept decompressed.</summary>
    public long HotBytes => counters.Read(CacheCount.HotBytes);

    /// <summary>Compresses an entry again; false if it is not there, gains nothing, or has no memory to be exchanged.</summary>
    public bool TryRecode(SeenEntry seen) => TryExchange(seen, Aim.Shorter);

    /// <summary>
    /// Stores an entry without the tables that it has, even if it becomes longer; false if it is not there, too long, or has no memory to
    /// be exchanged.
    /// </summary>
    public bool TryFreeTables(SeenEntry seen) => TryExchange(seen, Aim.OtherTables);

    /// <summary>Decompresses an entry for good; false if it is not there, not compressed, or has no memory to be exchanged.</summary>
    public bool TryDecompress(SeenEntry seen) => TryExchange(seen, Aim.Decompressed);

    [SkipLocalsInit]
    private bool TryExchange(SeenEntry seen, Aim aim)
    {
        ValueCoder coder = links.Coding.Take();
        try
        {
            Span<byte> body = stackalloc byte[MaxObject];
            if (!TryCopy(seen, body, out EntryHeader header, out int length, out int storedLength, out ulong tag))
                return false;
            body = body[..length];
            ReadOnlySpan<byte> key = body.Slice(header.Length, header.KeyLength);
            ReadOnlySpan<byte> stored = body.Slice(header.Length + header.KeyLength, storedLength);
            if (header.ValueLength > coder.DecodedBuffer.Length)
                return false;
            Span<byte> value = coder.DecodedBuffer[..header.ValueLength];
            if (!coder.TryDecode(new ValueForm(header.Codec), stored, [], value))
                return false;
            if (aim == Aim.Decompressed)
                return header.IsCompressed && TryExchange(seen, body, header, key, ValueForm.Raw, value, isMarked: true, tag);
            ValueForm form = coder.Encode(value, header.KeyLength, out ReadOnlySpan<byte> encoded);
            bool isBetter = aim == Aim.OtherTables || !form.IsRaw && encoded.Length < storedLength;
            if (isBetter && form.Number != header.Codec && TryExchange(seen, body, header, key, form, encoded, isMarked: !form.IsRaw, tag))
                return true;
            links.Coding.Release(form);
            return false;
        }
        finally
        {
            links.Coding.Return(coder);
        }
    }

    /// <summary>Copies an entry's body; false if it is not there, or is no single object.</summary>
    private bool TryCopy(SeenEntry seen, Span<byte> body, out EntryHeader header, out int length, out int storedLength, out ulong tag)
    {
        header = default;
        (length, storedLength, tag) = (0, 0, 0);
        SharedKey held = store.Index.LockShared(seen.Hash);
        try
        {
            while (held.TryNext(out _, out ulong location))
            {
                if (location != seen.Location || !store.TryOpen(location, out EntryView entry) || entry.Header.Is(EntryForms.InPieces))
                    continue;
                header = entry.Header;
                (length, storedLength, tag) = (entry.TailOffset, entry.StoredLength, entry.Object.Tag);
                entry.Object.Read(0, body[..length]);
                return EntryView.Checksum(body[..length], seen.Hash) == entry.Tag.Checksum;
            }
            return false;
        }
        finally
        {
            held.Dispose();
        }
    }

    // A raw value that is marked is one that would be compressed but for its use.
    [SkipLocalsInit]
    private bool TryExchange(SeenEntry seen, ReadOnlySpan<byte> before, in EntryHeader old, ReadOnlySpan<byte> key, ValueForm form,
        ReadOnlySpan<byte> encoded, bool isMarked, ulong tag)
    {
        Span<byte> body = stackalloc byte[MaxObject];
        EntryHeader header = old;
        header.Forms = isMarked ? header.Forms | EntryForms.Compressed : header.Forms & ~EntryForms.Compressed;
        header.Codec = form.Number;
        ReadOnlySpan<byte> tags = before.Slice(old.TagsOffset, old.TagsLength);
        header.SetRest(0);
        int size = header.Write(body, tags) + key.Length + encoded.Length + header.TailLength;
        if (size > MaxObject)
            return false;
        int capacity = store.Heap.Footprint(size);
        header.SetRest(capacity - size);
        int begin = header.Write(body, tags);
        key.CopyTo(body[begin..]);
        encoded.CopyTo(body[(begin + key.Length)..]);
        body = body[..(begin + key.Length + encoded.Length)];
        ObjectLocation made;
        if (form.IsRaw ? !eviction.TryAllocate(capacity, out made) : !store.Heap.TryAllocate(capacity, mayCompact: false, out made))
            return false;
        HeapObject bytes = store.Heap.View(made);
        bytes.Write(0, body);
        bytes.Tag = EntryTag.ForEntry(seen.Hash, EntryView.Checksum(body, seen.Hash)).Bits;
        if (EntryView.TryOpen(bytes, out EntryView entry) && TryPublish(seen, before, entry, made.Bits, tag))
            return true;
        store.Heap.Free(made);
        return false;
    }

    private bool TryPublish(SeenEntry seen, ReadOnlySpan<byte> before, in EntryView made, ulong location, ulong tag)
    {
        int freed;
        bool wasHot;
        ValueForm form;
        ExclusiveKey<TagHashes> held = store.Index.LockExclusive(seen.Hash);
        try
        {
            if (!held.TryFind(seen.Location, out EntryPlace place) || !store.TryOpen(seen.Location, out EntryView entry)
                || entry.Object.Tag != tag || !IsSame(entry, before))
                return false;
            // What changes while an entry stays is copied last.
            if (made.Header.Is(EntryForms.Expires))
                made.Deadline = entry.Deadline;
            made.SetStamp(entry.Stamp);
            store.Residents.Resize(place.State, store.Weigh(made) - store.Weigh(entry));
            place.SetLocation(location);
            (freed, wasHot, form) = (entry.Bytes, entry.Header.IsHot, new ValueForm(entry.Header.Codec));
        }
        finally
        {
            held.Dispose();
        }
        counters.Add(CacheCount.StoredBytes, made.Object.Capacity + sizeof(ulong) - freed);
        if (made.Header.IsHot)
            counters.Add(CacheCount.HotBytes, made.Bytes);
        if (wasHot)
            counters.Add(CacheCount.HotBytes, -freed);
        // The references of its tags go on with the new object.
        links.Coding.Release(form);
        store.Heap.Free(new ObjectLocation(seen.Location));
        return true;
    }

    private static bool IsSame(in EntryView entry, ReadOnlySpan<byte> body)
    {
        if (entry.TailOffset != body.Length)
            return false;
        int inFirst = Math.Min(body.Length, entry.Object.First.Length);
        return entry.Object.First[..inFirst].SequenceEqual(body[..inFirst])
            && entry.Object.Second[..(body.Length - inFirst)].SequenceEqual(body[inFirst..]);
    }

    /// <summary>What an entry is exchanged for.</summary>
    private enum Aim
    {
        Shorter,
        OtherTables,
        Decompressed,
    }
}
