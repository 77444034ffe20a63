using System.Numerics;
using System.Runtime.Intrinsics;

namespace PageFold.Caching.Eviction;

/// <summary>Remembers keys that were evicted lately, by a fingerprint of 16 bits, in two bytes a key.</summary>
/// <remarks>
/// A bucket holds eight fingerprints, the newest in front; it forgets its oldest when it is full. One remembered key in about 8,000 is
/// mistaken for another. The fingerprints and the bucket come from bits of a keyed hash, so that clients cannot construct keys that
/// displace each other. Not thread-safe.
/// </remarks>
internal sealed unsafe class GhostTable : IDisposable
{
    /// <summary>Fingerprints of a bucket.</summary>
    public const int BucketEntries = 8;

    private const int BucketBytes = BucketEntries * sizeof(ushort);

    private readonly BlockTable _buckets;
    private readonly ulong _seed;

    private GhostTable(CacheMemory memory, ulong seed, int segmentBytes)
    {
        _buckets = new BlockTable(memory, BucketBytes, segmentBytes);
        _seed = seed;
    }

    /// <summary>Gets the number of keys that the table has room for.</summary>
    public long Capacity => (long)_buckets.Count * BucketEntries;

    /// <summary>Gets the bytes that the table holds.</summary>
    public long HeldBytes => _buckets.HeldBytes;

    /// <summary>Makes a table of one bucket; null when memory is refused.</summary>
    /// <param name="memory">Where the buckets come from.</param>
    /// <param name="seed">A secret of the cache.</param>
    /// <param name="segmentBytes">Bytes that the table takes at once.</param>
    public static GhostTable? TryCreate(CacheMemory memory, ulong seed, int segmentBytes = BlockTable.SegmentBytes)
    {
        GhostTable ghost = new(memory, seed, segmentBytes);
        if (ghost._buckets.TryGrow(out _))
            return ghost;
        ghost.Dispose();
        return null;
    }

    /// <summary>Remembers a key that was evicted.</summary>
    public void Put(uint hash)
    {
        ulong mixed = HashMixing.Mix(hash, _seed);
        Span<ushort> bucket = new(_buckets.Find((uint)mixed), BucketEntries);
        // A place that a taken key left is used before the oldest is forgotten.
        int last = bucket.IndexOf((ushort)0);
        if (last < 0)
            last = BucketEntries - 1;
        bucket[..last].CopyTo(bucket[1..]);
        bucket[0] = Fingerprint(mixed);
    }

    /// <summary>Forgets a key; true if it was remembered.</summary>
    public bool TryTake(uint hash)
    {
        ulong mixed = HashMixing.Mix(hash, _seed);
        ushort* bucket = (ushort*)_buckets.Find((uint)mixed);
        uint matches = Vector128.Equals(Vector128.Load(bucket), Vector128.Create(Fingerprint(mixed))).ExtractMostSignificantBits();
        if (matches == 0)
            return false;
        bucket[BitOperations.TrailingZeroCount(matches)] = 0;
        return true;
    }

    /// <summary>
    /// Moves the size of the table towards a number of keys, by at most two buckets; memory that is refused leaves it as it is.
    /// </summary>
    public void Adapt(long keys)
    {
        long wanted = Math.Clamp((keys + BucketEntries - 1) / BucketEntries, 1, int.MaxValue / 2);
        for (int i = 0; i < 2 && _buckets.Count < wanted; i++)
        {
            if (!TrySplit())
                return;
        }
        for (int i = 0; i < 2 && _buckets.Count > wanted + (wanted >> 3); i++)
            Merge();
    }

    /// <inheritdoc/>
    public void Dispose() => _buckets.Dispose();

    private static ushort Fingerprint(ulong mixed)
    {
        ushort fingerprint = (ushort)(mixed >> 48);
        return fingerprint == 0 ? (ushort)1 : fingerprint;
    }

    /// <summary>A fingerprint does not tell which half its key belongs to, so both get it; one of the two ages away.</summary>
    private bool TrySplit()
    {
        if (!_buckets.TryGrow(out int split))
            return false;
        Vector128.Store(Vector128.Load((ushort*)_buckets[split]), (ushort*)_buckets[_buckets.Count - 1]);
        return true;
    }

    /// <summary>The merged bucket keeps the newer half of either.</summary>
    private void Merge()
    {
        ushort* from = (ushort*)_buckets[_buckets.Count - 1], to = (ushort*)_buckets[_buckets.Sibling];
        for (int i = BucketEntries / 2 - 1; i >= 0; i--)
        {
            to[(2 * i) + 1] = from[i];
            to[2 * i] = to[i];
        }
        _buckets.Shrink();
    }
}
