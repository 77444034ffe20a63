namespace PageFold.Caching.Tests;

/// <summary>Limits, and what the cache does to keep them.</summary>
public class CompressedCacheLimitTests
{
    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        AssertRefused("MemoryLimit", new CompressedCacheOptions { MemoryLimit = CompressedCacheOptions.MinMemoryLimit - 1 });
        AssertRefused("MemoryLimit", new CompressedCacheOptions { MemoryLimit = 0 });
        AssertRefused("MemoryLimit", new CompressedCacheOptions { MemoryLimit = long.MinValue });
        AssertRefused("MaxMemoryLimit", new CompressedCacheOptions { MemoryLimit = 8 << 20, MaxMemoryLimit = 4 << 20 });
        AssertRefused("MaxEntries", new CompressedCacheOptions { MaxEntries = 0 });
        AssertRefused("MaxContentBytes", new CompressedCacheOptions { MaxContentBytes = -1 });
        AssertRefused("MaxValueBytes", new CompressedCacheOptions { MaxValueBytes = 0 });
        AssertRefused("Objective", new CompressedCacheOptions { Objective = (CacheObjective)3 });
        AssertRefused("Compression", new CompressedCacheOptions { Compression = (CacheCompression)(-1) });
        AssertRefused("TimeProvider", new CompressedCacheOptions { TimeProvider = null! });
        AssertRefused("Name", new CompressedCacheOptions { Name = "" });
        AssertRefused("options", null!);
        using CompressedCache cache = TestCaches.Make();
        Assert.Throws<ArgumentOutOfRangeException>("MemoryLimit", () => cache.MemoryLimit = CompressedCacheOptions.MinMemoryLimit - 1);
        Assert.Throws<ArgumentOutOfRangeException>("MemoryLimit", () => cache.MemoryLimit = cache.MaxMemoryLimit + 1);
        Assert.Throws<ArgumentOutOfRangeException>("bytes", () => cache.Trim(-1));
    }

    [Fact]
    public void Without_a_limit_it_is_the_default_one_whatever_the_maximum()
    {
        using CompressedCache plain = new(new CompressedCacheOptions());
        using CompressedCache raisable = new(new CompressedCacheOptions { MaxMemoryLimit = 4 * plain.MemoryLimit });
        Assert.Equal((plain.MemoryLimit, 4 * plain.MemoryLimit), (raisable.MemoryLimit, raisable.MaxMemoryLimit));
        using CompressedCache lower = new(new CompressedCacheOptions { MaxMemoryLimit = 8 << 20 });
        Assert.Equal(8 << 20, lower.MemoryLimit);
    }

    [Theory]
    [InlineData(CacheCompression.None)]
    [InlineData(CacheCompression.BuiltIn)]
    [InlineData(CacheCompression.Trained)]
    public void The_smallest_limit_is_enough_to_work(CacheCompression compression)
    {
        using CompressedCache cache = TestCaches.Make(CompressedCacheOptions.MinMemoryLimit, compression: compression);
        int kept = 0;
        for (int i = 0; i < 3000; i++)
        {
            byte[] value = Content.Compressible(i % 2000, (ulong)i);
            Assert.True(cache.SetTagged($"key {i}", value, $"tag {i % 10}").IsStored(), $"value {i}");
            Assert.InRange(cache.UsedBytes, 1, cache.MemoryLimit);
            if (cache.Get($"key {i - 20}") is not { } before)
                continue;
            Content.AssertSame(Content.Compressible((i - 20) % 2000, (ulong)i - 20), before, "a value of before");
            kept++;
        }
        Assert.InRange(kept, 1000, 3000);
        Assert.True(cache.Count > 100, $"{cache.Count} entries, {cache.GetStatistics()}");
    }

    [Fact]
    public void One_entry_is_kept_if_that_is_the_limit()
    {
        List<(string, CacheEvictionReason)> gone = [];
        using CompressedCache cache = new(new CompressedCacheOptions
        {
            MemoryLimit = 4 << 20, MaxEntries = 1,
            OnEviction = (key, reason) => gone.Add((System.Text.Encoding.UTF8.GetString(key), reason)),
        });
        cache.Set("a", [1]);
        cache.Set("a", [2]);
        Assert.Equal([("a", CacheEvictionReason.Replaced)], gone);
        cache.Set("b", [3]);
        Assert.Equal(("a", CacheEvictionReason.Capacity), gone[1]);
        Assert.Equal((1, 2), (cache.Count, gone.Count));
        Assert.Equal([3], cache.Get("b"));
    }

    [Fact]
    public void A_replacement_in_a_full_cache_evicts_no_other_entry()
    {
        using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = 4 << 20, MaxEntries = 100, MaxContentBytes = 1000 });
        for (int i = 0; i < 100; i++)
            cache.Set($"{i}", Content.Of(10, 1));
        for (int i = 0; i < 100; i++)
            cache.Set($"{i}", Content.Of(10, 2));
        Assert.Equal(100, cache.Count);
        Assert.Equal(0, cache.GetStatistics().Evictions[CacheEvictionReason.Capacity]);
    }

    [Fact]
    public void Content_is_limited_in_bytes_as_callers_set_them()
    {
        using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = 8 << 20, MaxContentBytes = 10_000 });
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(cache.Set($"{i}", new byte[i % 500]).IsStored());
            Assert.InRange(cache.Keys.Sum(key => int.Parse(key) % 500), 0, 10_000);
        }
        Assert.InRange(cache.Keys.Sum(key => int.Parse(key) % 500), 9000, 10_000);
        Assert.Equal(CacheSetOutcome.TooLarge, cache.Set("x", new byte[10_001]));
        Assert.InRange(cache.Count, 20, 1000);
    }

    [Fact]
    public void A_limit_that_is_lowered_evicts_and_one_that_is_raised_gives_room()
    {
        using CompressedCache cache = new(new CompressedCacheOptions
        {
            MemoryLimit = 16 << 20, MaxMemoryLimit = 32 << 20, Compression = CacheCompression.BuiltIn,
        });
        Fill(cache, 40_000);
        long before = cache.Count;
        cache.MemoryLimit = 4 << 20;
        Assert.InRange(cache.UsedBytes, 1, 4 << 20);
        Assert.True(cache.Count > before / 10 && cache.Count < before / 3, $"{cache.Count} entries of {before}: {cache.GetStatistics()}");
        Fill(cache, 10_000);
        Assert.InRange(cache.UsedBytes, 1, 4 << 20);
        cache.MemoryLimit = 32 << 20;
        Fill(cache, 60_000);
        Assert.InRange(cache.UsedBytes, 20 << 20, 32 << 20);
        Assert.True(cache.Count > 3 * before / 2, $"{cache.Count} entries after {before}");
        cache.Trim(8 << 20);
        Assert.InRange(cache.UsedBytes, 6 << 20, 8 << 20);
        cache.Trim(0);
        Assert.Equal(0, cache.Count);
        Assert.True(cache.Set("k", [1]).IsStored());
    }

    [Fact]
    public void A_cleared_cache_gives_its_frames_back_and_works_on()
    {
        using CompressedCache cache = TestCaches.Make(16 << 20);
        Fill(cache, 40_000);
        cache.Clear();
        Assert.Equal((0, 0, 0), (cache.Count, cache.GetStatistics().OriginalBytes, cache.GetStatistics().StoredBytes));
        Assert.InRange(cache.UsedBytes, 1, 6 << 20);
        Fill(cache, 1000);
        Assert.Equal(1000, cache.Count);
    }

    [Fact]
    public void Compaction_keeps_every_value()
    {
        using CompressedCache cache = TestCaches.Make(32 << 20);
        Fill(cache, 20_000);
        cache.Set("large", Content.Of(300_000, 5));
        for (int i = 0; i < 20_000; i++)
        {
            if (i % 4 != 0)
                cache.Remove($"key {i}");
        }
        long before = cache.UsedBytes;
        Assert.True(cache.Compact(TestContext.Current.CancellationToken).FramesFreed > 0);
        Assert.True(cache.UsedBytes < before);
        for (int i = 0; i < 20_000; i += 4)
            Content.AssertSame(Content.Of(i % 700, (ulong)i), cache.Get($"key {i}"), $"key {i}");
        Content.AssertSame(Content.Of(300_000, 5), cache.Get("large"), "large");
    }

    [Fact]
    public void None_compresses_nothing_and_the_others_do()
    {
        foreach (CacheCompression compression in Enum.GetValues<CacheCompression>())
        {
            using CompressedCache cache = TestCaches.Make(compression: compression);
            CacheSetOutcome expected = compression == CacheCompression.None ? CacheSetOutcome.StoredRaw : CacheSetOutcome.Stored;
            Assert.Equal(expected, cache.Set("k", new byte[1000]));
            Assert.Equal(expected, cache.Set("large", new byte[100_000]));
            Assert.Equal(CacheSetOutcome.StoredRaw, cache.Set("noise", Content.Of(1000, 1)));
        }
    }

    private static void Fill(CompressedCache cache, int count)
    {
        for (int i = 0; i < count; i++)
            Assert.True(cache.Set($"key {i}", Content.Of(i % 700, (ulong)i)).IsStored());
    }

    private static void AssertRefused(string name, CompressedCacheOptions options) =>
        Assert.Equal(name, Assert.ThrowsAny<ArgumentException>(() => new CompressedCache(options)).ParamName);

    [Fact]
    public void The_locations_of_the_longest_stream_fit_and_those_of_a_longer_one_do_not() =>
        Gen.Int[1000, 4000].Sample(room =>
        {
            long longest = Entries.Pieces.LongestStream(4096, room);
            Assert.InRange(longest, 400_000_000, int.MaxValue);
            Assert.InRange(Entries.Pieces.For(4096, longest, room).Listed * Entries.EntryView.LocationBytes, 1, room);
            Assert.True(Entries.Pieces.For(4096, longest + 1, room).Listed * Entries.EntryView.LocationBytes > room);
        }, iter: 1000);

    [Fact]
    public void The_contexts_of_many_threads_are_given_back_for_a_lower_limit()
    {
        using CompressedCache cache = TestCaches.Make(64 << 20);
        PageFold.Caching.Coding.ValueCoding coding = cache.Parts.Coding;
        List<PageFold.Caching.Coding.ValueCoder> coders = [];
        List<PageFold.Caching.Coding.LargeContexts.Slot> slots = [];
        for (int i = 0; i < Math.Min(4, 2 * Environment.ProcessorCount); i++)
        {
            coders.Add(coding.Take());
            coders[^1].Encode(Content.Compressible(1000, 1), 0, out _);
            slots.Add(coding.Large.Take(coding.Versions.BuiltIn));
        }
        slots.ForEach(coding.Large.Return);
        coders.ForEach(coding.Return);
        long held = cache.GetStatistics().CodingBytes;
        cache.MemoryLimit = 3 << 20;
        Assert.InRange(cache.GetStatistics().CodingBytes, 1, held - 900_000);
        Assert.InRange(cache.UsedBytes, 1, cache.MemoryLimit);
        Assert.True(cache.Set("key", Content.Compressible(20_000, 1)).IsStored());
    }
}
