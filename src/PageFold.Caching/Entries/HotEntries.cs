using PageFold.Caching.Index;

namespace PageFold.Caching.Entries;

/// <summary>Keeps the most used values decompressed, within a share of the memory limit.</summary>
/// <remarks>
/// A hit of an entry that was hit often since the hand of the clock passed is a chance in sixteen to be decompressed, while the share has
/// room. Upkeep goes through the entries, and compresses those again that were not used for a round. Thread-safe; the caller of every
/// method is inside the heap and holds no hash.
/// </remarks>
internal sealed class HotEntries(EntryStore store, EntryRecoder recoder, double share)
{
    private const int OneIn = 16;

    // So many buckets a call of the upkeep: a million entries in about two minutes.
    private const int BucketsPerCall = 1024;

    private int _hits;
    private uint _next;

    public bool IsWanted => share > 0;

    private long MaxBytes => (long)(share * store.Heap.MemoryLimit);

    /// <summary>Notes a hit of an entry with the highest frequency.</summary>
    public void NoteHit(uint hash, ulong location)
    {
        // A count that is lost when threads race changes nothing.
        if (++_hits % OneIn == 0 && recoder.HotBytes < MaxBytes)
            recoder.TryDecompress(new SeenEntry(hash, location));
    }

    /// <summary>Compresses values again that are used no longer, or for which the share has no room.</summary>
    public void Cool()
    {
        if (recoder.HotBytes == 0)
            return;
        Visitor visitor = new(store, stackalloc SeenEntry[BucketTable<TagHashes>.MaxBucketEntries]);
        for (int i = 0; i < BucketsPerCall; i++)
        {
            if (!store.Index.TryVisit(_next, ref visitor))
            {
                _next = 0;
                return;
            }
            _next++;
            foreach (SeenEntry seen in visitor.Seen)
            {
                if (!IsInUse(seen) || recoder.HotBytes > MaxBytes)
                    recoder.TryRecode(seen);
            }
            visitor.Reset();
        }
    }

    /// <summary>Takes one from the frequency of an entry; false if it was zero.</summary>
    private bool IsInUse(SeenEntry seen)
    {
        ExclusiveKey<TagHashes> held = store.Index.LockExclusive(seen.Hash);
        try
        {
            if (!held.TryFind(seen.Location, out EntryPlace place) || place.State.Frequency == 0)
                return false;
            place.SetState(place.State.WithFrequency(place.State.Frequency - 1));
            return true;
        }
        finally
        {
            held.Dispose();
        }
    }

    private ref struct Visitor(EntryStore store, Span<SeenEntry> seen) : IEntryVisitor
    {
        private readonly Span<SeenEntry> _seen = seen;
        private int _count;

        public readonly ReadOnlySpan<SeenEntry> Seen => _seen[.._count];

        public void Visit(ulong location, uint hash, EntryState state)
        {
            if (store.TryOpen(location, out EntryView entry) && entry.Header.IsHot)
                _seen[_count++] = new SeenEntry(hash, location);
        }

        public void Reset() => _count = 0;
    }
}
