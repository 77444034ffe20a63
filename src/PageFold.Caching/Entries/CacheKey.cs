using System.IO.Hashing;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>A key's bytes and their hash, keyed by the cache's seed.</summary>
internal readonly ref struct CacheKey(ReadOnlySpan<byte> bytes, ulong seed)
{
    public readonly ReadOnlySpan<byte> Bytes = bytes;

    public readonly ulong Seed = seed;

    /// <summary>All of the hash.</summary>
    public readonly ulong FullHash = XxHash3.HashToUInt64(bytes, (long)seed);

    /// <summary>The 31 bits that index and eviction know.</summary>
    public uint Hash => (uint)FullHash & EntryTag.HashMask;
}
