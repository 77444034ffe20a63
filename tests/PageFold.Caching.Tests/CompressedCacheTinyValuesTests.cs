using System.Buffers.Binary;

namespace PageFold.Caching.Tests;

/// <summary>A full cache of small values, of which many must go before a frame is free.</summary>
public class CompressedCacheTinyValuesTests
{
    [Theory]
    [InlineData(9, 1, 250_000)]
    [InlineData(16, 1, 450_000)]
    public void A_full_cache_of_tiny_values_refuses_none_for_memory(int mebibytes, int length, int sets)
    {
        using CompressedCache cache = TestCaches.Make((long)mebibytes << 20, compression: CacheCompression.None);
        byte[] value = new byte[length];
        for (int i = 0; i < sets; i++)
            Assert.Equal(CacheSetOutcome.StoredRaw, cache.Set(KeyOf(i), value));
        Assert.True(cache.Count < sets - 10_000, $"{cache.Count} entries never filled the cache");
        Assert.Equal(0, cache.GetStatistics().RefusedForMemory);
    }

    [Fact]
    public void New_tags_find_room_in_a_full_cache_of_tiny_values()
    {
        const int untagged = 180_000;
        using CompressedCache cache = TestCaches.Make(8 << 20, compression: CacheCompression.None);
        for (int i = 0; i < untagged; i++)
            cache.Set(KeyOf(i), [1]);
        Assert.True(cache.Count < untagged - 5_000, $"{cache.Count} entries never filled the cache");
        for (int i = 0; i < 20_000; i++)
            Assert.Equal(CacheSetOutcome.StoredRaw, cache.SetTagged($"tagged {i}", [1], $"tag {i}"));
    }

    [Fact]
    public void Entries_leave_their_place_to_new_ones_but_pinned_ones_stay()
    {
        using CompressedCache cache = TestCaches.Make(8 << 20, compression: CacheCompression.None);
        for (int i = 0; i < 300; i++)
            Assert.True((i < 100 ? cache.SetPinned(KeyOf(i), [1]) : cache.Set(KeyOf(i), [1])).IsStored());
        using HeapAccess access = cache.Parts.Store.Heap.Enter();
        long left = cache.Count;
        for (int i = 0; i < 2000; i++)
        {
            left -= cache.Parts.Removal.TryEvictBeside(new Entries.CacheKey(KeyOf(i), 1).Hash) ? 1 : 0;
            Assert.Equal(left, cache.Count);
        }
        Assert.Equal((100, 0), (left, cache.Parts.Store.Residents.SmallEntries + cache.Parts.Store.Residents.MainEntries));
    }

    private static byte[] KeyOf(int number)
    {
        byte[] key = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(key, number);
        return key;
    }
}
