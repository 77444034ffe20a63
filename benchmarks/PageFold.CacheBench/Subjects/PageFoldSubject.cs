using System.Buffers.Binary;
using PageFold.Caching;

namespace PageFold.CacheBench.Subjects;

/// <summary>PageFold's cache, whose values are seeded random bytes, which do not compress.</summary>
/// <remarks>The limit is one of entries, or of bytes of values, with memory to spare.</remarks>
internal sealed class PageFoldSubject : ICacheSubject
{
    private const long SpareBytesPerEntry = 1024;
    private const long SpareBytes = 64 << 20;
    private const int LeastBuffer = 4096;
    private const int KeyBytes = sizeof(ulong);

    [ThreadStatic]
    private static byte[]? t_buffer;

    private readonly CompressedCache _cache;
    private readonly byte[] _noise;

    public PageFoldSubject(TraceLimits limits)
    {
        _cache = new CompressedCache(new CompressedCacheOptions
        {
            MemoryLimit = SpareBytes + limits.Entries * SpareBytesPerEntry + 2 * (limits.Bytes ?? 0),
            MaxEntries = limits.Bytes is null ? limits.Entries : null,
            MaxContentBytes = limits.Bytes,
            // Without sizes all objects are alike.
            Objective = limits.Bytes is null ? Caching.CacheObjective.ByteHits
                : limits.Objective == CacheObjective.Bytes ? Caching.CacheObjective.ByteHits
                : Caching.CacheObjective.ObjectHits,
            Seed = (ulong)limits.Seed,
        });
        // Values begin at different places of the same bytes.
        _noise = new byte[limits.Bytes is null ? LeastBuffer : 1 << 24];
        new Random(limits.Seed).NextBytes(_noise);
    }

    public Holdings Held => new(_cache.Count, _cache.GetStatistics().OriginalBytes - _cache.Count * KeyBytes);

    public bool TryGet(ulong key, int size)
    {
        Span<byte> name = stackalloc byte[KeyBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(name, key);
        if (t_buffer is null || t_buffer.Length < size)
            t_buffer = new byte[Math.Max(size, LeastBuffer)];
        return _cache.TryGet(name, t_buffer, out _) == CacheGetOutcome.Hit;
    }

    public void Set(ulong key, int size)
    {
        Span<byte> name = stackalloc byte[KeyBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(name, key);
        int from = (int)(key % (ulong)(_noise.Length - size));
        _cache.Set(name, _noise.AsSpan(from, size));
    }

    public void Dispose() => _cache.Dispose();
}
