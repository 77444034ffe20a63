using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace PageFold.Caching.Ecosystem.Tests;

/// <summary>The real HybridCache over the cache.</summary>
public class HybridCacheTests
{
    [Fact]
    public async Task A_hundred_concurrent_gets_call_the_factory_once()
    {
        using ServiceProvider services = Containers.Build();
        HybridCache hybrid = services.Hybrid();
        int calls = 0;
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<string>[] gets = [.. Enumerable.Range(0, 100).Select(_ => Task.Run(async () => await hybrid.GetOrCreateAsync("a", async _ =>
        {
            Interlocked.Increment(ref calls);
            await go.Task;
            return "value";
        })))];
        while (Volatile.Read(ref calls) == 0)
            await Task.Yield();
        go.SetResult();
        Assert.All(await Task.WhenAll(gets), got => Assert.Equal("value", got));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task A_value_outlives_the_HybridCache_that_made_it()
    {
        using ServiceProvider services = Containers.Build();
        await services.Hybrid().SetAsync("a", new Person("Ada", [1, 2, 3]));
        using ServiceProvider next = Containers.Above(services.Cache());
        Person got = await next.Hybrid().GetOrCreateAsync<Person>(
            "a", _ => throw new InvalidOperationException("It is in the second level."));
        Assert.Equal("Ada", got.Name);
        Assert.Equal([1, 2, 3], got.Numbers);
    }

    [Fact]
    public async Task A_removed_key_or_tag_or_everything_is_gone_for_a_new_HybridCache_too()
    {
        using ServiceProvider services = Containers.Build();
        HybridCache hybrid = services.Hybrid();
        await hybrid.SetAsync("key", 1);
        await hybrid.SetAsync("tagged", 1, tags: ["red", "round"]);
        await hybrid.SetAsync("other", 1, tags: ["blue"]);
        await hybrid.RemoveAsync("key");
        await hybrid.RemoveByTagAsync("red");
        using (ServiceProvider next = Containers.Above(services.Cache()))
        {
            foreach (HybridCache above in (HybridCache[])[hybrid, next.Hybrid()])
            {
                Assert.Equal(-1, await Peek(above, "key"));
                Assert.Equal(-1, await Peek(above, "tagged", "red", "round"));
                Assert.Equal(1, await Peek(above, "other", "blue"));
            }
        }
        await hybrid.RemoveByTagAsync("*");
        using ServiceProvider last = Containers.Above(services.Cache());
        Assert.Equal(-1, await Peek(last.Hybrid(), "other", "blue"));
    }

    /// <summary>dotnet/extensions#7771: invalidated entries are served while the tag's marker is read.</summary>
    [Fact]
    public async Task The_first_get_after_a_restart_does_not_serve_what_a_tag_invalidated()
    {
        using ServiceProvider services = Containers.Build();
        HybridCache hybrid = services.Hybrid();
        for (int i = 0; i < 50; i++)
            await hybrid.SetAsync($"key {i}", i, tags: ["one", $"tag {i}"]);
        for (int i = 0; i < 50; i += 2)
            await hybrid.RemoveByTagAsync($"tag {i}");
        using ServiceProvider next = Containers.Above(services.Cache());
        for (int i = 0; i < 50; i++)
            Assert.Equal(i % 2 == 0 ? -1 : i, await Peek(next.Hybrid(), $"key {i}", "one", $"tag {i}"));
    }

    [Fact]
    public async Task An_expired_value_is_made_anew_with_each_kind_of_first_level()
    {
        foreach (HybridCacheFirstLevel level in (HybridCacheFirstLevel[])[HybridCacheFirstLevel.Off, HybridCacheFirstLevel.Bounded])
        {
            FakeTimeProvider clock = new();
            using ServiceProvider services = Containers.Build(
                more => more.AddSingleton<TimeProvider>(clock), options => options.HybridCacheFirstLevel = level);
            HybridCacheEntryOptions minute = new() { Expiration = TimeSpan.FromMinutes(1) };
            int calls = 0;
            for (int round = 1; round <= 3; round++)
            {
                for (int i = 0; i < 2; i++)
                {
                    Assert.Equal(round, await services.Hybrid()
                        .GetOrCreateAsync("a", _ => ValueTask.FromResult(Interlocked.Increment(ref calls)), minute));
                }
                clock.Advance(TimeSpan.FromSeconds(61));
            }
        }
    }

    [Fact]
    public async Task A_get_that_is_cancelled_leaves_no_value_and_the_next_one_works()
    {
        using ServiceProvider services = Containers.Build();
        HybridCache hybrid = services.Hybrid();
        using CancellationTokenSource source = new();
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ValueTask<int> get = hybrid.GetOrCreateAsync("a", async token =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return 1;
        }, cancellationToken: source.Token);
        await begun.Task;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await get);
        Assert.False(services.Cache().Contains("a"));
        Assert.Equal(2, await hybrid.GetOrCreateAsync("a", _ => ValueTask.FromResult(2)));
    }

    [Fact]
    public async Task A_value_above_MaximumPayloadBytes_is_returned_and_not_stored()
    {
        using ServiceProvider services = Containers.Build(more => more.AddHybridCache(options => options.MaximumPayloadBytes = 1000));
        byte[] large = new byte[2000];
        Assert.Equal(2000, (await services.Hybrid().GetOrCreateAsync("large", _ => ValueTask.FromResult(large))).Length);
        Assert.False(services.Cache().Contains("large"));
    }

    [Fact]
    public async Task A_stored_value_above_MaximumPayloadBytes_is_made_anew()
    {
        using ServiceProvider services = Containers.Build();
        await services.Hybrid().SetAsync("large", new byte[2000]);
        using ServiceProvider strict =
            Containers.Above(services.Cache(), more => more.AddHybridCache(options => options.MaximumPayloadBytes = 1000));
        Assert.Single(await strict.Hybrid().GetOrCreateAsync("large", _ => ValueTask.FromResult(new byte[1])));
    }

    [Fact]
    public async Task A_value_above_the_caches_own_limit_is_returned_all_the_same()
    {
        using ServiceProvider services = Containers.Build(configure: options => options.MaxValueBytes = 1000);
        for (int i = 0; i < 2; i++)
            Assert.Equal(2000, (await services.Hybrid().GetOrCreateAsync("large", _ => ValueTask.FromResult(new byte[2000]))).Length);
        Assert.False(services.Cache().Contains("large"));
    }

    [Fact]
    public async Task Two_HybridCaches_live_in_two_caches_of_a_container()
    {
        using ServiceProvider services = Containers.Build(more =>
        {
            more.AddKeyedPageFoldCache("second", options => options.MemoryLimit = 6 << 20);
            more.AddKeyedHybridCache("other", options => options.DistributedCacheServiceKey = "second");
        });
        await services.Hybrid().SetAsync("a", 1);
        await services.GetRequiredKeyedService<HybridCache>("other").SetAsync("b", 2);
        CompressedCache second = services.GetRequiredKeyedService<CompressedCache>("second");
        Assert.Equal((true, false), (services.Cache().Contains("a"), services.Cache().Contains("b")));
        Assert.Equal((false, true), (second.Contains("a"), second.Contains("b")));
    }

    private static ValueTask<int> Peek(HybridCache hybrid, string key, params string[] tags) => hybrid.GetOrCreateAsync(
        key,
        _ => ValueTask.FromResult(-1),
        new HybridCacheEntryOptions
        {
            Flags = HybridCacheEntryFlags.DisableDistributedCacheWrite | HybridCacheEntryFlags.DisableLocalCache,
        },
        tags);

    private sealed record Person(string Name, int[] Numbers);
}
