using System.Text;

namespace PageFold.Caching.Tests;

/// <summary>What tests of the cache share.</summary>
internal static class TestCaches
{
    /// <summary>Makes a cache that trains nothing, so that it does the same every time.</summary>
    public static CompressedCache Make(long limit = 8 << 20, TimeProvider? time = null, CacheEvictionCallback? onEviction = null,
        CacheCompression compression = CacheCompression.BuiltIn) =>
        new(new CompressedCacheOptions
        {
            MemoryLimit = limit,
            TimeProvider = time ?? TimeProvider.System,
            OnEviction = onEviction,
            Compression = compression,
            Seed = 1,
        });

    public static byte[]? Get(this CompressedCache cache, string key)
    {
        byte[] value = new byte[64];
        CacheGetOutcome outcome = cache.TryGet(key, value, out int length);
        if (outcome == CacheGetOutcome.TooSmall)
            outcome = cache.TryGet(key, value = new byte[length], out length);
        return outcome == CacheGetOutcome.Hit ? value[..length] : null;
    }

    public static bool IsStored(this CacheSetOutcome outcome) => outcome is CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw;

    public static CacheSetOutcome SetTagged(this CompressedCache cache, string key, ReadOnlySpan<byte> value, params string[] tags) =>
        cache.Set(key, value, new CacheEntryPolicy { Tags = tags });

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Changes a byte of the object of a key's entry, found by its place in the index.</summary>
    public static bool Damage(this CompressedCache cache, string key, Func<int, int> offset, byte mask = 0x10)
    {
        Entries.CacheParts parts = PartsOf(cache);
        byte[] bytes = Utf8(key);
        Entries.CacheKey keyed = new(bytes, 1);
        using HeapAccess access = parts.Store.Heap.Enter();
        PageFold.Caching.Index.SharedKey held = parts.Store.Index.LockShared(keyed.Hash);
        try
        {
            if (!parts.Store.TryFind(ref held, keyed, out _, out Entries.EntryView entry, out _))
                return false;
            Span<byte> one = stackalloc byte[1];
            int at = offset(entry.TailOffset);
            entry.Object.Read(at, one);
            one[0] ^= mask;
            entry.Object.Write(at, one);
            return true;
        }
        finally
        {
            held.Dispose();
        }
    }

    public static Entries.CacheParts PartsOf(CompressedCache cache) => cache.Parts;
}
