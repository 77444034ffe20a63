using PageFold.Caching.Eviction;
using PageFold.Caching.Index;

namespace PageFold.Caching.Entries;

/// <summary>The cache's entries as its eviction sees them. Every call comes under the lock of eviction.</summary>
internal readonly struct CacheResidents(EntryRemoval removal, SweepHand hand) : IResidents
{
    // A table that is full of entries of the small part, or was just emptied, has long stretches without a victim.
    private const int MaxBucketsPerSweep = 4096;

    private EntryStore Store => removal.Store;

    public long SmallEntries => Store.Residents.SmallEntries;

    public long SmallBytes => Store.Residents.SmallBytes;

    public long MainEntries => Store.Residents.MainEntries;

    public long MainBytes => Store.Residents.MainBytes;

    public long Sweeps => Store.Index.Buckets.Count / MaxBucketsPerSweep + 1;

    public bool TryFindSmall(uint hash, out Resident small)
    {
        small = default;
        ExclusiveKey<TagHashes> held = Store.Index.LockExclusive(hash);
        try
        {
            if (!held.TryFindSmall(out EntryPlace place, out ulong location) || !Store.TryOpen(location, out EntryView entry))
                return false;
            small = Describe(hash, location, place.State, entry);
            return true;
        }
        finally
        {
            held.Dispose();
        }
    }

    public bool TryPromote(in Resident small, byte stamp)
    {
        ExclusiveKey<TagHashes> held = Store.Index.LockExclusive(small.Hash);
        try
        {
            // Compaction may have moved the entry since it was found, so it is found again.
            if (!held.TryFindSmall(out EntryPlace place, out ulong location) || !Store.TryOpen(location, out EntryView entry))
                return false;
            place.SetState(new EntryState(0, isMain: true));
            Store.Residents.Promote(Store.Weigh(entry));
            if (Store.HasStamps)
                entry.SetStamp(stamp);
            return true;
        }
        finally
        {
            held.Dispose();
        }
    }

    public bool TrySweep(Span<uint> passed, out int passedCount, out Resident victim)
    {
        (passedCount, victim) = (0, default);
        if (MainEntries <= 0)
            return false;
        SweepVisitor visitor = new(Store, passed);
        SweepPosition position = hand.Position;
        bool found = Store.Index.Sweep(ref position, MaxBucketsPerSweep, ref visitor);
        hand.Position = position;
        passedCount = visitor.Passed;
        victim = visitor.Victim;
        return found;
    }

    public int Sample(ulong random, Span<Resident> sample)
    {
        long buckets = Store.Index.Buckets.Count;
        int count = 0;
        for (int i = 0; i < sample.Length; i++)
        {
            random = random * 6364136223846793005 + 1442695040888963407;
            SweepPosition position = new((uint)((random >> 32) * (ulong)buckets >> 32), (int)((random >> 24 & 0xFF) % BucketLine.Slots));
            SampleVisitor visitor = new(Store);
            if (Store.Index.Sweep(ref position, 4, ref visitor))
                sample[count++] = visitor.Seen;
        }
        return count;
    }

    public void Restamp(in Resident main, byte stamp)
    {
        ExclusiveKey<TagHashes> held = Store.Index.LockExclusive(main.Hash);
        try
        {
            if (!held.TryFind((ulong)main.Position, out EntryPlace place) || !Store.TryOpen(place.Location, out EntryView entry))
                return;
            place.SetState(place.State.WithFrequency(0));
            entry.SetStamp(stamp);
        }
        finally
        {
            held.Dispose();
        }
    }

    public bool TryEvict(in Resident entry) =>
        removal.TryRemoveAt(entry.Hash, (ulong)entry.Position, default(IsEvictable), CacheEvictionReason.Capacity);

    private Resident Describe(uint hash, ulong location, EntryState state, in EntryView entry) =>
        new(hash, (long)location, state.Frequency, Store.Weigh(entry), Store.HasStamps ? entry.Stamp : (byte)0);

    private readonly struct IsEvictable : IEntryCondition
    {
        public bool Holds(EntryStore store, EntryState state, ulong location) =>
            !state.IsPinned;
    }

    /// <summary>Looks for an entry without a hit, and takes one from the frequency of those it passes.</summary>
    private ref struct SweepVisitor(EntryStore store, Span<uint> passed) : ISweepVisitor
    {
        private readonly Span<uint> _passed = passed;

        public int Passed;
        public Resident Victim;

        public bool Visit(ulong location, ref EntryState state)
        {
            if (state.IsPinned)
                return true;
            if (state.Frequency > 0 && Passed < _passed.Length)
            {
                _passed[Passed++] = store.HashAt(location);
                state = state.WithFrequency(state.Frequency - 1);
                if (Passed < _passed.Length)
                    return true;
            }
            bool isOpen = store.TryOpen(location, out EntryView entry);
            Victim = new Resident(entry.Tag.Hash, (long)location, state.Frequency, isOpen ? store.Weigh(entry) : entry.Bytes);
            return false;
        }
    }

    private ref struct SampleVisitor(EntryStore store) : ISweepVisitor
    {
        public Resident Seen;

        public bool Visit(ulong location, ref EntryState state)
        {
            if (state.IsPinned || !store.TryOpen(location, out EntryView entry))
                return true;
            Seen = new Resident(entry.Tag.Hash, (long)location, state.Frequency, store.Weigh(entry), entry.Stamp);
            return false;
        }
    }
}

/// <summary>Where the hand of the clock is.</summary>
internal sealed class SweepHand
{
    public SweepPosition Position;
}
