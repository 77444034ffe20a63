using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace PageFold.Caching.Index;

/// <summary>
/// The buckets by number, and which two of them are a hash's. Their number grows and shrinks by one (Litwin, "Linear hashing", 1980).
/// </summary>
/// <remarks>
/// <para>
/// Lines lie in blocks: small ones for the first million bytes, so that a small table holds little that it does not use.
/// </para>
/// <para>
/// The number of buckets changes only while the two buckets concerned are held alone. So a thread that found a hash's buckets and locked
/// one of them reads the number again: if the bucket is still the hash's, it stays so while the lock is held.
/// </para>
/// </remarks>
internal sealed unsafe class BucketArray
{
    /// <summary>The buckets of an empty table.</summary>
    public const uint MinCount = SmallLength;

    private const uint MaxCount = 1u << 28;
    private const int SmallShift = 6;
    private const uint SmallLength = 1u << SmallShift;
    private const uint SmallBlocks = 256;
    private const uint SmallLines = SmallBlocks << SmallShift;
    private const int LargeShift = 10;
    private const uint LargeLength = 1u << LargeShift;

    private readonly IndexMemory _memory;
    private readonly GrowingArray<nint> _blocks;
    private Padded _count;

    // Blocks that exist. Written by the thread that changes the number of buckets.
    private uint _blockCount;

    private BucketArray(IndexMemory memory)
    {
        _memory = memory;
        _blocks = new GrowingArray<nint>(memory);
        Further = new FurtherLines(memory);
    }

    /// <summary>The lines that continue full buckets.</summary>
    public FurtherLines Further { get; }

    /// <summary>The number of buckets.</summary>
    public uint Count => Volatile.Read(ref _count.Value);

    /// <summary>Makes the buckets of an empty table; null when there is no memory.</summary>
    public static BucketArray? TryCreate(IndexMemory memory)
    {
        BucketArray array = new(memory);
        for (uint bucket = 0; bucket < MinCount; bucket += SmallLength)
        {
            if (array.TryEnsure(bucket))
                continue;
            array.Free();
            return null;
        }
        array._count.Value = MinCount;
        return array;
    }

    /// <summary>A hash's two buckets, which may be one and the same, when there are so many buckets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BucketPair PairOf(uint hash, uint count)
    {
        uint one = Reduce(hash, count);
        uint other = Reduce(Second(hash), count);
        return new BucketPair(Math.Min(one, other), Math.Max(one, other));
    }

    /// <summary>The byte of a hash that its entry's slot shows.</summary>
    public static byte PrintOf(uint hash) => (byte)(hash * 0x9E3779B1 >> 24);

    /// <summary>The bucket that is divided when one is added to so many.</summary>
    public static uint DividedAt(uint count) => count - (1u << BitOperations.Log2(count));

    /// <summary>The first line of a bucket whose block exists.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BucketLine* At(uint bucket) => bucket < SmallLines
        ? (BucketLine*)*_blocks.At(bucket >> SmallShift) + (bucket & SmallLength - 1)
        : (BucketLine*)*_blocks.At(BlockOf(bucket)) + (bucket - SmallLines & LargeLength - 1);

    /// <summary>Makes the block of the next bucket if it is missing; false when there is no memory.</summary>
    public bool TryEnsure(uint bucket)
    {
        uint block = BlockOf(bucket);
        if (block < _blockCount)
            return true;
        if (bucket >= MaxCount || !_blocks.TryEnsure(block))
            return false;
        byte* lines = _memory.TryAllocate(BytesOf(block));
        if (lines is null)
        {
            _blocks.FreeFrom(_blockCount);
            return false;
        }
        Volatile.Write(ref *_blocks.At(block), (nint)lines);
        _blockCount = block + 1;
        return true;
    }

    /// <summary>Publishes another number of buckets. The caller holds the bucket that comes or goes, and the one divided for it.</summary>
    public void SetCount(uint count) => Volatile.Write(ref _count.Value, count);

    /// <summary>Gives back the blocks without buckets, if no thread can be about to lock one of their lines.</summary>
    public void FreeUnused()
    {
        uint needed = BlockOf(_count.Value - 1) + 1;
        if (needed < _blockCount && LineGuard.HaveAllBeenOutside())
            FreeFrom(needed);
    }

    /// <summary>Gives all back; no other thread uses the buckets.</summary>
    public void Free()
    {
        Further.FreeAll();
        FreeFrom(0);
        _count.Value = 0;
    }

    /// <summary>Locks the lower of a hash's buckets for reading.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BucketLine* LockLowerShared(uint hash, out BucketPair pair)
    {
        LineGuard.Record guard = LineGuard.Enter();
        while (true)
        {
            uint count = Count;
            pair = PairOf(hash, count);
            BucketLine* line = At(pair.Lower);
            Prefetch(At(pair.Higher));
            BucketLock.AcquireShared(line);
            if (Count == count || PairOf(hash, Count) == pair)
            {
                LineGuard.Exit(guard);
                return line;
            }
            BucketLock.ReleaseShared(line);
        }
    }

    /// <summary>
    /// Locks the higher of a hash's buckets for reading while the lower is held; null if the pair is another one by now. Then neither
    /// is held.
    /// </summary>
    public BucketLine* TryLockHigherShared(uint hash, BucketPair pair, BucketLine* lower)
    {
        LineGuard.Record guard = LineGuard.Enter();
        if (PairOf(hash, Count) == pair)
        {
            BucketLine* line = At(pair.Higher);
            BucketLock.AcquireShared(line);
            if (PairOf(hash, Count) == pair)
            {
                LineGuard.Exit(guard);
                return line;
            }
            BucketLock.ReleaseShared(line);
        }
        LineGuard.Exit(guard);
        BucketLock.ReleaseShared(lower);
        return null;
    }

    /// <summary>Locks both of a hash's buckets alone. They may be one.</summary>
    public void LockExclusive(uint hash, out BucketPair pair, out BucketLine* lower, out BucketLine* higher)
    {
        LineGuard.Record guard = LineGuard.Enter();
        while (true)
        {
            uint count = Count;
            pair = PairOf(hash, count);
            lower = At(pair.Lower);
            higher = At(pair.Higher);
            Prefetch(higher);
            BucketLock.AcquireExclusive(lower);
            if (higher != lower)
                BucketLock.AcquireExclusive(higher);
            if (Count == count || PairOf(hash, Count) == pair)
                break;
            ReleaseExclusive(lower, higher);
        }
        LineGuard.Exit(guard);
    }

    public static void ReleaseExclusive(BucketLine* lower, BucketLine* higher)
    {
        if (higher != lower)
            BucketLock.ReleaseExclusive(higher);
        BucketLock.ReleaseExclusive(lower);
    }

    /// <summary>
    /// The other bucket of an entry in this one, from its print. Where that is not enough, the other is the one returned or the one that
    /// was divided off it, and <paramref name="isExact"/> is false.
    /// </summary>
    public static uint OtherOf(uint bucket, byte print, uint count, out bool isExact)
    {
        uint half = 1u << BitOperations.Log2(count);
        uint divided = count - half;
        uint other = bucket ^ DistanceOf(print);
        uint low = other & half - 1;
        // An undivided bucket has one bit of the hash fewer; the other needs that bit if it is divided.
        bool isDivided = bucket < divided || bucket >= half;
        isExact = low >= divided || isDivided;
        return low < divided && isDivided ? other & (half << 1) - 1 : low;
    }

    /// <summary>The free slots in a bucket's first line, as a number that may be out of date at once.</summary>
    public int PeekFree(uint bucket)
    {
        LineGuard.Record guard = LineGuard.Enter();
        int free = bucket < Count ? BitOperations.PopCount(BucketLine.FreeMask(At(bucket))) : 0;
        LineGuard.Exit(guard);
        return free;
    }

    /// <summary>
    /// Locks a bucket alone if there are still so many buckets and no other thread holds it or waits for it; never waits.
    /// </summary>
    public BucketLine* TryLockOne(uint bucket, uint count)
    {
        LineGuard.Record guard = LineGuard.Enter();
        BucketLine* line = null;
        if (Count == count)
        {
            line = At(bucket);
            if (!BucketLock.TryAcquireExclusive(line))
            {
                line = null;
            }
            else if (Count != count)
            {
                BucketLock.ReleaseExclusive(line);
                line = null;
            }
        }
        LineGuard.Exit(guard);
        return line;
    }

    /// <summary>Locks a bucket alone if it is one of a hash's now and no other thread holds it or waits for it; never waits.</summary>
    public BucketLine* TryLockExclusive(uint hash, uint bucket)
    {
        LineGuard.Record guard = LineGuard.Enter();
        BucketLine* line = null;
        if (PairOf(hash, Count).Has(bucket))
        {
            line = At(bucket);
            if (!BucketLock.TryAcquireExclusive(line))
            {
                line = null;
            }
            else if (!PairOf(hash, Count).Has(bucket))
            {
                BucketLock.ReleaseExclusive(line);
                line = null;
            }
        }
        LineGuard.Exit(guard);
        return line;
    }

    /// <summary>Locks a bucket by its number, waiting for others; null if there are not so many.</summary>
    public BucketLine* Lock(uint bucket, bool exclusive)
    {
        LineGuard.Record guard = LineGuard.Enter();
        BucketLine* line = null;
        if (bucket < Count)
        {
            line = At(bucket);
            Acquire(line, exclusive);
            if (bucket >= Count)
            {
                Release(line, exclusive);
                line = null;
            }
        }
        LineGuard.Exit(guard);
        return line;
    }

    public static void Release(BucketLine* line, bool exclusive)
    {
        if (exclusive)
            BucketLock.ReleaseExclusive(line);
        else
            BucketLock.ReleaseShared(line);
    }

    /// <summary>The line after this one in its bucket; null if it is the last.</summary>
    public BucketLine* Next(BucketLine* line)
    {
        uint further = BucketLock.Further(line);
        return further == 0 ? null : Further.At(further);
    }

    private static void Acquire(BucketLine* line, bool exclusive)
    {
        if (exclusive)
            BucketLock.AcquireExclusive(line);
        else
            BucketLock.AcquireShared(line);
    }

    private static void Prefetch(void* line)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(line);
    }

    // As many low bits as name all buckets, or one fewer where the bucket that all of them name is not divided off yet.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Reduce(uint hash, uint count)
    {
        uint mask = uint.MaxValue >> BitOperations.LeadingZeroCount(count);
        uint bucket = hash & mask;
        return bucket < count ? bucket : bucket & mask >> 1;
    }

    // The distance between a hash's buckets depends on its print alone, so the one leads to the other.
    public static uint Second(uint hash) => hash ^ DistanceOf(PrintOf(hash));

    private static uint DistanceOf(byte print) => (print + 1U) * 0x85EBCA6B;

    private static uint BlockOf(uint bucket) =>
        bucket < SmallLines ? bucket >> SmallShift : SmallBlocks + (bucket - SmallLines >> LargeShift);

    private static long BytesOf(uint block) => (long)(block < SmallBlocks ? SmallLength : LargeLength) * BucketLine.Size;

    private void FreeFrom(uint block)
    {
        while (_blockCount > block)
        {
            _blockCount--;
            nint* lines = _blocks.At(_blockCount);
            _memory.Free((void*)*lines, BytesOf(_blockCount));
            *lines = 0;
        }
        _blocks.FreeFrom(block);
    }

    /// <summary>A number that is read by all threads, away from those that are written often.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Padded
    {
        [FieldOffset(64)]
        public uint Value;
    }
}

/// <summary>The two buckets in which a hash's entry may be, in the order in which they are locked.</summary>
internal readonly record struct BucketPair(uint Lower, uint Higher)
{
    public bool Has(uint bucket) => bucket == Lower || bucket == Higher;

    public uint Other(uint bucket) => bucket == Lower ? Higher : Lower;
}
