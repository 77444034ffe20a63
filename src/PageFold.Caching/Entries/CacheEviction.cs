using PageFold.Caching.Eviction;

namespace PageFold.Caching.Entries;

/// <summary>Makes room for objects, tables and entries by evicting others.</summary>
/// <remarks>Thread-safe. The caller of every method is inside the heap and holds no hash.</remarks>
internal sealed class CacheEviction(EntryStore store, Evictor<CacheResidents> evictor, EvictionNotices notices, EvictorOptions options)
{
    // After so many evictions objects are moved together, because the places that they leave are of other sizes.
    private const int EvictionsPerCompaction = 4;

    // The share of the content's limit that one value may have, as a power of two: 2 for a quarter.
    private const int MaxShareShift = 2;

    // After so many, free frames are given back and callbacks told.
    private const int EvictionsPerRound = 256;

    // A table that finds no memory gets so many rounds of evictions; they grow up to this power of two times the first.
    private const int MaxRounds = 64;
    private const int MaxRoundShift = 6;

    public bool IsSampled(uint hash) => evictor.IsSampled(hash);

    public void RecordSampled(uint hash) => evictor.RecordSampled(hash);

    /// <summary>Notes that an entry was published in the small part.</summary>
    public void OnInsert(uint hash) => evictor.OnInsert(hash);

    /// <summary>True if the number of entries or their content is limited.</summary>
    public bool IsLimited => options.MaxEntries > 0 || options.MaxBytes > 0;

    /// <summary>The most that one entry may weigh.</summary>
    public long MaxWeight => options.MaxBytes > 0 ? Math.Max(1, options.MaxBytes >> MaxShareShift) : long.MaxValue;

    /// <summary>Evicts until so much more fits into the limits of entries and content; false if it cannot.</summary>
    public bool TryMakeRoom(long weight, int entries) => evictor.TryMakeRoom(weight, entries);

    /// <summary>Allocates an object, evicting entries until there is room; false if none is left that may go.</summary>
    public bool TryAllocate(int size, out ObjectLocation location)
    {
        if (store.Heap.TryAllocate(size, mayCompact: false, out location))
            return true;
        for (int evicted = 1; ; evicted++)
        {
            bool any = evictor.TryEvict(size);
            if (store.Heap.TryAllocate(size, mayCompact: !any || evicted % EvictionsPerCompaction == 0, out location))
                return true;
            if (!any)
                return false;
        }
    }

    /// <summary>Evicts a few entries and gives free frames back; true if any frame went back.</summary>
    /// <remarks>
    /// Compaction begins when a share of a class's frames could be free, so in a large cache many calls in a row free none.
    /// </remarks>
    public bool TryFreeFrames() => TryFreeFrames(EvictionsPerCompaction, out _);

    /// <summary>
    /// Evicts entries and gives free frames back, for a table that found no memory; false if nothing may go, or after the last round.
    /// </summary>
    /// <param name="round">Counts the calls for one need from zero. Each evicts more than the one before, up to a bound.</param>
    public bool TryMakeRoomForTables(int round)
    {
        if (round >= MaxRounds)
            return false;
        int most = EvictionsPerCompaction << Math.Min(round, MaxRoundShift);
        return TryFreeFrames(most, out bool any) | any;
    }

    private bool TryFreeFrames(int evictions, out bool any)
    {
        any = false;
        while (evictions-- > 0 && evictor.TryEvict(bytes: 1))
            any = true;
        return store.Heap.TryMakeRoom();
    }

    /// <summary>Evicts until the heap holds at most so many bytes; false if it holds more and nothing is left to evict.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="tells">
    /// Tells callbacks on the way. False for work that a callback may wait for, as one that disposes the cache waits for a training.
    /// </param>
    public bool TryTrim(long bytes, bool tells = true)
    {
        // Others may set entries as fast as these go: what is there now may go, and the trim ends.
        long left = store.Index.Count + store.Heap.UsedBytes / store.Heap.MaxObjectSize + EvictionsPerRound;
        while (store.Heap.UsedBytes > bytes)
        {
            // The search for an entry that may go is long if there is none.
            int evicted = 0;
            while (evicted < EvictionsPerRound && store.Heap.UsedBytes > bytes && evictor.TryEvict(bytes: 1))
                evicted++;
            bool any = evicted > 0;
            if (tells)
                notices.Tell();
            any |= store.Index.Tighten(64);
            // What evicted entries leave is moved together before others go: frames go back whole.
            for (; left > 0 && store.Heap.UsedBytes > bytes && store.Heap.TryMakeRoom(); left--)
                any = true;
            left -= evicted + 1;
            // Last, since it forgets what eviction knows of keys.
            if (left <= 0 || !any && !ShrinkTables())
                return store.Heap.UsedBytes <= bytes;
        }
        return true;
    }

    /// <summary>Brings the tables of eviction to the number of entries, in steps; true if memory went back.</summary>
    public bool ShrinkTables() => evictor.ShrinkTables();
}
