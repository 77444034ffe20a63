namespace PageFold.Caching.Tests;

/// <summary>The example of the cache in the README and in docs/caching.md compiles and runs.</summary>
public class ReadmeCacheTests
{
    [Fact]
    public void The_cache_example_runs()
    {
        byte[] json = [.. "{\"name\":\"value\"}"u8];
        byte[] buffer = new byte[64];

        using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = 512L << 20 });
        CacheSetOutcome stored = cache.Set("user:17", json, new CacheEntryPolicy { Expiration = TimeSpan.FromMinutes(10) });
        CacheGetOutcome found = cache.TryGet("user:17", buffer, out int length);     // Hit, Miss, or TooSmall with the length

        Assert.True(stored is CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw);
        Assert.Equal((CacheGetOutcome.Hit, json.Length), (found, length));
        Assert.Equal(json, buffer[..length]);
    }
}
