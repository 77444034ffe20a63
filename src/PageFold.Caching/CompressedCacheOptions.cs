namespace PageFold.Caching;

/// <summary>The options of a <see cref="CompressedCache"/>.</summary>
public sealed record CompressedCacheOptions
{
    /// <summary>The smallest <see cref="MemoryLimit"/>, in bytes.</summary>
    public const long MinMemoryLimit = 2 << 20;

    /// <summary>The cache's name in metrics and logs. Default "default".</summary>
    public string Name { get; init; } = "default";

    /// <summary>
    /// The most memory to hold, in bytes: keys, values, index, what eviction remembers, dictionaries and buffers. Null (the default) takes
    /// half of the container's limit, or half of the machine's memory outside a container. At least <see cref="MinMemoryLimit"/>.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>
    /// The most that <see cref="CompressedCache.MemoryLimit"/> can be set to; null (the default) for <see cref="MemoryLimit"/>.
    /// </summary>
    public long? MaxMemoryLimit { get; init; }

    /// <summary>The most entries, beside <see cref="MemoryLimit"/>. Null (the default) for any number.</summary>
    public long? MaxEntries { get; init; }

    /// <summary>
    /// The most bytes of values, as callers set them, beside <see cref="MemoryLimit"/>. Null (the default) for any number. If it is set,
    /// values weigh for eviction what they have, and not what they take compressed.
    /// </summary>
    public long? MaxContentBytes { get; init; }

    /// <summary>What eviction makes most of. Default <see cref="CacheObjective.ByteHits"/>.</summary>
    public CacheObjective Objective { get; init; }

    /// <summary>How values are compressed. Default <see cref="CacheCompression.Trained"/>.</summary>
    public CacheCompression Compression { get; init; } = CacheCompression.Trained;

    /// <summary>
    /// The share of <see cref="MemoryLimit"/> in which the most used values are kept decompressed, so that they are copied and not decoded:
    /// 0 (the default) to 0.5. It holds fewer entries, and serves those faster.
    /// </summary>
    public double HotShare { get; init; }

    /// <summary>The largest value, in bytes. Default 64 MiB; a value also takes at most a quarter of the memory limit.</summary>
    public int MaxValueBytes { get; init; } = 64 << 20;

    /// <summary>The clock of expiry. Default the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Is called after an entry has gone, with its key and the reason, on the thread that caused it, outside all locks. Default null.
    /// </summary>
    /// <remarks>
    /// The key lies in memory that is reused after the call. The callback may call the cache. It should not throw: its exception reaches
    /// the caller of the operation, whose work is done by then, and is lost where the cache works in the background. What several threads
    /// cause may be told in another order, and what the background causes by a thread of the pool.
    /// </remarks>
    public CacheEvictionCallback? OnEviction { get; init; }

    /// <summary>The seed of the keyed hash; null takes a random one. For tests.</summary>
    internal ulong? Seed { get; init; }
}

/// <summary>How a cache compresses values.</summary>
public enum CacheCompression
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>By PageFold's own codec with its built-in tables.</summary>
    BuiltIn,

    /// <summary>
    /// By the same codec, with a dictionary and tables that the cache trains from its own values in the background. Entries that were
    /// stored before a training are compressed again, a few at a time.
    /// </summary>
    /// <remarks>
    /// Entries are evicted for a training, for a few seconds, up to a quarter of the limit. In a full cache of less than about 10 MiB that
    /// is too little, and the built-in tables are all there is.
    /// </remarks>
    Trained,
}

/// <summary>Is told that an entry has gone.</summary>
/// <param name="key">The key's bytes, valid during the call.</param>
/// <param name="reason">Why.</param>
public delegate void CacheEvictionCallback(ReadOnlySpan<byte> key, CacheEvictionReason reason);
