using System.Text;

namespace PageFold.Caching.Tests;

/// <summary>Faults that other caches had; each report is named at its test.</summary>
public class Scenarios
{
    private readonly ManualClock _clock = new();

    /// <summary>dotnet/runtime#129186</summary>
    [Fact]
    public async Task Setting_and_removing_one_key_at_the_limit_leaves_the_sizes_right()
    {
        using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = 4 << 20, MaxEntries = 100, MaxContentBytes = 20_000 });
        for (int i = 0; i < 200; i++)
            cache.Set($"other {i}", Content.Of(200, 1));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Content.OnItsOwnThread(() =>
        {
            byte[] value = Content.Of(50 * thread, 1);
            for (int i = 0; i < 5000; i++)
            {
                if (thread % 2 == 0)
                    cache.Set("key", value.AsSpan(0, i % (value.Length + 1)));
                else
                    cache.Remove("key");
            }
        })));
        cache.Remove("key");
        for (int i = 0; i < 300; i++)
            Assert.True(cache.Set($"new {i}", Content.Of(200, 2)).IsStored());
        Assert.InRange(cache.Count, 90, 100);
        CompressedCacheStatistics figures = cache.GetStatistics();
        Assert.Equal(cache.Keys.Sum(key => key.Length + 200L), figures.OriginalBytes);
        cache.Clear();
        AssertEmpty(cache);
    }

    /// <summary>dotnet/runtime#36037</summary>
    [Fact]
    public void A_set_that_has_expired_before_takes_no_room()
    {
        using CompressedCache cache = TestCaches.Make(4 << 20, _clock);
        cache.Set("warm", [1], new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(1), Tags = ["t"] });
        cache.Remove("warm");
        long before = cache.UsedBytes;
        for (int i = 0; i < 2000; i++)
        {
            CacheEntryPolicy policy = new() { ExpiresAt = _clock.GetUtcNow() - TimeSpan.FromDays(i), Tags = [$"tag {i}"] };
            Assert.Equal(CacheSetOutcome.AlreadyExpired, cache.Set($"{i}", Content.Of(1000, 1), policy));
        }
        Assert.Equal(before, cache.UsedBytes);
        AssertEmpty(cache);
    }

    /// <summary>moka#408</summary>
    [Fact]
    public void Large_values_after_small_ones_do_not_hold_more_than_the_limit()
    {
        using CompressedCache cache = TestCaches.Make(16 << 20);
        for (int i = 0; i < 40_000; i++)
            cache.Set($"{i}", Content.Of(512, (ulong)i));
        for (int i = 0; i < 2000; i++)
        {
            Assert.True(cache.Set($"{i}", Content.Of(16 << 10, (ulong)i)).IsStored());
            Assert.InRange(cache.UsedBytes, 1, 16 << 20);
        }
        Assert.InRange(cache.GetStatistics().OriginalBytes, 8 << 20, 16 << 20);
    }

    /// <summary>ehcache3#2214</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(200_000)]
    public void A_value_that_is_larger_than_the_cache_evicts_nothing(int? maxContentBytes)
    {
        using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = 4 << 20, MaxContentBytes = maxContentBytes });
        for (int i = 0; i < 1000; i++)
            cache.Set($"{i}", Content.Of(200, (ulong)i));
        Assert.Equal(CacheSetOutcome.TooLarge, cache.Set("large", Content.Of(8 << 20, 1)));
        Assert.Equal(CacheSetOutcome.TooLarge, cache.Set("large", Content.Of((1 << 20) + 10, 1)));
        Assert.Equal(CacheSetOutcome.TooLarge, cache.Set("large", new byte[100 << 20]));
        Assert.Equal(1000, cache.Count);
        Assert.Equal(0, cache.GetStatistics().Evictions[CacheEvictionReason.Capacity]);
    }

    /// <summary>foyer#763</summary>
    [Fact]
    public void A_cache_for_fewer_entries_than_processors_works()
    {
        const long Least = CompressedCacheOptions.MinMemoryLimit;
        using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = Least, MaxEntries = 1 });
        for (int i = 0; i < 100; i++)
        {
            Assert.True(cache.Set($"{i}", [(byte)i]).IsStored());
            Assert.Equal([(byte)i], cache.Get($"{i}")!);
            Assert.Equal(1, cache.Count);
        }
    }

    /// <summary>ristretto#30, pingora#406</summary>
    [Theory]
    [InlineData(20)]
    [InlineData(9000)]
    public void Two_keys_with_one_hash_have_two_values(int length)
    {
        (byte[] one, byte[] other) = FindCollision();
        using CompressedCache cache = TestCaches.Make();
        cache.Set(one, Content.Of(length, 1));
        byte[] found = new byte[length];
        Assert.Equal(CacheGetOutcome.Miss, cache.TryGet(other, found, out _));
        Assert.False(cache.Remove(other) || cache.Touch(other) || cache.Contains(other));
        cache.Set(other, Content.Of(length, 2));
        Assert.Equal(2, cache.Count);
        Assert.Equal(CacheGetOutcome.Hit, cache.TryGet(one, found, out _));
        Content.AssertSame(Content.Of(length, 1), found, "one");
        Assert.Equal(CacheGetOutcome.Hit, cache.TryGet(other, found, out _));
        Content.AssertSame(Content.Of(length, 2), found, "the other");
        Assert.True(cache.Remove(one));
        Assert.Equal(CacheGetOutcome.Hit, cache.TryGet(other, found, out _));
        Content.AssertSame(Content.Of(length, 2), found, "the other");
        Assert.Equal(0, cache.GetStatistics().Evictions[CacheEvictionReason.Corrupt]);
    }

    /// <summary>fastcache#79</summary>
    [Fact]
    public void Large_values_with_the_same_content_stay_with_their_keys()
    {
        using CompressedCache cache = TestCaches.Make(16 << 20);
        byte[] value = Content.Of(100_000, 1);
        cache.Set("k1", value);
        cache.Set("k2", value);
        value[70_000] ^= 1;
        cache.Set("k2", value);
        cache.Set("k3", value);
        Content.AssertSame(Content.Of(100_000, 1), cache.Get("k1"), "k1");
        cache.Remove("k1");
        cache.Compact(TestContext.Current.CancellationToken);
        Content.AssertSame(value, cache.Get("k2"), "k2");
        Content.AssertSame(value, cache.Get("k3"), "k3");
    }

    /// <summary>ohc#77</summary>
    [Fact]
    public async Task An_entry_that_goes_while_it_is_read_is_read_whole_and_its_memory_comes_back()
    {
        using CompressedCache cache = TestCaches.Make(8 << 20);
        byte[][] values = [.. Enumerable.Range(0, 4).Select(i => Content.Of(30_000, (ulong)i))];
        bool stop = false;
        Task writer = Content.OnItsOwnThread(() =>
        {
            for (int i = 0; i < 3000; i++)
            {
                cache.Set("key", values[i % 4]);
                if (i % 3 == 0)
                    cache.Remove("key");
            }
            Volatile.Write(ref stop, true);
        });
        Task reader = Content.OnItsOwnThread(() =>
        {
            byte[] found = new byte[30_000];
            while (!Volatile.Read(ref stop))
            {
                if (cache.TryGet("key", found, out _) == CacheGetOutcome.Hit)
                    Assert.Contains(values, value => value.AsSpan().SequenceEqual(found));
            }
        });
        await Task.WhenAll(writer, reader);
        cache.Clear();
        AssertEmpty(cache);
        Assert.Equal(0, TestCaches.PartsOf(cache).Store.Heap.GetStatistics().Objects);
    }

    /// <summary>dotnet/corefx#42272</summary>
    [Fact]
    public void A_set_after_Dispose_does_not_report_success()
    {
        CompressedCache cache = TestCaches.Make();
        cache.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cache.Set("k", [1]));
    }

    /// <summary>go-cache#161, node-lru-cache#157</summary>
    [Fact]
    public void Setting_the_machines_clock_changes_no_deadline()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        cache.Set("after", [1], new CacheEntryPolicy { Expiration = TimeSpan.FromMinutes(10) });
        cache.Set("at", [2], new CacheEntryPolicy { ExpiresAt = _clock.GetUtcNow() + TimeSpan.FromMinutes(10) });
        cache.Set("sliding", [3], new CacheEntryPolicy { SlidingExpiration = TimeSpan.FromMinutes(10) });
        foreach (int year in (int[])[1970, 2500, 1, 2026])
        {
            _clock.JumpTo(new DateTimeOffset(year, 1, 1, 0, 0, 0, TimeSpan.Zero));
            _clock.Advance(TimeSpan.FromMinutes(2));
            Assert.Equal((0, 3), (cache.RemoveExpired(), cache.Count));
            Assert.True(cache.Touch("sliding"));
        }
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal([3], cache.Get("sliding"));
        Assert.Equal(1, cache.Count);
        // The machine slept.
        _clock.Advance(TimeSpan.FromDays(3));
        Assert.Equal(0, cache.Count);
    }

    /// <summary>caffeine#217, TsavoriteCache#12</summary>
    [Fact]
    public void Times_near_the_maximum_are_for_ever()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        CacheEntryPolicy[] policies =
        [
            new() { Expiration = TimeSpan.MaxValue }, new() { ExpiresAt = DateTimeOffset.MaxValue },
            new() { SlidingExpiration = TimeSpan.MaxValue },
            new() { SlidingExpiration = TimeSpan.MaxValue, Expiration = TimeSpan.MaxValue },
            new() { SlidingExpiration = TimeSpan.FromDays(3100), Expiration = TimeSpan.FromDays(3200) },
            new() { SlidingExpiration = TimeSpan.FromSeconds(uint.MaxValue / 16.0 - 1) },
        ];
        for (int i = 0; i < policies.Length; i++)
            Assert.True(cache.Set($"{i}", [1], policies[i]).IsStored());
        for (int i = 0; i < 4; i++)
        {
            _clock.Advance(TimeSpan.FromDays(700));
            for (int key = 0; key < policies.Length; key++)
                Assert.True(cache.Touch($"{key}"), $"{policies[key]} after {_clock.Elapsed}");
        }
        _clock.Advance(TimeSpan.FromDays(100_000));
        Assert.Equal([1], cache.Get("0"));
    }

    /// <summary>dotnet/aspnetcore#61524</summary>
    [Fact]
    public void The_entry_that_replaces_a_tagged_one_keeps_its_own_tags()
    {
        using CompressedCache cache = TestCaches.Make();
        cache.SetTagged("k", [1], "old", "both");
        cache.SetTagged("k", [2], "new", "both");
        cache.RemoveByTag("old");
        Assert.Equal([2], cache.Get("k"));
        cache.SetTagged("k", [3], "both");
        cache.RemoveByTag("new");
        Assert.Equal([3], cache.Get("k"));
        cache.RemoveByTag("both");
        Assert.Null(cache.Get("k"));
        cache.SetTagged("k", [4], "both");
        Assert.Equal([4], cache.Get("k"));
    }

    /// <summary>EFCoreSecondLevelCacheInterceptor#191</summary>
    [Fact]
    public void A_marker_of_an_invalidation_outlives_any_pressure()
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        Assert.True(cache.SetPinned("marker"u8, [42]).IsStored());
        for (int i = 0; i < 50_000; i++)
            cache.Set($"{i}", Content.Of(400, (ulong)i));
        cache.MemoryLimit = CompressedCacheOptions.MinMemoryLimit;
        cache.Trim(0);
        Assert.Equal([42], cache.Get("marker"));
    }

    /// <summary>FusionCache#613, #625</summary>
    [Fact]
    public void A_value_whose_key_or_tag_was_removed_while_it_was_loaded_is_not_stored()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        Action[] changes =
        [
            () => cache.Remove("k"), () => cache.RemoveByTag("t"), cache.Clear, () => cache.Set("k", [2]),
            () => cache.Set("k", [2], new CacheEntryPolicy { Expiration = TimeSpan.Zero }),
        ];
        foreach (Action change in changes)
        {
            cache.Remove("k");
            Assert.Equal(CacheGetOutcome.Miss, cache.TryGet("k", [], out _, out CacheMissToken token));
            change();
            byte[]? newer = cache.Get("k");
            Assert.Equal(CacheSetOutcome.Superseded, cache.Set("k", [1], new CacheEntryPolicy { Tags = ["s", "t"] }, token));
            Assert.Equal(newer, cache.Get("k"));
        }
        cache.Remove("k");
        Assert.Equal(CacheGetOutcome.Miss, cache.TryGet("k", [], out _, out CacheMissToken good));
        cache.Remove("another");
        cache.RemoveByTag("another");
        Assert.True(cache.Set("k", [1], new CacheEntryPolicy { Tags = ["t"] }, good).IsStored());
        Assert.Equal(CacheSetOutcome.Superseded, cache.Set("k", [9], default, good));
        Assert.Equal([1], cache.Get("k"));
    }

    private static void AssertEmpty(CompressedCache cache)
    {
        CompressedCacheStatistics figures = cache.GetStatistics();
        Assert.Equal((0, 0, 0), (figures.Entries, figures.OriginalBytes, figures.StoredBytes));
        Assert.Equal((0, 0), (TestCaches.PartsOf(cache).Store.Residents.SmallBytes, TestCaches.PartsOf(cache).Store.Residents.MainBytes));
    }

    /// <summary>Finds two keys that agree in the 31 bits of the hash that the index knows; the birthday paradox makes it quick.</summary>
    private static (byte[] One, byte[] Other) FindCollision()
    {
        Dictionary<uint, int> seen = [];
        for (int i = 0; ; i++)
        {
            byte[] key = Encoding.ASCII.GetBytes($"{i}");
            uint hash = new Entries.CacheKey(key, 1).Hash;
            if (!seen.TryAdd(hash, i))
                return (Encoding.ASCII.GetBytes($"{seen[hash]}"), key);
        }
    }
}
