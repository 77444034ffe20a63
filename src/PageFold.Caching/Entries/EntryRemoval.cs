using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>How entries leave a cache, whatever the reason: unpublished under their lock, then retired without one.</summary>
/// <remarks>Thread-safe. The caller of every method is inside the heap and holds no hash, but may hold the lock of eviction.</remarks>
internal sealed class EntryRemoval(EntryStore store, EntryLinks links, EntryCounters counters, EvictionNotices notices)
{
    public EntryStore Store => store;

    /// <summary>Tells of the entries that have gone. The caller holds no lock.</summary>
    public void Tell() => notices.Tell();

    /// <summary>Removes the entry of a key; false if there is none.</summary>
    /// <param name="key">The key.</param>
    /// <param name="reason">Why it goes.</param>
    /// <param name="keepsPinned">Leaves a pinned entry, and what may be one.</param>
    public bool TryRemove(in CacheKey key, CacheEvictionReason reason, bool keepsPinned = false)
    {
        ulong location;
        bool isFound;
        ExclusiveKey<TagHashes> held = store.Index.LockExclusive(key.Hash);
        try
        {
            links.NoteChange(key.FullHash);
            isFound = store.TryFind(ref held, key, out EntryPlace place, out location, out EntryView entry, out ulong? damaged);
            if (damaged is { } of)
                (isFound, location, reason) = (held.TryFind(of, out place), of, CacheEvictionReason.Corrupt);
            isFound = isFound && !(keepsPinned && (damaged is not null || place.State.IsPinned));
            if (isFound)
                store.Unpublish(ref held, place);
        }
        finally
        {
            held.Dispose();
        }
        if (isFound)
            Retire(location, reason);
        return isFound;
    }

    /// <summary>Removes the entry that was seen at a location, if it is there and the condition holds; false otherwise.</summary>
    /// <param name="hash">The entry's hash.</param>
    /// <param name="location">Where it was seen.</param>
    /// <param name="condition">What must be true of it, asked while its hash is held alone.</param>
    /// <param name="reason">Why it goes.</param>
    public bool TryRemoveAt<TCondition>(uint hash, ulong location, TCondition condition, CacheEvictionReason reason)
        where TCondition : struct, IEntryCondition
    {
        bool isFound;
        ExclusiveKey<TagHashes> held = store.Index.LockExclusive(hash);
        try
        {
            isFound = held.TryFind(location, out EntryPlace place) && condition.Holds(store, place.State, location);
            if (isFound)
                store.Unpublish(ref held, place);
        }
        finally
        {
            held.Dispose();
        }
        if (isFound)
            Retire(location, reason);
        return isFound;
    }

    /// <summary>
    /// Evicts an entry that shares the buckets of a hash, so that one with this hash finds a place in the index; false if none may go.
    /// </summary>
    public bool TryEvictBeside(uint hash)
    {
        ulong location = 0;
        ExclusiveKey<TagHashes> held = store.Index.LockExclusive(hash);
        bool isFound;
        try
        {
            isFound = held.TryFindColdest(out EntryPlace place);
            if (isFound)
            {
                location = place.Location;
                store.Unpublish(ref held, place);
            }
        }
        finally
        {
            held.Dispose();
        }
        if (isFound)
            Retire(location, CacheEvictionReason.Capacity);
        return isFound;
    }

    /// <summary>Frees an entry that the index does not name any more.</summary>
    public void Retire(ulong location, CacheEvictionReason reason)
    {
        counters.Add(CacheCount.FirstReason + (int)reason);
        if (store.TryOpen(location, out EntryView entry))
        {
            if (notices.IsWanted)
                CopyKey(entry, notices.Add(entry.Header.KeyLength, reason));
            counters.Add(CacheCount.OriginalBytes, -((long)entry.Header.KeyLength + entry.Header.ValueLength));
        }
        Free(location);
    }

    /// <summary>Frees an entry that was never published.</summary>
    /// <remarks>
    /// What a damaged entry refers to is not known: it keeps its tags' numbers and its tables for ever, rather than to end those of others.
    /// </remarks>
    public void Free(ulong location)
    {
        bool isOpen = store.TryOpen(location, out EntryView entry)
            && ((entry.Header.Forms & (EntryForms.Compressed | EntryForms.Tagged | EntryForms.InPieces)) == 0 || entry.IsWhole());
        long bytes = isOpen ? Pieces.BytesOf(store.Heap, entry) : entry.Bytes;
        if (isOpen)
        {
            links.Release(entry);
            if (entry.Header.Is(EntryForms.InPieces))
                Pieces.Free(store.Heap, entry);
        }
        counters.Add(CacheCount.StoredBytes, -bytes);
        if (isOpen && entry.Header.IsHot)
            counters.Add(CacheCount.HotBytes, -bytes);
        store.Heap.Free(new ObjectLocation(location));
    }

    /// <summary>Copies an entry's key out.</summary>
    public void CopyKey(in EntryView entry, Span<byte> destination)
    {
        if (!entry.Header.Is(EntryForms.InPieces))
            entry.Object.Read(entry.Header.Length, destination);
        else if (!Pieces.Read(store.Heap, entry, 0, destination))
            destination.Clear();
    }
}

/// <summary>What must be true of an entry that is about to be removed.</summary>
internal interface IEntryCondition
{
    public bool Holds(EntryStore store, EntryState state, ulong location);
}
