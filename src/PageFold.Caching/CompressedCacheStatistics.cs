namespace PageFold.Caching;

/// <summary>What a cache holds and has done. Totals count from its beginning.</summary>
public sealed record CompressedCacheStatistics
{
    /// <summary>Entries held, expired ones that were not swept yet included.</summary>
    public required long Entries { get; init; }

    /// <summary>Bytes of keys and values as callers set them.</summary>
    public required long OriginalBytes { get; init; }

    /// <summary>Bytes of the same keys and values as they are stored.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>All bytes held: entries, index, eviction, dictionaries, buffers, free frames.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Bytes of <see cref="UsedBytes"/> that are the index, and what eviction and expiry remember.</summary>
    public required long MetadataBytes { get; init; }

    /// <summary>Bytes of <see cref="UsedBytes"/> that are dictionaries, and coders' buffers.</summary>
    public required long CodingBytes { get; init; }

    /// <summary>The most bytes that may be held.</summary>
    public required long MemoryLimit { get; init; }

    /// <summary>Look-ups that found a value.</summary>
    public required long Hits { get; init; }

    /// <summary>Look-ups that found none.</summary>
    public required long Misses { get; init; }

    /// <summary>Values stored.</summary>
    public required long Sets { get; init; }

    /// <summary>Values not stored, for whatever reason.</summary>
    public required long Refused { get; init; }

    /// <summary>Those of <see cref="Refused"/> that found no memory: <see cref="CacheSetOutcome.NoMemory"/>.</summary>
    public required long RefusedForMemory { get; init; }

    /// <summary>Entries gone, by <see cref="CacheEvictionReason"/>.</summary>
    public required IReadOnlyDictionary<CacheEvictionReason, long> Evictions { get; init; }

    /// <summary>The dictionary in use: 0 before the first was trained, then counted up.</summary>
    public required int DictionaryVersion { get; init; }

    /// <summary>Original bytes divided by stored bytes; 1 for an empty cache.</summary>
    public double CompressionRatio => StoredBytes == 0 ? 1 : (double)OriginalBytes / StoredBytes;
}
