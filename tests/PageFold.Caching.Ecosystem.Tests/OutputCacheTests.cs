using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using PageFold.Caching.AspNetCore;

namespace PageFold.Caching.Ecosystem.Tests;

/// <summary>The output cache of ASP.NET Core over the cache, in a real server.</summary>
public class OutputCacheTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_response_is_made_once_until_its_tag_is_evicted(bool isBefore)
    {
        int made = 0;
        await using WebApplication app = Build(isBefore, options => options.MemoryLimit = 4 << 20);
        app.MapGet("/page/{id}", (string id) => $"page {id}, {Interlocked.Increment(ref made)}, {new string('x', 50_000)}")
            .CacheOutput(policy => policy.Tag("pages").Expire(TimeSpan.FromHours(1)));
        app.MapGet("/other", () => $"other {Interlocked.Increment(ref made)}").CacheOutput(policy => policy.Tag("others"));
        await app.StartAsync();
        HttpClient client = app.GetTestClient();
        string first = await client.GetStringAsync(At("/page/1"));
        string other = await client.GetStringAsync(At("/other"));
        Assert.Equal(first, await client.GetStringAsync(At("/page/1")));
        Assert.NotEqual(first, await client.GetStringAsync(At("/page/2")));
        Assert.Equal(3, made);

        await app.Services.GetRequiredService<IOutputCacheStore>().EvictByTagAsync("pages", CancellationToken.None);
        Assert.NotEqual(first, await client.GetStringAsync(At("/page/1")));
        Assert.Equal(other, await client.GetStringAsync(At("/other")));
        CompressedCache cache = app.Services.GetRequiredKeyedService<CompressedCache>(PageFoldOutputCacheStore.ServiceKey);
        Assert.Equal("output", cache.Name);
        // Entries with a tag that was removed go as they are looked up or evicted.
        Assert.InRange(cache.Count, 2, 3);
        Assert.IsType<PageFoldOutputCacheStore>(app.Services.GetRequiredService<IOutputCacheStore>());
    }

    [Fact]
    public async Task A_response_that_is_too_large_for_the_cache_is_served_all_the_same()
    {
        int made = 0;
        await using WebApplication app = Build(isBefore: true, options => options.MaxValueBytes = 1000);
        app.MapGet("/", () => $"{Interlocked.Increment(ref made)} {new string('x', 5000)}").CacheOutput();
        await app.StartAsync();
        HttpClient client = app.GetTestClient();
        for (int i = 1; i <= 3; i++)
            Assert.StartsWith($"{i} xxx", await client.GetStringAsync(At("/")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_store_keeps_what_its_interface_says()
    {
        using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = 4 << 20 });
        PageFoldOutputCacheStore store = new(cache);
        CancellationToken none = CancellationToken.None;
        await store.SetAsync("bytes", [1, 2, 3], ["a", "b"], TimeSpan.FromMinutes(1), none);
        ReadOnlyMemory<string> tags = new[] { "skipped", "b" }.AsMemory(1);
        await store.SetAsync("sequence", new ReadOnlySequence<byte>([4, 5]), tags, TimeSpan.FromMinutes(1), none);
        await store.SetAsync("untagged", [6], null, TimeSpan.FromMinutes(1), none);
        await store.SetAsync("expired", [7], null, TimeSpan.Zero, none);
        Assert.Equal((byte[])[1, 2, 3], await store.GetAsync("bytes", none));
        Pipe pipe = new();
        Assert.True(await store.TryGetAsync("sequence", pipe.Writer, none));
        Assert.False(await store.TryGetAsync("missing", pipe.Writer, none));
        await pipe.Writer.CompleteAsync();
        Assert.Equal((byte[])[4, 5], (await pipe.Reader.ReadAsync()).Buffer.ToArray());
        Assert.Null(await store.GetAsync("expired", none));
        await store.EvictByTagAsync("skipped", none);
        Assert.NotNull(await store.GetAsync("sequence", none));
        await store.EvictByTagAsync("b", none);
        Assert.Null(await store.GetAsync("bytes", none));
        Assert.Null(await store.GetAsync("sequence", none));
        Assert.NotNull(await store.GetAsync("untagged", none));

        CancellationToken cancelled = new(canceled: true);
        Assert.True(store.GetAsync("untagged", cancelled).AsTask().IsCanceled);
        Assert.True(store.TryGetAsync("untagged", pipe.Writer, cancelled).AsTask().IsCanceled);
        Assert.True(store.SetAsync("untagged", [1], null, TimeSpan.FromMinutes(1), cancelled).AsTask().IsCanceled);
        Assert.True(store.EvictByTagAsync("untagged", cancelled).AsTask().IsCanceled);
    }

    private static Uri At(string path) => new(path, UriKind.Relative);

    private static WebApplication Build(bool isBefore, Action<PageFoldCacheOptions> configure)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        builder.Services.AddRouting();
        if (!isBefore)
            builder.Services.AddOutputCache();
        builder.Services.AddPageFoldOutputCache(options =>
        {
            options.MemoryLimit = 4 << 20;
            configure(options);
        });
        if (isBefore)
            builder.Services.AddOutputCache();
        WebApplication app = builder.Build();
        app.UseRouting();
        app.UseOutputCache();
        return app;
    }
}
