using System.Numerics;

namespace PageFold.Caching.Index;

/// <summary>Sees the entries of the main part as the clock's hand passes them.</summary>
internal interface ISweepVisitor
{
    /// <summary>
    /// Sees an entry, which is held alone, and may change its state. False ends the sweep behind it. Must not lock a hash.
    /// </summary>
    public bool Visit(ulong location, ref EntryState state);
}

/// <summary>Sees all entries.</summary>
internal interface IEntryVisitor
{
    /// <summary>Sees an entry, which is held for reading. Must not lock a hash.</summary>
    public void Visit(ulong location, uint hash, EntryState state);
}

/// <summary>Where the clock's hand is: a bucket and a place in it. The default is the beginning.</summary>
internal record struct SweepPosition(uint Bucket, int Place);

/// <content>Going through all entries.</content>
internal sealed unsafe partial class BucketTable<THashes>
{
    // Walks that are under way.
    private int _walks;

    /// <summary>
    /// Shows the entries of the main part from a position on, round and round, in at most so many buckets; true if the visitor ended it.
    /// </summary>
    /// <remarks>
    /// The caller has the lock of eviction, which is taken before those of buckets, and keeps the position. A round sees each entry once
    /// unless it moves between buckets meanwhile.
    /// </remarks>
    public bool Sweep<TVisitor>(ref SweepPosition position, long buckets, ref TVisitor visitor)
        where TVisitor : ISweepVisitor, allows ref struct
    {
        for (; buckets > 0; buckets--)
        {
            BucketLine* bucket = Buckets.Lock(position.Bucket, exclusive: true);
            if (bucket is null)
            {
                position = default;
                bucket = Buckets.Lock(0, exclusive: true);
            }
            int next = SweepBucket(bucket, position.Place, ref visitor);
            BucketLock.ReleaseExclusive(bucket);
            if (next >= 0)
            {
                position = position with { Place = next };
                return true;
            }
            position = new SweepPosition(position.Bucket + 1, 0);
        }
        return false;
    }

    /// <summary>Begins to go through all entries. The caller disposes the walk.</summary>
    /// <remarks>
    /// An entry that is present throughout is seen at least once; one that comes, goes or moves meanwhile may be seen or not, or twice.
    /// While a walk is under way the table does not shrink, and entries move between buckets only forwards.
    /// </remarks>
    public EntryWalk<THashes> Walk()
    {
        Interlocked.Increment(ref _walks);
        return new EntryWalk<THashes>(this);
    }

    internal void EndWalk() => Interlocked.Decrement(ref _walks);

    internal bool TryVisit<TVisitor>(uint number, ref TVisitor visitor)
        where TVisitor : IEntryVisitor, allows ref struct
    {
        BucketLine* bucket = Buckets.Lock(number, exclusive: false);
        if (bucket is null)
            return false;
        for (BucketLine* line = bucket; line is not null; line = Buckets.Next(line))
        {
            for (uint live = BucketLine.LiveMask(line); live != 0; live &= live - 1)
            {
                int slot = BitOperations.TrailingZeroCount(live);
                ulong location = BucketLine.Location(line, slot);
                visitor.Visit(location, _hashes.HashAt(location), BucketLine.State(line, slot));
            }
        }
        BucketLock.ReleaseShared(bucket);
        return true;
    }

    /// <summary>Shows the entries of a bucket from a place on; returns the place behind the one that ended it, or less than zero.</summary>
    private int SweepBucket<TVisitor>(BucketLine* bucket, int from, ref TVisitor visitor)
        where TVisitor : ISweepVisitor, allows ref struct
    {
        int first = 0;
        for (BucketLine* line = bucket; line is not null; line = Buckets.Next(line), first += BucketLine.Slots)
        {
            uint live = BucketLine.LiveMask(line);
            live &= from <= first ? uint.MaxValue : from - first >= BucketLine.Slots ? 0 : uint.MaxValue << from - first;
            for (; live != 0; live &= live - 1)
            {
                int slot = BitOperations.TrailingZeroCount(live);
                EntryState state = BucketLine.State(line, slot);
                if (!state.IsMain)
                    continue;
                bool goesOn = visitor.Visit(BucketLine.Location(line, slot), ref state);
                BucketLine.SetState(line, slot, state);
                if (!goesOn)
                    return first + slot + 1;
            }
        }
        return -1;
    }
}

/// <summary>A walk through all entries of an index, by one thread at a time.</summary>
internal struct EntryWalk<THashes>(BucketTable<THashes> table) : IDisposable
    where THashes : struct, IEntryHashes
{
    private BucketTable<THashes>? _table = table;
    private uint _next;

    /// <summary>Shows the entries of the next bucket; false at the end.</summary>
    public bool TryNext<TVisitor>(ref TVisitor visitor)
        where TVisitor : IEntryVisitor, allows ref struct =>
        _table is not null && _table.TryVisit(_next++, ref visitor);

    public void Dispose()
    {
        _table?.EndWalk();
        _table = null;
    }
}
