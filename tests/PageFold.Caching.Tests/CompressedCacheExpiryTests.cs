namespace PageFold.Caching.Tests;

/// <summary>When entries expire, and that they do without traffic.</summary>
public class CompressedCacheExpiryTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void An_entry_is_served_until_its_time_and_not_after_it()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        cache.Set("after", [1], new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(10) });
        cache.Set("at", [2], new CacheEntryPolicy { ExpiresAt = _clock.GetUtcNow() + TimeSpan.FromSeconds(20) });
        cache.Set("earlier", [3],
            new CacheEntryPolicy { Expiration = TimeSpan.FromHours(1), ExpiresAt = _clock.GetUtcNow() + TimeSpan.FromSeconds(5) });
        cache.Set("stays", [4]);
        Pass(4.9);
        Assert.True(cache.Contains("earlier"));
        Pass(0.1);
        Assert.Null(cache.Get("earlier"));
        Pass(4.9);
        Assert.Equal([1], cache.Get("after"));
        Pass(0.1);
        Assert.False(cache.Contains("after") || cache.Touch("after"));
        Assert.Null(cache.Get("after"));
        Pass(9.9);
        Assert.Equal([2], cache.Get("at"));
        Pass(0.1);
        Assert.Null(cache.Get("at"));
        Pass(1e9);
        Assert.Equal([4], cache.Get("stays"));
    }

    [Fact]
    public void A_use_begins_a_sliding_time_anew_and_a_look_does_not()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        CacheEntryPolicy policy = new() { SlidingExpiration = TimeSpan.FromSeconds(10) };
        cache.Set("get", [1], policy);
        cache.Set("touched", Content.Of(9000, 2), policy);
        cache.Set("seen", [3], policy);
        for (int i = 0; i < 5; i++)
        {
            Pass(6);
            Assert.Equal([1], cache.Get("get"));
            Assert.True(cache.Touch("touched"));
            Assert.Equal(i == 0, cache.Contains("seen"));
        }
        Pass(10);
        Assert.False(cache.Contains("get") || cache.Contains("touched"));
    }

    [Fact]
    public void A_sliding_time_never_passes_a_fixed_one()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        cache.Set("k", [1], new CacheEntryPolicy { SlidingExpiration = TimeSpan.FromSeconds(10), Expiration = TimeSpan.FromSeconds(25) });
        for (int i = 0; i < 4; i++)
        {
            Pass(6);
            Assert.Equal([1], cache.Get("k"));
        }
        Pass(1);
        Assert.Null(cache.Get("k"));
    }

    [Fact]
    public void The_timer_removes_what_has_expired_without_traffic()
    {
        List<CacheEvictionReason> reasons = [];
        using CompressedCache cache = TestCaches.Make(time: _clock, onEviction: (_, reason) => reasons.Add(reason));
        Assert.Equal(0, _clock.Timers);
        for (int i = 0; i < 3000; i++)
            cache.Set($"key {i}", Content.Of(i % 300, 1), new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(1 + i % 60) });
        cache.Set("stays", [1]);
        Assert.Equal(1, _clock.Timers);
        for (int second = 0; second < 62; second++)
            _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, cache.Count);
        Assert.Equal(Enumerable.Repeat(CacheEvictionReason.Expired, 3000), reasons);
        Assert.Equal(6, cache.GetStatistics().OriginalBytes);
        cache.Dispose();
        Assert.Equal(0, _clock.Timers);
    }

    [Fact]
    public void RemoveExpired_counts_what_it_removes()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        for (int i = 0; i < 500; i++)
            cache.Set($"key {i}", [1], new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(i < 200 ? 1 : 100) });
        Assert.Equal(0, cache.RemoveExpired());
        Pass(50);
        Assert.Equal(200, cache.RemoveExpired());
        Assert.Equal(300, cache.Count);
        Assert.Equal(0, cache.RemoveExpired());
        Pass(100);
        Assert.Equal(300, cache.RemoveExpired());
        Assert.Equal((0, 0), (cache.Count, cache.GetStatistics().StoredBytes));
    }

    [Fact]
    public void Entries_that_share_a_deadline_all_go_however_many_share_a_group()
    {
        using CompressedCache cache = TestCaches.Make(16 << 20, _clock);
        for (int i = 0; i < 50_000; i++)
            cache.Set($"{i}", [], new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(30) });
        Assert.Equal(50_000, cache.Count);
        Pass(31);
        for (int i = 0; i < 10 && cache.Count > 0; i++)
        {
            cache.RemoveExpired();
            Pass(1);
        }
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void A_cache_without_expiry_has_no_timer()
    {
        using CompressedCache cache = TestCaches.Make(time: _clock);
        cache.Set("k", [1], new CacheEntryPolicy { Expiration = TimeSpan.FromDays(10_000), SlidingExpiration = TimeSpan.MaxValue });
        Assert.Equal(0, _clock.Timers);
        Pass(1e8);
        Assert.Equal([1], cache.Get("k"));
    }

    private void Pass(double seconds) => _clock.AdvanceSilently(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void All_that_expired_is_removed_however_fast_it_came()
    {
        ManualClock clock = new();
        using CompressedCache cache = TestCaches.Make(time: clock);
        for (int i = 0; i < 30_000; i++)
            cache.Set(BitConverter.GetBytes(i), [1], new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(i % 2 == 0 ? 5 : 50) });
        clock.AdvanceSilently(TimeSpan.FromSeconds(6));
        Assert.Equal(15_000, cache.RemoveExpired());
        Assert.Equal(15_000, cache.Count);
        clock.AdvanceSilently(TimeSpan.FromSeconds(50));
        Assert.Equal(15_000, cache.RemoveExpired());
    }
}
