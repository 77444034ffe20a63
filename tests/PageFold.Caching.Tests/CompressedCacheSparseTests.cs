namespace PageFold.Caching.Tests;

/// <summary>Few entries in an index that had many: they are found to make room, and the index shrinks.</summary>
public class CompressedCacheSparseTests
{
    private const int Tiny = 350_000;

    [Theory]
    [InlineData(CacheObjective.ByteHits)]
    [InlineData(CacheObjective.ObjectHits)]
    public void A_value_finds_room_among_few_entries_of_a_large_index(CacheObjective objective)
    {
        using CompressedCache cache = new(new CompressedCacheOptions
        {
            MemoryLimit = 64 << 20, Compression = CacheCompression.None, Objective = objective, Seed = 1, TimeProvider = new ManualClock(),
        });
        Fill(cache);
        for (int i = 0; i < Tiny; i++)
            cache.Remove(KeyOf(i));
        byte[] large = new byte[13 << 20];
        for (int i = 0; i < 10; i++)
            Assert.Equal(CacheSetOutcome.StoredRaw, cache.Set($"large {i}", large));
        Assert.InRange(cache.Count, 1, 4);
    }

    [Fact]
    public void The_index_is_small_after_all_was_removed()
    {
        ManualClock clock = new();
        using CompressedCache cache = TestCaches.Make(64 << 20, clock);
        long empty = cache.Parts.Store.Index.Bytes;
        Fill(cache);
        Assert.True(cache.Parts.Store.Index.Bytes > 100 * empty);
        cache.Clear();
        Assert.Equal(empty, cache.Parts.Store.Index.Bytes);
    }

    private static void Fill(CompressedCache cache)
    {
        for (int i = 0; i < Tiny; i++)
            cache.Set(KeyOf(i), [1]);
        Assert.Equal(Tiny, cache.Count);
    }

    private static byte[] KeyOf(int number) => BitConverter.GetBytes(number);
}
