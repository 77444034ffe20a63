using PageFold.Caching.Entries;
using PageFold.Caching.Tests.Coding;

namespace PageFold.Caching.Tests;

/// <summary>Entries whose tables have to go for others.</summary>
public class RetiredTablesTests
{
    [Fact]
    public void Entries_stay_although_other_tables_make_them_longer()
    {
        using CompressedCache cache = TestCaches.Make();
        byte number = Publish(cache, Values.OrderTables);
        Assert.Equal(CacheSetOutcome.Stored, cache.SetPinned("pinned"u8, Values.Order(1)));
        for (int i = 0; i < 50; i++)
            Assert.Equal(CacheSetOutcome.Stored, cache.Set($"key {i}", Values.Order(i)));
        Publish(cache, Values.PageTables);
        cache.Parts.Upkeep.Retire(number);
        Assert.Null(cache.Parts.Coding.Versions[number]);
        Assert.Equal(Values.Order(1), cache.Get("pinned"));
        for (int i = 0; i < 50; i++)
            Assert.Equal(Values.Order(i), cache.Get($"key {i}"));
        // What is stored raw for want of tables is not kept decompressed for its use, and is no part of that share.
        Assert.Equal(0, cache.Parts.Counters.Read(CacheCount.HotBytes));
        cache.Clear();
        Assert.Equal((0, 0), (cache.GetStatistics().StoredBytes, cache.Parts.Counters.Read(CacheCount.HotBytes)));
    }

    [Fact]
    public void A_pinned_entry_keeps_its_tables_rather_than_go()
    {
        using CompressedCache cache = TestCaches.Make();
        byte number = Publish(cache, Values.OrderTables);
        // Too long to be compressed again.
        byte[] value = [.. Enumerable.Range(0, 20).SelectMany(Values.Order)];
        Assert.Equal(CacheSetOutcome.Stored, cache.SetPinned("pinned"u8, value));
        Assert.Equal(CacheSetOutcome.Stored, cache.Set("key"u8, value));
        Publish(cache, Values.PageTables);
        cache.Parts.Upkeep.Retire(number);
        Assert.NotNull(cache.Parts.Coding.Versions[number]);
        Assert.Equal(value, cache.Get("pinned"));
        Assert.Null(cache.Get("key"));
    }

    private static byte Publish(CompressedCache cache, byte[] tables)
    {
        Assert.True(cache.Parts.Coding.TryPublish(tables));
        return cache.Parts.Coding.Versions.Current.Number;
    }
}
