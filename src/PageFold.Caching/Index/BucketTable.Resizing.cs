using System.Numerics;

namespace PageFold.Caching.Index;

/// <content>Growth and shrinking: one bucket at a time.</content>
internal sealed unsafe partial class BucketTable<THashes>
{
    private const int TargetFill = 9;
    private const int TightFill = 8;
    private const int MaxDivisionsAtOnce = 2;

    // One while a thread changes the number of buckets.
    private int _resizing;

    /// <summary>
    /// Divides buckets if the table is full; false when there is no memory. Inserters call it after they have let their buckets go.
    /// </summary>
    /// <remarks>Does nothing while another thread does it, which makes room for both.</remarks>
    public bool TryGrowIfNeeded()
    {
        if (Count <= (long)Buckets.Count * TargetFill || Interlocked.Exchange(ref _resizing, 1) != 0)
            return true;
        bool grown = true;
        for (int i = 0; grown && i < MaxDivisionsAtOnce && Count > (long)Buckets.Count * TargetFill; i++)
            grown = TryDivide();
        Volatile.Write(ref _resizing, 0);
        return grown;
    }

    /// <summary>
    /// Merges up to so many buckets if the table is not full, and gives memory back; true if another call has more to do. The caller holds
    /// no bucket.
    /// </summary>
    public bool Tighten(int steps)
    {
        if (Interlocked.Exchange(ref _resizing, 1) != 0)
            return true;
        bool merged = true;
        while (merged && steps-- > 0)
            merged = IsLoose && TryMerge();
        Buckets.FreeUnused();
        Volatile.Write(ref _resizing, 0);
        return merged && IsLoose;
    }

    private bool IsLoose => Buckets.Count > BucketArray.MinCount && Count < (long)Buckets.Count * TightFill;

    /// <summary>Adds a bucket and moves to it the entries of another that belong there now.</summary>
    private bool TryDivide()
    {
        uint count = Buckets.Count;
        if (!Buckets.TryEnsure(count))
            return false;
        uint divided = BucketArray.DividedAt(count);
        BucketLine* source = Buckets.At(divided);
        BucketLine* target = Buckets.At(count);
        BucketLock.AcquireExclusive(source);
        BucketLock.AcquireExclusive(target);

        Span<BucketLine.SlotContent> entries = stackalloc BucketLine.SlotContent[MaxBucketEntries];
        Span<uint> hashes = stackalloc uint[MaxBucketEntries];
        Span<uint> lines = stackalloc uint[MaxFurtherLines];
        int length = TakeEntries(source, entries);
        for (int i = 0; i < length; i++)
            hashes[i] = _hashes.HashAt(entries[i].Location);
        int free = TakeLines(source, lines);

        // Those that may stay or go fill up the emptier bucket. The divided bucket's own further lines are enough for both.
        int going = 0;
        int staying = 0;
        for (int i = 0; i < length; i++)
        {
            BucketPair pair = BucketArray.PairOf(hashes[i], count + 1);
            if (!pair.Has(divided))
                going++;
            else if (!pair.Has(count))
                staying++;
        }
        Span<uint> unused = lines[..free];
        for (int i = 0; i < length; i++)
        {
            BucketPair pair = BucketArray.PairOf(hashes[i], count + 1);
            bool isFree = pair.Has(divided) && pair.Has(count);
            bool goes = isFree ? going < staying : pair.Has(count);
            if (isFree && goes)
                going++;
            else if (isFree)
                staying++;
            Put(goes ? target : source, entries[i], ref unused);
        }
        FreeLines(unused);
        Buckets.SetCount(count + 1);
        BucketLock.ReleaseExclusive(target);
        BucketLock.ReleaseExclusive(source);
        return true;
    }

    /// <summary>Merges the last bucket into the one that it was divided from; false while that cannot be done.</summary>
    private bool TryMerge()
    {
        uint last = Buckets.Count - 1;
        uint into = BucketArray.DividedAt(last);
        BucketLine* source = Buckets.At(last);
        BucketLine* target = Buckets.At(into);
        BucketLock.AcquireExclusive(target);
        BucketLock.AcquireExclusive(source);
        // A walk that has passed the one bucket would miss what comes to it. Asked while both are held, as in TryMakeRoom.
        bool merged = Volatile.Read(ref _walks) == 0 && TryMergeHeld(new BucketPair(into, last), target, source);
        if (merged)
            Buckets.SetCount(last);
        BucketLock.ReleaseExclusive(source);
        BucketLock.ReleaseExclusive(target);
        return merged;
    }

    private bool TryMergeHeld(BucketPair pair, BucketLine* target, BucketLine* source)
    {
        int length = LengthOf(target) + LengthOf(source);
        while (length > BucketLine.Slots && (TryMakeRoom(pair.Higher, source, pair) || TryMakeRoom(pair.Lower, target, pair)))
            length--;
        if (length > MaxBucketEntries)
            return false;

        int has = LinesOf(target) + LinesOf(source);
        int needs = (Math.Max(length, 1) - 1) / BucketLine.Slots;
        Span<uint> lines = stackalloc uint[2 * MaxFurtherLines];
        int taken = 0;
        while (has + taken < needs)
        {
            lines[taken] = Buckets.Further.TryTake();
            if (lines[taken] == 0)
            {
                FreeLines(lines[..taken]);
                return false;
            }
            taken++;
        }

        Span<BucketLine.SlotContent> entries = stackalloc BucketLine.SlotContent[2 * MaxBucketEntries];
        int inTarget = TakeEntries(target, entries);
        TakeEntries(source, entries[inTarget..]);
        taken += TakeLines(target, lines[taken..]);
        taken += TakeLines(source, lines[taken..]);
        Span<uint> unused = lines[..taken];
        foreach (BucketLine.SlotContent entry in entries[..length])
            Put(target, entry, ref unused);
        FreeLines(unused);
        return true;
    }

    private int LengthOf(BucketLine* bucket)
    {
        int length = 0;
        for (BucketLine* line = bucket; line is not null; line = Buckets.Next(line))
            length += BitOperations.PopCount(BucketLine.LiveMask(line));
        return length;
    }

    private int LinesOf(BucketLine* bucket)
    {
        int lines = 0;
        for (BucketLine* line = Buckets.Next(bucket); line is not null; line = Buckets.Next(line))
            lines++;
        return lines;
    }

    /// <summary>Empties a bucket's slots; returns how many entries were in them.</summary>
    private int TakeEntries(BucketLine* bucket, Span<BucketLine.SlotContent> entries)
    {
        int length = 0;
        for (BucketLine* line = bucket; line is not null; line = Buckets.Next(line))
        {
            for (uint live = BucketLine.LiveMask(line); live != 0; live &= live - 1)
                entries[length++] = BucketLine.Read(line, BitOperations.TrailingZeroCount(live));
            BucketLine.ClearSlots(line);
        }
        return length;
    }

    /// <summary>Takes a bucket's further lines from it; returns how many they were.</summary>
    private int TakeLines(BucketLine* bucket, Span<uint> lines)
    {
        int length = 0;
        BucketLine* line = bucket;
        while (BucketLock.Further(line) is var number and not 0)
        {
            BucketLock.SetFurther(line, 0);
            lines[length++] = number;
            line = Buckets.Further.At(number);
        }
        return length;
    }

    /// <summary>Adds an entry to a bucket, in one of the unused lines if the bucket's last is full.</summary>
    private void Put(BucketLine* bucket, BucketLine.SlotContent entry, ref Span<uint> unused)
    {
        BucketLine* last = bucket;
        while (Buckets.Next(last) is var next && next is not null)
            last = next;
        if (BucketLine.FreeMask(last) == 0)
        {
            BucketLock.SetFurther(last, unused[^1]);
            last = Buckets.Further.At(unused[^1]);
            unused = unused[..^1];
        }
        BucketLine.Write(last, BitOperations.TrailingZeroCount(BucketLine.FreeMask(last)), entry);
    }

    private void FreeLines(Span<uint> lines)
    {
        foreach (uint line in lines)
            Buckets.Further.Free(line);
    }
}
