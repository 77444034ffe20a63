using System.Runtime.CompilerServices;
using PageFold.Caching.Coding;
using PageFold.Caching.Expiry;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>The way of a value into the cache.</summary>
/// <remarks>
/// An entry is compressed, allocated and filled before its hash is held; publishing it is a few stores. Whatever keeps a value from being
/// stored, the key's old value goes. Thread-safe; the caller of every method is inside the heap.
/// </remarks>
internal sealed partial class EntryWriter(EntryStore store, EntryLinks links, EntryRemoval removal, CacheEviction eviction,
    EntryCounters counters, CacheExpiry expiry, CacheUpkeep upkeep, PieceWriter pieces)
{
    private const int MaxAttempts = 64;

    // The share of the limit that all pinned entries may have, as a power of two: 4 for a sixteenth.
    private const int PinnedShareShift = 4;

    /// <summary>Stores a value for a key, or says why not; then the key has no value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value. Its owner may change it meanwhile; then some mixture is stored.</param>
    /// <param name="terms">What it is stored with. The entry takes the references of the tags over, or they are ended.</param>
    /// <param name="token">The token of a miss, or the default value.</param>
    public CacheSetOutcome Write(in CacheKey key, ReadOnlySpan<byte> value, in EntryTerms terms, CacheMissToken token)
    {
        CacheSetOutcome outcome = TryMake(key, value, terms, out ulong location);
        if (outcome is not (CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw))
        {
            links.Release(terms.Tags);
            return Refuse(key, token, outcome, terms.Forms);
        }
        CacheSetOutcome? refusal = Publish(key, location, terms.Forms, token, restored: null);
        return refusal is { } reason ? Refuse(key, token, reason, terms.Forms) : outcome;
    }

    /// <summary>Removes what the key has, because a value that should replace it was not stored.</summary>
    /// <remarks>
    /// With a token there is nothing to remove: either the key has had no value since the miss, or it has a newer one. A pinned entry stays
    /// if another pinned one cannot take its place: what depends on it is better served by an old one than by none.
    /// </remarks>
    public CacheSetOutcome Refuse(in CacheKey key, CacheMissToken token, CacheSetOutcome outcome, EntryForms forms = EntryForms.None)
    {
        counters.Add(CacheCount.Refused);
        if (outcome == CacheSetOutcome.NoMemory)
            counters.Add(CacheCount.RefusedForMemory);
        if (token == default)
            removal.TryRemove(key, CacheEvictionReason.Removed, keepsPinned: (forms & EntryForms.Pinned) != 0);
        return outcome;
    }

    private CacheSetOutcome TryMake(in CacheKey key, ReadOnlySpan<byte> value, in EntryTerms terms, out ulong location)
    {
        ValueCoder coder = links.Coding.Take();
        try
        {
            if (value.Length <= ValueCoder.MaxLength && key.Bytes.Length <= PieceWriter.MaxKeyInObject)
            {
                ValueForm form = coder.Encode(value, key.Bytes.Length, out ReadOnlySpan<byte> stored);
                if (TryMakeObject(key, value.Length, form, stored, terms, out location, out CacheSetOutcome outcome))
                    return outcome;
                links.Coding.Release(form);
                if (outcome != CacheSetOutcome.TooLarge)
                    return outcome;
            }
            location = 0;
            if (pieces.IsTooLarge(key, value, terms, coder))
                return CacheSetOutcome.TooLarge;
            EncodedChunks chunks = new(coder, value);
            return pieces.TryMake(key, value.Length, terms, ref chunks, out location);
        }
        finally
        {
            links.Coding.Return(coder);
        }
    }

    /// <summary>Makes an entry of one object; too large means that it needs several.</summary>
    [SkipLocalsInit]
    private bool TryMakeObject(in CacheKey key, int length, ValueForm form, ReadOnlySpan<byte> stored, in EntryTerms terms,
        out ulong location, out CacheSetOutcome outcome)
    {
        location = 0;
        EntryHeader header = terms.Header(key.Bytes.Length, length);
        if (!form.IsRaw)
            header.Forms |= EntryForms.Compressed;
        header.Codec = form.Number;
        // The header's longest form, so that its rest always fits.
        int atMost = EntryHeader.MaxLengthWithoutTags + terms.Tags.Length + key.Bytes.Length + stored.Length + header.TailLength;
        outcome = CacheSetOutcome.TooLarge;
        if (atMost > EntryReader.MaxObject)
            return false;
        Span<byte> body = stackalloc byte[EntryReader.MaxObject];
        int size = header.Write(body, terms.Tags) + key.Bytes.Length + stored.Length + header.TailLength;
        int capacity = store.Heap.Footprint(size);
        header.SetRest(capacity - size);
        int begin = header.Write(body, terms.Tags);
        key.Bytes.CopyTo(body[begin..]);
        stored.CopyTo(body[(begin + key.Bytes.Length)..]);
        outcome = CacheSetOutcome.NoMemory;
        if (!eviction.TryAllocate(capacity, out ObjectLocation made))
            return false;
        body = body[..(begin + key.Bytes.Length + stored.Length)];
        HeapObject bytes = store.Heap.View(made);
        bytes.Write(0, body);
        bytes.Tag = EntryTag.ForEntry(key.Hash, EntryView.Checksum(body, key.Hash)).Bits;
        Complete(bytes, terms);
        location = made.Bits;
        outcome = form.IsRaw ? CacheSetOutcome.StoredRaw : CacheSetOutcome.Stored;
        return true;
    }

    /// <summary>Writes what the checksum does not cover, and counts the entry's bytes.</summary>
    private void Complete(HeapObject bytes, in EntryTerms terms)
    {
        if (!EntryView.TryOpen(bytes, out EntryView entry))
            return;
        if (entry.Header.Is(EntryForms.Expires))
            entry.Deadline = terms.Deadline;
        counters.Add(CacheCount.StoredBytes, entry.Bytes);
    }

    /// <summary>Lets the index name an entry; null, or why it was refused, and then it is freed.</summary>
    private CacheSetOutcome? Publish(in CacheKey key, ulong location, EntryForms forms, CacheMissToken token, EntryState? restored)
    {
        store.TryOpen(location, out EntryView made);
        Publication publication = new(location, store.Weigh(made), (forms & EntryForms.Pinned) != 0, token,
            made.Header.Is(EntryForms.Expires) ? made.Deadline : CacheClock.Never, restored);
        CacheSetOutcome refusal = CacheSetOutcome.NoMemory;
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (!publication.IsPinned && eviction.IsLimited && !TryMakeRoom(key, publication.Weight))
                break;
            PublishOutcome outcome = TryPublish(key, publication, out ulong? replaced, out bool wasDamaged);
            if (replaced is { } old)
                removal.Retire(old, wasDamaged ? CacheEvictionReason.Corrupt : CacheEvictionReason.Replaced);
            if (outcome is PublishOutcome.Inserted or PublishOutcome.Replaced)
            {
                counters.Add(CacheCount.Sets);
                if (outcome == PublishOutcome.Inserted && !publication.Begins.IsMain)
                    eviction.OnInsert(key.Hash);
                // Other threads may have taken the same room.
                if (eviction.IsLimited)
                    eviction.TryMakeRoom(0, entries: 0);
                store.Index.TryGrowIfNeeded();
                if (publication.Deadline != CacheClock.Never)
                    upkeep.Attend();
                return null;
            }
            if (outcome == PublishOutcome.Superseded)
            {
                refusal = CacheSetOutcome.Superseded;
                break;
            }
            if (outcome == PublishOutcome.AtCap || !TryMakeRoomInIndex(key.Hash))
                break;
        }
        removal.Free(location);
        return refusal;
    }

    /// <summary>Makes room for an entry in the index, which found no memory for another line; false if no entry may go.</summary>
    /// <remarks>
    /// What evicted entries leave becomes whole frames only after a share of all entries went, which are many where entries are small. So
    /// if a few evictions free no frame, an entry of the same buckets leaves its place.
    /// </remarks>
    private bool TryMakeRoomInIndex(uint hash) => eviction.TryFreeFrames() || removal.TryEvictBeside(hash);

    /// <summary>Makes room within the limits of entries and content. An entry that is replaced is room itself.</summary>
    private bool TryMakeRoom(in CacheKey key, long weight)
    {
        while (true)
        {
            long? replaced = WeightOf(key);
            if (!eviction.TryMakeRoom(weight - (replaced ?? 0), entries: replaced is null ? 1 : 0))
                return false;
            // The entry may itself have been evicted to make the room.
            if (replaced is null || WeightOf(key) is not null)
                return true;
        }
    }

    /// <summary>What the key's entry weighs; null if it has none that eviction knows.</summary>
    private long? WeightOf(in CacheKey key)
    {
        SharedKey held = store.Index.LockShared(key.Hash);
        try
        {
            bool exists = store.TryFind(ref held, key, out EntryPlace place, out EntryView entry, out _) && !place.State.IsPinned;
            return exists ? store.Weigh(entry) : null;
        }
        finally
        {
            held.Dispose();
        }
    }

    private PublishOutcome TryPublish(in CacheKey key, in Publication publication, out ulong? replaced, out bool wasDamaged)
    {
        replaced = null;
        ExclusiveKey<TagHashes> held = store.Index.LockExclusive(key.Hash);
        try
        {
            bool exists = store.TryFind(ref held, key, out EntryPlace place, out ulong old, out EntryView before, out ulong? damaged);
            wasDamaged = damaged is not null;
            // What is there is newer than what was saved.
            if (exists && publication.Restored is not null && !new HasPassed(links, expiry.Clock.Now).Holds(store, place.State, old))
                return PublishOutcome.Superseded;
            bool wasPinned = exists && place.State.IsPinned;
            if (exists && !publication.IsPinned && !wasPinned)
            {
                if (!links.Loads.TryRedeem(publication.Token, key.FullHash))
                    return PublishOutcome.Superseded;
                store.Residents.Resize(place.State, publication.Weight - store.Weigh(before));
                place.SetLocation(publication.Location);
                replaced = old;
                Note(key, publication);
                return PublishOutcome.Replaced;
            }
            EntryState begins = publication.Begins;
            if (publication.IsPinned && !TryPin(publication.Weight, wasPinned ? store.Weigh(before) : 0))
                return PublishOutcome.AtCap;
            PublishOutcome outcome = TryInsert(ref held, publication, begins, key.FullHash);
            if (outcome != PublishOutcome.Inserted)
            {
                if (publication.IsPinned)
                    store.Residents.AddPinned(-publication.Weight);
                return outcome;
            }
            if (!publication.IsPinned)
                store.Residents.Add(begins, publication.Weight);
            // Into the eviction or out of it: as if the old entry had been removed before. A damaged one may have been the key's.
            old = damaged ?? old;
            if ((exists || wasDamaged) && held.TryFind(old, out place))
            {
                store.Unpublish(ref held, place);
                replaced = old;
            }
            Note(key, publication);
            return PublishOutcome.Inserted;
        }
        finally
        {
            held.Dispose();
        }
    }

    private PublishOutcome TryInsert(ref ExclusiveKey<TagHashes> held, in Publication publication, EntryState begins, ulong fullHash)
    {
        if (!held.TryInsert(publication.Location, begins))
            return PublishOutcome.NoMemory;
        if (links.Loads.TryRedeem(publication.Token, fullHash))
            return PublishOutcome.Inserted;
        if (held.TryFind(publication.Location, out EntryPlace inserted))
            held.Remove(inserted);
        return PublishOutcome.Superseded;
    }

    /// <summary>Counts a pinned entry unless pinned ones have their share.</summary>
    /// <remarks>One that takes the place of another needs only what it has more.</remarks>
    private bool TryPin(long weight, long frees)
    {
        long most = weight <= frees ? long.MaxValue : (store.Heap.MemoryLimit >> PinnedShareShift) + frees;
        return store.Residents.TryAddPinned(weight, most);
    }

    /// <summary>Notes what was published, while its hash is held.</summary>
    private void Note(in CacheKey key, in Publication publication)
    {
        links.NoteChange(key.FullHash);
        if (publication.Deadline != CacheClock.Never)
            expiry.Note(key.Hash, publication.Deadline);
        CountOriginal(publication.Location);
    }

    private void CountOriginal(ulong location)
    {
        if (store.TryOpen(location, out EntryView entry))
            counters.Add(CacheCount.OriginalBytes, (long)entry.Header.KeyLength + entry.Header.ValueLength);
    }

    private enum PublishOutcome
    {
        Inserted,
        Replaced,
        NoMemory,
        Superseded,
        AtCap,
    }

    /// <summary>An entry that is to be published.</summary>
    private readonly record struct Publication(ulong Location, long Weight, bool IsPinned, CacheMissToken Token, uint Deadline,
        EntryState? Restored)
    {
        public EntryState Begins => IsPinned ? EntryState.Pinned : Restored ?? default;
    }
}
