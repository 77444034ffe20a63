namespace PageFold.Caching.Index;

/// <content>Entries whose object compaction moves.</content>
internal sealed unsafe partial class BucketTable<THashes>
{
    /// <summary>
    /// Holds the entry at a location so that its object can move; never waits. False if another thread holds its bucket, or if there is no
    /// such entry. The caller ends the move.
    /// </summary>
    /// <remarks>
    /// One of the hash's buckets is held, the one with the entry. That is enough: readers and writers of the entry need it too.
    /// </remarks>
    public bool TryBeginMove(uint hash, ulong location, out EntryMove move)
    {
        AtLocation match = new(location);
        return TryBeginMove(hash, ref match, out move);
    }

    private readonly struct AtLocation(ulong location) : IEntryMatch
    {
        public bool Matches(ulong candidate) => candidate == location;
    }
}

/// <summary>An entry that is held alone while its object moves. Ended once, by the thread that began it.</summary>
internal readonly unsafe struct EntryMove(BucketLine* bucket, EntryPlace place)
{
    private readonly BucketLine* _bucket = bucket;
    private readonly EntryPlace _place = place;

    /// <summary>Where the entry's object is.</summary>
    public ulong Location => _place.Location;

    /// <summary>Says where the object is now, which may be where it was, and lets the entry go.</summary>
    public void End(ulong location)
    {
        _place.SetLocation(location);
        BucketLock.ReleaseExclusive(_bucket);
    }
}
