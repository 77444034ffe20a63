using Microsoft.Extensions.DependencyInjection;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.Serialization.SystemTextJson;

namespace PageFold.Caching.Ecosystem.Tests;

/// <summary>The real FusionCache with the cache as its second level.</summary>
public class FusionCacheTests
{
    private static readonly FusionCacheEntryOptions SecondLevelOnly = new(TimeSpan.FromMinutes(5))
    {
        SkipMemoryCacheRead = true, SkipMemoryCacheWrite = true, AllowBackgroundDistributedCacheOperations = false,
    };

    [Fact]
    public async Task A_hundred_concurrent_gets_call_the_factory_once()
    {
        using ServiceProvider services = Build();
        IFusionCache fusion = services.GetRequiredService<IFusionCache>();
        int calls = 0;
        string[] got = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(async () =>
            await fusion.GetOrSetAsync<string>("a", async (_, token) =>
            {
                Interlocked.Increment(ref calls);
                await Task.Delay(20, token);
                return "value";
            }))));
        Assert.All(got, value => Assert.Equal("value", value));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task A_value_outlives_the_FusionCache_that_made_it()
    {
        using ServiceProvider services = Build();
        await services.GetRequiredService<IFusionCache>().SetAsync("a", 1, SecondLevelOnly);
        Assert.True(services.Cache().Contains("v2:a"));
        using FusionCache next = Above(services.Cache());
        Assert.Equal(1, await next.GetOrDefaultAsync<int>("a"));
    }

    [Fact]
    public async Task A_removed_tag_or_everything_is_gone_for_a_new_FusionCache_too()
    {
        using ServiceProvider services = Build();
        IFusionCache fusion = services.GetRequiredService<IFusionCache>();
        await fusion.SetAsync("tagged", 1, SecondLevelOnly, tags: ["red"]);
        await fusion.SetAsync("other", 1, SecondLevelOnly, tags: ["blue"]);
        await fusion.RemoveByTagAsync("red", SecondLevelOnly);
        Assert.True(services.Cache().Contains("v2:__fc:t:red"));
        using (FusionCache next = Above(services.Cache()))
        {
            Assert.Equal(-1, await next.GetOrDefaultAsync("tagged", -1));
            Assert.Equal(1, await next.GetOrDefaultAsync("other", -1));
        }
        await fusion.ClearAsync(allowFailSafe: false, SecondLevelOnly);
        using FusionCache last = Above(services.Cache());
        Assert.Equal(-1, await last.GetOrDefaultAsync("other", -1));
    }

    [Fact]
    public async Task Markers_survive_a_flood_of_values()
    {
        using ServiceProvider services = Build(limit: 4 << 20);
        IFusionCache fusion = services.GetRequiredService<IFusionCache>();
        await fusion.SetAsync("tagged", "value", SecondLevelOnly, tags: ["red"]);
        await fusion.RemoveByTagAsync("red", SecondLevelOnly);
        byte[] noise = new byte[2000];
        Random random = new(1);
        for (int i = 0; i < 5000; i++)
        {
            random.NextBytes(noise);
            await fusion.SetAsync($"key {i}", noise, SecondLevelOnly);
        }
        Assert.True(services.Cache().GetStatistics().Evictions[CacheEvictionReason.Capacity] > 100);
        Assert.True(services.Cache().Contains("v2:__fc:t:red"));
    }

    [Fact]
    public async Task Fail_safe_serves_the_expired_value_of_the_second_level_when_the_factory_fails()
    {
        using ServiceProvider services = Build();
        FusionCacheEntryOptions options = new(TimeSpan.FromMilliseconds(1))
        {
            IsFailSafeEnabled = true, FailSafeMaxDuration = TimeSpan.FromHours(1), AllowBackgroundDistributedCacheOperations = false,
        };
        await services.GetRequiredService<IFusionCache>().SetAsync("a", "stale", options);
        await Task.Delay(30);
        using FusionCache next = Above(services.Cache());
        Assert.Equal("stale", await next.GetOrSetAsync<string>("a", (_, _) => throw new InvalidOperationException("down"), options));
    }

    [Fact]
    public async Task A_cancelled_get_throws_and_leaves_no_value()
    {
        using ServiceProvider services = Build();
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await services.GetRequiredService<IFusionCache>()
            .GetOrSetAsync<int>("a", async (_, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                return 1;
            }, token: source.Token));
        Assert.False(services.Cache().Contains("v2:a"));
    }

    [Fact]
    public async Task A_disposed_second_level_is_a_failure_that_FusionCache_bears()
    {
        using ServiceProvider services = Build();
        services.Cache().Dispose();
        Assert.Equal(1, await services.GetRequiredService<IFusionCache>().GetOrSetAsync<int>("a", (_, _) => Task.FromResult(1)));
    }

    [Fact]
    public async Task Its_own_HybridCache_is_left_alone()
    {
        foreach (bool isBefore in (bool[])[true, false])
        {
            ServiceCollection services = new();
            if (!isBefore)
                services.AddPageFoldCache(options => options.MemoryLimit = Containers.Limit);
            services.AddFusionCache()
                .WithSerializer(new FusionCacheSystemTextJsonSerializer())
                .WithRegisteredDistributedCache()
                .AsHybridCache();
            if (isBefore)
                services.AddPageFoldCache(options => options.MemoryLimit = Containers.Limit);
            using ServiceProvider provider = services.BuildServiceProvider();
            Assert.Equal("ZiggyCreatures.FusionCache", provider.Hybrid().GetType().Assembly.GetName().Name);
            await provider.Hybrid().SetAsync("a", 1);
            Assert.True(provider.Cache().Contains("v2:a"));
        }
    }

    private static ServiceProvider Build(long limit = Containers.Limit) => Containers.Build(
        services => services.AddFusionCache()
            .WithDefaultEntryOptions(new FusionCacheEntryOptions(TimeSpan.FromMinutes(5)))
            .WithSerializer(new FusionCacheSystemTextJsonSerializer())
            .WithRegisteredDistributedCache(),
        options => options.MemoryLimit = limit);

    private static FusionCache Above(CompressedCache cache)
    {
        FusionCache fusion = new(new FusionCacheOptions());
        fusion.SetupDistributedCache(new PageFoldDistributedCache(cache), new FusionCacheSystemTextJsonSerializer());
        return fusion;
    }
}
