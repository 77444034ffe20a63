using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;

namespace PageFold.Caching.Ecosystem.Tests;

/// <summary>HybridCache's own level on the GC heap.</summary>
[Collection(Alone.Name)]
public class FirstLevelTests
{
    private const int ValueBytes = 2000;

    [Theory]
    [InlineData(HybridCacheFirstLevel.Off, false)]
    [InlineData(HybridCacheFirstLevel.Off, true)]
    [InlineData(HybridCacheFirstLevel.Bounded, false)]
    [InlineData(HybridCacheFirstLevel.Bounded, true)]
    public async Task Memory_does_not_grow_with_distinct_keys(HybridCacheFirstLevel level, bool hasFlags)
    {
        using ServiceProvider services = Containers.Build(configure: options =>
        {
            options.MemoryLimit = 4 << 20;
            options.HybridCacheFirstLevel = level;
            options.HybridCacheFirstLevelBytes = 2 << 20;
        });
        // Flags of a call replace the default ones.
        long grown = await Grow(services, keys: 15_000, hasFlags ? HybridCacheEntryFlags.DisableDistributedCacheRead : null);
        // 30 MB have passed; the naive first level holds all of it.
        Assert.InRange(grown, long.MinValue, 8 << 20);
    }

    [Fact]
    public async Task Bounded_it_keeps_at_most_its_bytes_of_strings_which_are_twice_as_long_on_the_heap()
    {
        const int Bound = 8 << 20;
        using ServiceProvider services = Containers.Build(configure: options => options.HybridCacheFirstLevelBytes = Bound);
        HybridCache hybrid = services.Hybrid();
        string text = new('x', 1000);
        await hybrid.SetAsync("first", text);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 20_000; i++)
            await hybrid.SetAsync($"key {i}", string.Concat(text.AsSpan(0, 990), $"{i:d10}"));
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(services);
        // It compacts in the background, so it may be well below.
        Assert.InRange(grown, Bound / 8, Bound + (Bound >> 3));
    }

    [Fact]
    public async Task Unchanged_it_grows_with_distinct_keys()
    {
        using ServiceProvider services = Containers.Build(configure: options =>
        {
            options.MemoryLimit = 4 << 20;
            options.HybridCacheFirstLevel = HybridCacheFirstLevel.Unchanged;
        });
        Assert.InRange(await Grow(services, keys: 15_000, flags: null), 20 << 20, long.MaxValue);
    }

    [Fact]
    public async Task Bounded_as_by_default_it_spares_the_second_level_the_hits()
    {
        using ServiceProvider services = Containers.Build();
        HybridCache hybrid = services.Hybrid();
        await hybrid.SetAsync("a", "value");
        long before = services.Cache().GetStatistics().Hits;
        for (int i = 0; i < 10; i++)
            Assert.Equal("value", await hybrid.GetOrCreateAsync("a", _ => ValueTask.FromResult("other")));
        Assert.Equal(before, services.Cache().GetStatistics().Hits);
        // The application's memory cache is as it was: entries without a size are welcome.
        services.GetRequiredService<IMemoryCache>().Set("mine", 1);
        Assert.False(services.GetRequiredService<IMemoryCache>().TryGetValue("a", out _));
    }

    [Fact]
    public async Task Off_every_hit_comes_from_the_second_level()
    {
        using ServiceProvider services = Containers.Build(configure: options => options.HybridCacheFirstLevel = HybridCacheFirstLevel.Off);
        HybridCache hybrid = services.Hybrid();
        await hybrid.SetAsync("a", "value");
        long before = services.Cache().GetStatistics().Hits;
        for (int i = 0; i < 10; i++)
            Assert.Equal("value", await hybrid.GetOrCreateAsync("a", _ => ValueTask.FromResult("other")));
        Assert.Equal(before + 10, services.Cache().GetStatistics().Hits);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AddHybridCache_before_or_after_makes_no_difference_and_keeps_its_options(bool isBefore)
    {
        ServiceCollection services = new();
        if (isBefore)
            Add();
        services.AddPageFoldCache(options =>
            (options.MemoryLimit, options.HybridCacheFirstLevel) = (Containers.Limit, HybridCacheFirstLevel.Off));
        if (!isBefore)
            Add();
        using ServiceProvider provider = services.BuildServiceProvider();
        await provider.Hybrid().SetAsync("a", 1);
        Assert.True(provider.Cache().Contains("a"));
        Assert.False(provider.GetRequiredService<IMemoryCache>().TryGetValue("a", out _));
        HybridCacheEntryOptions entries =
            provider.GetRequiredService<Microsoft.Extensions.Options.IOptions<HybridCacheOptions>>().Value.DefaultEntryOptions!;
        Assert.Equal(TimeSpan.FromMinutes(7), entries.Expiration);
        Assert.Equal(HybridCacheEntryFlags.DisableCompression | HybridCacheEntryFlags.DisableLocalCache, entries.Flags);
        Assert.Single(provider.GetServices<HybridCache>());

        void Add() => services.AddHybridCache(options => options.DefaultEntryOptions = new HybridCacheEntryOptions
        {
            Expiration = TimeSpan.FromMinutes(7), Flags = HybridCacheEntryFlags.DisableCompression,
        });
    }

    [Fact]
    public async Task A_HybridCache_over_another_second_level_keeps_its_first()
    {
        using ServiceProvider services = Containers.Build(more => more.AddSingleton<IDistributedCache>(new Another()));
        await services.Hybrid().SetAsync("a", 1);
        Assert.True(services.GetRequiredService<IMemoryCache>().TryGetValue("a", out _));
    }

    [Theory]
    [InlineData(HybridCacheFirstLevel.Off, false)]
    [InlineData(HybridCacheFirstLevel.Bounded, false)]
    [InlineData(HybridCacheFirstLevel.Unchanged, true)]
    public async Task A_keyed_HybridCache_follows_by_its_flags(HybridCacheFirstLevel level, bool isKept)
    {
        using ServiceProvider services = Containers.Build(more =>
        {
            more.AddKeyedPageFoldCache("second", options => (options.MemoryLimit, options.HybridCacheFirstLevel) = (6 << 20, level));
            more.AddKeyedHybridCache("other", options => options.DistributedCacheServiceKey = "second");
        });
        await services.GetRequiredKeyedService<HybridCache>("other").SetAsync("a", 1);
        Assert.Equal(isKept, services.GetRequiredService<IMemoryCache>().TryGetValue("a", out _));
    }

    private static async Task<long> Grow(ServiceProvider services, int keys, HybridCacheEntryFlags? flags)
    {
        HybridCache hybrid = services.Hybrid();
        HybridCacheEntryOptions? options = flags is { } given ? new HybridCacheEntryOptions { Flags = given } : null;
        await hybrid.GetOrCreateAsync("first", _ => ValueTask.FromResult(new byte[ValueBytes]), options);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < keys; i++)
            await hybrid.GetOrCreateAsync($"key {i}", _ => ValueTask.FromResult(new byte[ValueBytes]), options);
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(services);
        return grown;
    }

    private sealed class Another : IDistributedCache
    {
        public byte[]? Get(string key) => null;

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult<byte[]?>(null);

        public void Refresh(string key)
        {
        }

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key)
        {
        }

        public Task RemoveAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
        {
        }

        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
            Task.CompletedTask;
    }
}
