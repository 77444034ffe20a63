using System.Runtime.CompilerServices;
using PageFold.Caching.Expiry;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>Finds and removes entries that have expired.</summary>
/// <remarks>
/// The wheel's groups are those of buckets: an entry's deadline is noted for both its buckets, and a group's visit looks at all entries of
/// its buckets. Thread-safe.
/// </remarks>
internal sealed class CacheExpiry
{
    // Looks at a bucket before entries that could not be removed are left to the next second.
    private const int MaxLooks = 4;

    private readonly EntryStore _store;
    private readonly EntryRemoval _removal;
    private readonly EntryLinks _links;
    private readonly EvictionNotices _notices;
    private readonly ExpiryWheel _wheel;

    public CacheExpiry(EntryStore store, EntryRemoval removal, EntryLinks links, EvictionNotices notices, CacheClock clock)
    {
        (_store, _removal, _links, _notices, Clock) = (store, removal, links, notices, clock);
        _wheel = new ExpiryWheel(store.Memory);
    }

    public CacheClock Clock { get; }

    /// <summary>Bytes of the wheel.</summary>
    public long Bytes => _wheel.Bytes;

    /// <summary>Notes the deadline of an entry. The caller holds the entry's hash alone, since it was written.</summary>
    public void Note(uint hash, uint deadline)
    {
        // Without memory for the wheel an entry expires when it is looked up, or is evicted.
        _ = _wheel.Note(hash, deadline) && _wheel.Note(BucketArray.Second(hash), deadline);
    }

    /// <summary>Has the wheel fit the number of entries. Cheap if it does.</summary>
    public void Fit() => _wheel.Fit(_store.Index.Count);

    /// <summary>Removes the entries whose deadline has passed; returns how many. The caller is inside the heap and holds no hash.</summary>
    public long RemoveDue()
    {
        // Entries that came faster than the upkeep had the wheel grow make long visits.
        Fit();
        long removed = 0;
        while (_wheel.TryTakeDue(Clock.Now, out GroupRange range))
        {
            removed += Visit(range);
            _notices.Tell();
        }
        return removed;
    }

    [SkipLocalsInit]
    private int Visit(GroupRange range)
    {
        // While the walk lasts, the table does not shrink: an entry that moves goes to a bucket that is still to be visited.
        using EntryWalk<TagHashes> walk = _store.Index.Walk();
        DeadlineVisitor visitor = new(_store, Clock.Now, stackalloc SeenEntry[BucketTable<TagHashes>.MaxBucketEntries]);
        BucketArray buckets = _store.Index.Buckets;
        int removed = 0;
        if (range.Mask < buckets.Count)
        {
            for (uint bucket = range.Value; bucket < buckets.Count; bucket += range.Mask + 1)
                removed += Visit(bucket, ref visitor);
        }
        else
        {
            uint bucket;
            do
            {
                bucket = BucketArray.Reduce(range.Value, buckets.Count);
                removed += Visit(bucket, ref visitor);
            }
            while (BucketArray.Reduce(range.Value, buckets.Count) != bucket);
        }
        if (visitor.Earliest != CacheClock.Never)
            _wheel.Note(range, visitor.Earliest);
        return removed;
    }

    private int Visit(uint bucket, ref DeadlineVisitor visitor)
    {
        int removed = 0;
        HasPassed passed = new(_links, Clock.Now);
        for (int look = 1; ; look++)
        {
            visitor.Reset();
            _store.Index.TryVisit(bucket, ref visitor);
            bool all = true;
            foreach (SeenEntry seen in visitor.Expired)
            {
                if (_removal.TryRemoveAt(seen.Hash, seen.Location, passed, CacheEvictionReason.Expired))
                    removed++;
                else
                    all = false;
            }
            if (all)
                return removed;
            // Compaction moved an entry after it was seen, or another thread removed it.
            if (look == MaxLooks)
            {
                visitor.Earliest = Math.Min(visitor.Earliest, Clock.Now + CacheClock.TicksPerSecond);
                return removed;
            }
        }
    }

    private ref struct DeadlineVisitor(EntryStore store, uint now, Span<SeenEntry> expired) : IEntryVisitor
    {
        private readonly Span<SeenEntry> _expired = expired;
        private int _count;

        /// <summary>The earliest deadline of the entries that stay.</summary>
        public uint Earliest = CacheClock.Never;

        public readonly ReadOnlySpan<SeenEntry> Expired => _expired[.._count];

        public void Visit(ulong location, uint hash, EntryState state)
        {
            if (!store.TryOpen(location, out EntryView entry) || !entry.Header.Is(EntryForms.Expires))
                return;
            uint deadline = entry.Deadline;
            if (deadline > now)
                Earliest = Math.Min(Earliest, deadline);
            else
                _expired[_count++] = new SeenEntry(hash, location);
        }

        public void Reset() => _count = 0;
    }
}

/// <summary>An entry as it was seen while its bucket was held.</summary>
internal readonly record struct SeenEntry(uint Hash, ulong Location);
