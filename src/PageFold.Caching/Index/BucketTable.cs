using System.Numerics;
using System.Runtime.CompilerServices;

namespace PageFold.Caching.Index;

/// <summary>
/// The index of a cache: proposes, for the hash of a key, the locations of the entries that may have the key, at 7 to 8 bytes an entry.
/// Thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// Each hash has two buckets of ten slots (Azar et al., "Balanced allocations", 1994), and an entry lies in the emptier one. When both are
/// full, one entry moves to its other bucket (Pagh and Rodler, "Cuckoo hashing", 2001), which its print tells (Fan et al., "Cuckoo filter",
/// 2014); where that fails, a further line continues a bucket.
/// The table grows and shrinks by linear hashing (Litwin, 1980): each step divides one bucket in two, or merges two, so no step is long.
/// </para>
/// <para>
/// The hash has 31 bits, and the table stores 8 bits of it as a print. Where it needs the others, mostly to divide a bucket, it reads them
/// from the entry itself.
/// </para>
/// <para>
/// Locks: each bucket has a reader-writer spin lock in its first line. A thread that holds several takes them in the order of their
/// numbers, or only tries. An entry moves between buckets only while both are held alone. Outside these locks is the right to change the
/// number of buckets, which is only tried; inside are the lock of the further lines and what <see cref="CacheMemory"/> does, which must
/// not wait for a bucket.
/// </para>
/// </remarks>
/// <typeparam name="THashes">Reads the hash at a location; a struct, so that the call is inlined.</typeparam>
internal sealed unsafe partial class BucketTable<THashes> : IDisposable
    where THashes : struct, IEntryHashes
{
    private const int MaxFurtherLines = 6;
    private const int MaxMoveAttempts = 3;

    // In halves of a slot: a bucket with two free slots is empty enough to look no further.
    private const int EnoughRoom = 4;
    public const int MaxBucketEntries = BucketLine.Slots * (1 + MaxFurtherLines);

    private readonly IndexMemory _memory;
    private readonly THashes _hashes;
    private PaddedCount _count;

    private BucketTable(IndexMemory memory, BucketArray buckets, THashes hashes)
    {
        _memory = memory;
        Buckets = buckets;
        _hashes = hashes;
    }

    /// <summary>The number of entries.</summary>
    public long Count => Interlocked.Read(ref _count.Entries);

    /// <summary>The bytes that the index holds of the cache's memory.</summary>
    public long Bytes => _memory.Bytes;

    internal BucketArray Buckets { get; }

    /// <summary>Makes an empty index, which takes less than 5 KiB; null when there is no memory.</summary>
    public static BucketTable<THashes>? TryCreate(CacheMemory memory, THashes hashes)
    {
        IndexMemory counted = new(memory);
        BucketArray? buckets = BucketArray.TryCreate(counted);
        return buckets is null ? null : new BucketTable<THashes>(counted, buckets, hashes);
    }

    /// <summary>Holds the entries of a hash for reading: none of them changes or moves meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SharedKey LockShared(uint hash) => new(Buckets, hash);

    /// <summary>Holds the entries of a hash alone, to change them.</summary>
    public ExclusiveKey<THashes> LockExclusive(uint hash) => new(this, hash);

    /// <summary>Gives all memory back. No other thread uses the index.</summary>
    public void Dispose()
    {
        Buckets.Free();
        _count.Entries = 0;
    }

    internal uint HashAt(ulong location) => _hashes.HashAt(location);

    /// <summary>Adds an entry to one of two buckets that the caller holds alone; false when there is no memory.</summary>
    internal bool TryInsert(BucketPair pair, BucketLine* lower, BucketLine* higher, BucketLine.SlotContent content)
    {
        int inLower = BitOperations.PopCount(BucketLine.LiveMask(lower));
        int inHigher = BitOperations.PopCount(BucketLine.LiveMask(higher));
        bool done = TryAppendToLast(inLower <= inHigher ? lower : higher, content, mayContinue: false)
            || TryMakeRoom(pair.Lower, lower, pair) && TryAppendToLast(lower, content, mayContinue: true)
            || TryMakeRoom(pair.Higher, higher, pair) && TryAppendToLast(higher, content, mayContinue: true)
            || TryAppendToLast(lower, content, mayContinue: true)
            || TryAppendToLast(higher, content, mayContinue: true)
            || TryContinue(lower, content)
            || TryContinue(higher, content);
        if (done)
            Interlocked.Increment(ref _count.Entries);
        return done;
    }

    /// <summary>Removes an entry from one of two buckets that the caller holds alone.</summary>
    internal void Remove(BucketLine* lower, BucketLine* higher, EntryPlace place)
    {
        RemoveFrom(HasLine(lower, place.Line) ? lower : higher, place);
        Interlocked.Decrement(ref _count.Entries);
    }

    private bool HasLine(BucketLine* bucket, BucketLine* line)
    {
        for (BucketLine* candidate = bucket; candidate is not null; candidate = Buckets.Next(candidate))
        {
            if (candidate == line)
                return true;
        }
        return false;
    }

    /// <summary>Frees a slot and fills it from the bucket's last line, so that all lines but the last are full.</summary>
    private void RemoveFrom(BucketLine* bucket, EntryPlace place)
    {
        BucketLine* before = null;
        BucketLine* last = bucket;
        while (Buckets.Next(last) is var next && next is not null)
        {
            before = last;
            last = next;
        }
        int slot = place.Slot;
        if (last != place.Line)
        {
            slot = BitOperations.TrailingZeroCount(BucketLine.LiveMask(last));
            BucketLine.Write(place.Line, place.Slot, BucketLine.Read(last, slot));
        }
        BucketLine.Clear(last, slot);
        if (before is null || BucketLine.LiveMask(last) != 0)
            return;
        uint number = BucketLock.Further(before);
        BucketLock.SetFurther(before, 0);
        Buckets.Further.Free(number);
    }

    private bool TryAppendToLast(BucketLine* bucket, BucketLine.SlotContent content, bool mayContinue)
    {
        BucketLine* last = bucket;
        while (Buckets.Next(last) is var next && next is not null)
        {
            if (!mayContinue)
                return false;
            last = next;
        }
        uint free = BucketLine.FreeMask(last);
        if (free == 0)
            return false;
        BucketLine.Write(last, BitOperations.TrailingZeroCount(free), content);
        return true;
    }

    /// <summary>Adds an entry in a new line after a bucket's last; false when there is no memory or the bucket has too many.</summary>
    private bool TryContinue(BucketLine* bucket, BucketLine.SlotContent content)
    {
        int further = 0;
        BucketLine* last = bucket;
        while (Buckets.Next(last) is var next && next is not null)
        {
            further++;
            last = next;
        }
        if (further >= MaxFurtherLines)
            return false;
        uint number = Buckets.Further.TryTake();
        if (number == 0)
            return false;
        BucketLine.Write(Buckets.Further.At(number), 0, content);
        BucketLock.SetFurther(last, number);
        return true;
    }

    /// <summary>
    /// Moves an entry of a bucket to its other bucket, if one has room there and is free; never waits. The caller holds both of a pair
    /// alone, of which this bucket is one.
    /// </summary>
    /// <remarks>
    /// The entry whose other bucket is the emptiest goes. Prints tell the other buckets, so entries are not read to find it.
    /// </remarks>
    private bool TryMakeRoom(uint bucket, BucketLine* line, BucketPair held)
    {
        uint candidates = BucketLine.LiveMask(line);
        for (int attempt = 0; attempt < MaxMoveAttempts && candidates != 0; attempt++)
        {
            uint count = Buckets.Count;
            int slot = FindMostRoom(bucket, line, candidates, held, count);
            if (slot < 0)
                return false;
            if (TryMove(bucket, line, slot, held, count))
                return true;
            candidates &= ~(1u << slot);
        }
        return false;
    }

    private int FindMostRoom(uint bucket, BucketLine* line, uint candidates, BucketPair held, uint count)
    {
        int best = -1;
        int most = 0;
        for (; candidates != 0 && most < EnoughRoom; candidates &= candidates - 1)
        {
            int slot = BitOperations.TrailingZeroCount(candidates);
            uint other = BucketArray.OtherOf(bucket, BucketLine.Read(line, slot).Print, count, out bool isExact);
            if (held.Has(other) && isExact)
                continue;
            // In halves, since the other bucket may be either of two.
            int room = isExact
                ? 2 * Buckets.PeekFree(other)
                : Buckets.PeekFree(other) + Buckets.PeekFree(other + (1u << BitOperations.Log2(count)));
            if (room > most)
            {
                most = room;
                best = slot;
            }
        }
        return best;
    }

    private bool TryMove(uint bucket, BucketLine* line, int slot, BucketPair held, uint count)
    {
        BucketLine.SlotContent content = BucketLine.Read(line, slot);
        uint other = BucketArray.OtherOf(bucket, content.Print, count, out bool isExact);
        if (!isExact)
            other = BucketArray.PairOf(_hashes.HashAt(content.Location), count).Other(bucket);
        if (held.Has(other))
            return false;
        BucketLine* target = Buckets.TryLockOne(other, count);
        if (target is null)
            return false;
        // Asked while the target is held: a walk that begins later finds the entry there. Forwards, a walk meets it again.
        bool moved = (other > bucket || Volatile.Read(ref _walks) == 0) && TryAppendToLast(target, content, mayContinue: false);
        if (moved)
            RemoveFrom(line, new EntryPlace(line, slot));
        BucketLock.ReleaseExclusive(target);
        return moved;
    }
}
