using System.Runtime.CompilerServices;
using PageFold.Caching.Index;

namespace PageFold.Caching.Entries;

/// <summary>Goes through all entries: to list their keys, and to remove them all.</summary>
internal sealed class EntryWalks(EntryStore store, EntryRemoval removal)
{
    private const int MaxRounds = 16;

    /// <summary>Begins a walk, which the caller disposes.</summary>
    public EntryWalk<TagHashes> Begin() => store.Index.Walk();

    /// <summary>Adds the keys of the next bucket; false at the end. The caller is inside the heap.</summary>
    public bool TryListNext(ref EntryWalk<TagHashes> walk, List<byte[]> keys)
    {
        KeyVisitor visitor = new(store, removal, keys);
        return walk.TryNext(ref visitor);
    }

    /// <summary>Removes all entries. The caller is inside the heap and holds no hash.</summary>
    [SkipLocalsInit]
    public void RemoveAll()
    {
        Span<SeenEntry> buffer = stackalloc SeenEntry[BucketTable<TagHashes>.MaxBucketEntries];
        bool again = true;
        // An entry that compaction moves between the two looks at it is met in the next round.
        for (int round = 0; again && round < MaxRounds; round++)
        {
            using EntryWalk<TagHashes> walk = Begin();
            EntryWalk<TagHashes> position = walk;
            RemovalVisitor visitor = new(buffer);
            again = false;
            while (position.TryNext(ref visitor))
            {
                foreach (SeenEntry seen in visitor.Seen)
                    again |= !removal.TryRemoveAt(seen.Hash, seen.Location, default(Always), CacheEvictionReason.Removed);
                visitor.Reset();
                removal.Tell();
            }
        }
    }

    private readonly struct Always : IEntryCondition
    {
        public bool Holds(EntryStore store, EntryState state, ulong location) => true;
    }

    private ref struct RemovalVisitor(Span<SeenEntry> seen) : IEntryVisitor
    {
        private readonly Span<SeenEntry> _seen = seen;
        private int _count;

        public readonly ReadOnlySpan<SeenEntry> Seen => _seen[.._count];

        public void Visit(ulong location, uint hash, EntryState state) => _seen[_count++] = new SeenEntry(hash, location);

        public void Reset() => _count = 0;
    }

    private readonly struct KeyVisitor(EntryStore store, EntryRemoval removal, List<byte[]> keys) : IEntryVisitor
    {
        public void Visit(ulong location, uint hash, EntryState state)
        {
            if (!store.TryOpen(location, out EntryView entry))
                return;
            byte[] key = new byte[entry.Header.KeyLength];
            removal.CopyKey(entry, key);
            keys.Add(key);
        }
    }
}
