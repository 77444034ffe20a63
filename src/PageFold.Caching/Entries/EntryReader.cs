using System.Runtime.CompilerServices;
using PageFold.Caching.Coding;
using PageFold.Caching.Expiry;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>What a look-up is for.</summary>
internal enum ReadMode
{
    /// <summary>The value; counts as a use.</summary>
    Value,

    /// <summary>To use the entry without its value.</summary>
    Use,

    /// <summary>To see whether it is there, which is no use.</summary>
    Presence,
}

/// <summary>The way of a value out of the cache.</summary>
/// <remarks>
/// A value is verified and decoded while its hash is held shared: the entry neither moves nor goes meanwhile. Entries that have expired or
/// lost a tag, and damaged ones, are removed afterwards. Thread-safe; the caller of every method is inside the heap.
/// </remarks>
internal sealed class EntryReader(EntryStore store, EntryLinks links, EntryRemoval removal, CacheEviction eviction, HotEntries hot,
    CacheClock clock)
{
    // An object is at most a frame, and frames have 4 KiB.
    internal const int MaxObject = 4096;

    /// <summary>Looks a key up, and copies its value if that is wanted.</summary>
    /// <param name="key">The key.</param>
    /// <param name="mode">What the look-up is for.</param>
    /// <param name="destination">Where the value goes.</param>
    /// <param name="wantsToken">A miss registers a token.</param>
    /// <param name="found">What was found.</param>
    public CacheGetOutcome Read(in CacheKey key, ReadMode mode, Span<byte> destination, bool wantsToken, out FoundEntry found)
    {
        // Taken before the hash is held: others wait for coders while they hold a hash.
        ValueCoder? coder = mode == ReadMode.Value ? links.Coding.Take() : null;
        CacheGetOutcome outcome;
        try
        {
            outcome = ReadHeld(key, mode, destination, wantsToken, coder, out found);
        }
        finally
        {
            if (coder is not null)
                links.Coding.Return(coder);
        }
        if (found.SlidesTo != 0)
            Slide(key.Hash, found);
        if (found.IsHot && outcome == CacheGetOutcome.Hit)
            hot.NoteHit(key.Hash, found.Location);
        if (found.IsGone)
            Remove(key.Hash, found);
        else if (outcome == CacheGetOutcome.Hit && mode != ReadMode.Presence && eviction.IsSampled(key.Hash))
            eviction.RecordSampled(key.Hash);
        return outcome;
    }

    private CacheGetOutcome ReadHeld(in CacheKey key, ReadMode mode, Span<byte> destination, bool wantsToken, ValueCoder? coder,
        out FoundEntry found)
    {
        found = default;
        SharedKey held = store.Index.LockShared(key.Hash);
        try
        {
            if (store.TryFind(ref held, key, out EntryPlace place, out EntryView entry, out ulong? damaged))
            {
                CacheGetOutcome outcome = ReadEntry(entry, place, mode, destination, coder, ref found);
                if (outcome == CacheGetOutcome.Hit && mode != ReadMode.Presence)
                    place.Touch();
                found.IsHot = hot.IsWanted && entry.Header.IsCompressed && mode == ReadMode.Value && found.SlidesTo == 0
                    && place.State.Frequency == EntryState.MaxFrequency;
                if (found.IsHot)
                    found.Location = place.Location;
                if (outcome != CacheGetOutcome.Miss)
                    return outcome;
            }
            else if (damaged is { } location)
            {
                // Nothing tells whether it was pinned.
                found.IsPinned = store.Residents.PinnedBytes > 0;
                if (!found.IsPinned)
                    found.Goes(location, CacheEvictionReason.Corrupt);
            }
            // Under the lock, so that no change of the key passes between the miss and the token.
            if (wantsToken)
                found.Token = links.Loads.Begin(key.FullHash);
            return CacheGetOutcome.Miss;
        }
        finally
        {
            held.Dispose();
        }
    }

    private CacheGetOutcome ReadEntry(in EntryView entry, EntryPlace place, ReadMode mode, Span<byte> destination, ValueCoder? coder,
        ref FoundEntry found)
    {
        ref readonly EntryHeader header = ref entry.Header;
        ulong location = place.Location;
        if (header.Is(EntryForms.Expires) && !IsAlive(entry, location, mode, ref found))
            return CacheGetOutcome.Miss;
        if (header.Is(EntryForms.Tagged) && links.IsDead(entry))
        {
            found.Goes(location, CacheEvictionReason.Tag);
            return CacheGetOutcome.Miss;
        }
        found.Length = header.ValueLength;
        if (mode != ReadMode.Value)
            return CacheGetOutcome.Hit;
        bool fits = header.ValueLength <= destination.Length;
        destination = fits ? destination[..header.ValueLength] : [];
        // A wrong length would be believed: the caller makes a buffer of it.
        if (!fits && entry.IsWhole())
            return CacheGetOutcome.TooSmall;
        if (fits && (header.Is(EntryForms.InPieces) ? TryReadPieces(entry, coder!, destination) : TryReadBody(entry, coder!, destination)))
            return CacheGetOutcome.Hit;
        destination.Clear();
        (found.Length, found.SlidesTo) = (0, 0);
        // A pinned entry stays damaged, so that its key throws until it is set again.
        found.IsPinned = place.State.IsPinned;
        if (!found.IsPinned)
            found.Goes(location, CacheEvictionReason.Corrupt);
        return CacheGetOutcome.Miss;
    }

    private bool IsAlive(in EntryView entry, ulong location, ReadMode mode, ref FoundEntry found)
    {
        uint now = clock.Now;
        uint deadline = entry.Deadline;
        if (deadline <= now)
        {
            found.Goes(location, CacheEvictionReason.Expired);
            return false;
        }
        if (entry.Header.Is(EntryForms.Slides) && mode != ReadMode.Presence)
        {
            uint later = SlidingInterval.Deadline(entry.Header.Interval, now);
            if (entry.Header.Is(EntryForms.SlidesWithin))
                later = Math.Min(later, entry.Header.FixedDeadline);
            if (later > deadline)
                (found.SlidesTo, found.Interval, found.Location) = (later, entry.Header.Interval, location);
        }
        return true;
    }

    [SkipLocalsInit]
    private static bool TryReadBody(in EntryView entry, ValueCoder coder, Span<byte> destination)
    {
        ReadOnlySpan<byte> body = entry.Body(stackalloc byte[MaxObject]);
        if (EntryView.Checksum(body, entry.Tag.Hash) != entry.Tag.Checksum)
            return false;
        ValueForm form = new(entry.Header.Codec);
        return coder.TryDecode(form, body.Slice(entry.StoredOffset, entry.StoredLength), [], destination);
    }

    private bool TryReadPieces(in EntryView entry, ValueCoder coder, Span<byte> destination) =>
        entry.IsWhole() && Chunks.TryRead(store.Heap, entry, coder, destination);

    /// <summary>
    /// Sets the deadline of an entry that was used. A torn deadline would be worse than a late one, so the hash is held alone.
    /// </summary>
    private void Slide(uint hash, in FoundEntry found)
    {
        ExclusiveKey<TagHashes> held = store.Index.LockExclusive(hash);
        try
        {
            // Another entry may have come to this place; if it slides, a later deadline within its own limits is set when it is used.
            if (held.TryFind(found.Location, out _) && store.TryOpen(found.Location, out EntryView entry)
                && entry.Header.Is(EntryForms.Slides) && entry.Header.Interval == found.Interval && entry.Deadline < found.SlidesTo
                && (!entry.Header.Is(EntryForms.SlidesWithin) || found.SlidesTo <= entry.Header.FixedDeadline))
                entry.Deadline = found.SlidesTo;
        }
        finally
        {
            held.Dispose();
        }
    }

    private void Remove(uint hash, in FoundEntry found)
    {
        // A moment later another entry may lie in this place.
        if (found.Reason == CacheEvictionReason.Corrupt)
            removal.TryRemoveAt(hash, found.Location, default(IsDamaged), found.Reason);
        else
            removal.TryRemoveAt(hash, found.Location, new HasPassed(links, clock.Now), found.Reason);
    }

    private readonly struct IsDamaged : IEntryCondition
    {
        public bool Holds(EntryStore store, EntryState state, ulong location) =>
            !store.TryOpen(location, out EntryView entry) || entry.Header.Is(EntryForms.InPieces) || !entry.IsWhole();
    }
}

/// <summary>True of entries that have expired or lost a tag.</summary>
internal readonly struct HasPassed(EntryLinks links, uint now) : IEntryCondition
{
    public bool Holds(EntryStore store, EntryState state, ulong location) =>
        store.TryOpen(location, out EntryView entry)
        && (entry.Header.Is(EntryForms.Expires) && entry.Deadline <= now || entry.Header.Is(EntryForms.Tagged) && links.IsDead(entry));
}

/// <summary>What a look-up found.</summary>
internal struct FoundEntry
{
    /// <summary>Bytes of the value.</summary>
    public int Length;

    /// <summary>Of a miss, if it was wanted.</summary>
    public CacheMissToken Token;

    /// <summary>Where the entry is that has to go, or slides.</summary>
    public ulong Location;

    /// <summary>True if the entry has to go.</summary>
    public bool IsGone;

    /// <summary>Why it has to go.</summary>
    public CacheEvictionReason Reason;

    /// <summary>True if the entry is compressed and used so much that it need not be.</summary>
    public bool IsHot;

    /// <summary>The new deadline of an entry that slides; otherwise zero.</summary>
    public uint SlidesTo;

    /// <summary>The interval by which it slides.</summary>
    public ushort Interval;

    /// <summary>True if a damaged entry is pinned.</summary>
    public bool IsPinned;

    public void Goes(ulong location, CacheEvictionReason reason) => (Location, IsGone, Reason) = (location, true, reason);
}
