using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using PageFold.Caching.Coding;
using PageFold.Caching.Entries;
using PageFold.Caching.Expiry;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Saving;

/// <summary>Copies the entries of a bucket while it is held: nothing is decoded or written meanwhile. Used by one thread.</summary>
/// <remarks>
/// Of an entry in pieces only the key is copied, which may be looked up afterwards. A version of tables that an entry needs is kept by a
/// reference until the save ends, so its number means the same all the time.
/// </remarks>
internal sealed class BucketCopy(EntryStore store, EntryLinks links, CacheClock clock, SavedTables tables) : IDisposable
{
    private readonly char[] _name = new char[CompressedCache.MaxTagLength];
    private readonly EntryCopy[] _entries = new EntryCopy[BucketTable<TagHashes>.MaxBucketEntries];
    private int _count;

    /// <summary>The bytes of the copies.</summary>
    public GrowingBuffer Buffer { get; } = new();

    /// <summary>Entries that were met and not copied.</summary>
    public long LeftOut { get; private set; }

    public Span<EntryCopy> Entries => _entries.AsSpan(0, _count);

    public void Reset()
    {
        _count = 0;
        Buffer.Cut(0);
    }

    /// <summary>Copies an entry; called while its bucket is held.</summary>
    public void Add(ulong location, EntryState state)
    {
        int length = Buffer.Length;
        if (store.TryOpen(location, out EntryView entry) && TryCopy(entry, state, out EntryCopy copy))
        {
            _entries[_count++] = copy;
            return;
        }
        Buffer.Cut(length);
        LeftOut++;
    }

    /// <summary>Copies an entry that was met in the bucket again, with its stream if it is in pieces; false if it has gone.</summary>
    /// <param name="key">Its key, which may lie in the buffer.</param>
    /// <param name="copy">The copy.</param>
    public bool TryCopyWhole(in CacheKey key, out EntryCopy copy)
    {
        SharedKey held = store.Index.LockShared(key.Hash);
        try
        {
            copy = default;
            if (!store.TryFind(ref held, key, out EntryPlace place, out EntryView entry, out _) || !TryCopy(entry, place.State, out copy))
                return false;
            if (!entry.Header.Is(EntryForms.InPieces))
                return true;
            copy.Stream = Buffer.Length;
            Pieces.Read(store.Heap, entry, 0, Buffer.Append((int)entry.Header.Rest));
            return TryHoldTables(copy);
        }
        finally
        {
            held.Dispose();
        }
    }

    public void Dispose() => Buffer.Dispose();

    private bool TryCopy(in EntryView entry, EntryState state, out EntryCopy copy)
    {
        ref readonly EntryHeader header = ref entry.Header;
        copy = new EntryCopy { Header = header, Tag = entry.Tag, State = state, Deadline = CacheClock.Never };
        if (header.Is(EntryForms.Expires) && (copy.Deadline = entry.Deadline) <= clock.Now)
            return false;
        (copy.Body, copy.BodyLength) = (Buffer.Length, entry.TailOffset);
        Span<byte> body = Buffer.Append(copy.BodyLength);
        entry.Object.Read(0, body);
        // A damaged list of pieces leads anywhere, so it is not followed. Other entries are checked later.
        if (header.Is(EntryForms.InPieces) && EntryView.Checksum(body, entry.Tag.Hash) != entry.Tag.Checksum)
            return false;
        copy.Tags = Buffer.Length;
        if (header.Is(EntryForms.Tagged) && !TryCopyTags(entry, ref copy))
            return false;
        copy.TagsLength = Buffer.Length - copy.Tags;
        if (!header.Is(EntryForms.InPieces))
            return !header.IsCompressed || tables.TryHold(new ValueForm(header.Codec));
        if (header.Rest < (uint)header.KeyLength || header.Rest > int.MaxValue)
            return false;
        copy.Stream = Buffer.Length;
        Pieces.Read(store.Heap, entry, 0, Buffer.Append(header.KeyLength));
        return true;
    }

    /// <summary>Copies the names of an entry's tags; false if one of them was removed.</summary>
    [SkipLocalsInit]
    private bool TryCopyTags(in EntryView entry, ref EntryCopy copy)
    {
        TagNumbers numbers = new(entry, stackalloc byte[TagNumbers.ShortLength]);
        while (numbers.TryNext(out uint number))
        {
            if (links.Tags.IsDead(number) || !links.Tags.TryGetName(number, _name, out int length) || copy.TagCount == EntryView.MaxTags)
                return false;
            copy.TagCount++;
            ReadOnlySpan<char> name = _name.AsSpan(0, length);
            bool isWide = !Ascii.IsValid(name);
            Span<byte> saved = Buffer.Append(1 + sizeof(ushort) + (isWide ? 2 * length : length));
            saved[0] = isWide ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt16LittleEndian(saved[1..], (ushort)length);
            saved = saved[(1 + sizeof(ushort))..];
            if (isWide)
                MemoryMarshal.AsBytes(name).CopyTo(saved);
            else
                Ascii.FromUtf16(name, saved, out _);
        }
        return true;
    }

    /// <summary>Keeps the tables of all chunks; false if the stream is damaged.</summary>
    private bool TryHoldTables(in EntryCopy copy)
    {
        CopiedChunks chunks = new(copy.Header, Buffer.Bytes[(copy.Stream + copy.Header.KeyLength)..]);
        while (chunks.TryNext(out ValueForm form, out _))
        {
            if (!tables.TryHold(form))
                return false;
        }
        return chunks.IsAtEnd;
    }
}

/// <summary>Copies what a walk meets.</summary>
internal readonly struct CopyingVisitor(BucketCopy bucket) : IEntryVisitor
{
    public void Visit(ulong location, uint hash, EntryState state) => bucket.Add(location, state);
}
