using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace PageFold.Caching.Ecosystem.Tests;

public class RegistrationTests
{
    [Fact]
    public void All_services_are_one_cache_that_ends_with_the_container()
    {
        CompressedCache cache;
        using (ServiceProvider services = Containers.Build())
        {
            cache = services.Cache();
            IDistributedCache distributed = services.GetRequiredService<IDistributedCache>();
            Assert.Same(distributed, services.GetRequiredService<IBufferDistributedCache>());
            Assert.Same(distributed, services.GetRequiredService<PageFoldDistributedCache>());
            distributed.SetString("a", "value");
            Assert.True(cache.Contains("a"));
            Assert.Equal("default", cache.Name);
            Assert.Equal(Containers.Limit, cache.MemoryLimit);
        }
        Assert.Throws<ObjectDisposedException>(cache.GetStatistics);
    }

    [Fact]
    public void A_second_call_changes_the_options_of_the_same_cache()
    {
        using ServiceProvider services = Containers.Build(more => more.AddPageFoldCache(options => options.Name = "renamed"));
        Assert.Equal("renamed", Assert.Single(services.GetServices<CompressedCache>()).Name);
        Assert.Equal(Containers.Limit, services.Cache().MemoryLimit);
        Assert.Single(services.GetServices<IDistributedCache>());
    }

    [Fact]
    public void A_name_that_another_cache_has_is_refused_until_that_one_is_gone()
    {
        using ServiceProvider services = Containers.Build(more =>
        {
            more.AddPageFoldCache(options => options.Name = "same");
            more.AddKeyedPageFoldCache("one", options => (options.MemoryLimit, options.Name) = (4 << 20, "same"));
        });
        CompressedCache first = services.Cache();
        InvalidOperationException refused =
            Assert.Throws<InvalidOperationException>(() => services.GetRequiredKeyedService<CompressedCache>("one"));
        Assert.Contains("have the Name 'same'", refused.Message, StringComparison.Ordinal);
        first.Dispose();
        Assert.Equal("same", services.GetRequiredKeyedService<CompressedCache>("one").Name);
    }

    [Fact]
    public void A_cache_that_the_application_registered_itself_is_refused()
    {
        ServiceCollection services = new();
        services.AddSingleton(_ => new CompressedCache(new CompressedCacheOptions { MemoryLimit = Containers.Limit }));
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => services.AddPageFoldCache(_ => { }));
        Assert.Contains("have a CompressedCache already", refused.Message, StringComparison.Ordinal);
        services.AddKeyedPageFoldCache("one", _ => { });
        services.AddKeyedSingleton("two", (_, _) => new CompressedCache(new CompressedCacheOptions { MemoryLimit = Containers.Limit }));
        refused = Assert.Throws<InvalidOperationException>(() => services.AddKeyedPageFoldCache("two", _ => { }));
        Assert.Contains("with the key 'two' already", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keyed_caches_are_caches_of_their_own()
    {
        using ServiceProvider services = Containers.Build(more =>
        {
            more.AddKeyedPageFoldCache("one", options => options.MemoryLimit = 4 << 20);
            more.AddKeyedPageFoldCache(DayOfWeek.Monday, options => (options.MemoryLimit, options.Name) = (6 << 20, "two"));
            more.AddKeyedPageFoldCache("one", options => options.MaxEntries = 10);
        });
        CompressedCache one = services.GetRequiredKeyedService<CompressedCache>("one");
        CompressedCache two = services.GetRequiredKeyedService<CompressedCache>(DayOfWeek.Monday);
        Assert.Equal(("one", 4L << 20), (one.Name, one.MemoryLimit));
        Assert.Equal(("two", 6L << 20), (two.Name, two.MemoryLimit));
        services.GetRequiredKeyedService<IDistributedCache>("one").SetString("a", "value");
        services.GetRequiredKeyedService<IBufferDistributedCache>(DayOfWeek.Monday).SetString("b", "value");
        Assert.Equal((true, false, false), (one.Contains("a"), two.Contains("a"), services.Cache().Contains("a")));
        Assert.Equal((false, true, false), (one.Contains("b"), two.Contains("b"), services.Cache().Contains("b")));
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddKeyedPageFoldCache("", _ => { }));
        ArgumentException sameText = Assert.Throws<ArgumentException>(() =>
            new ServiceCollection().AddKeyedPageFoldCache(1, _ => { }).AddKeyedPageFoldCache("1", _ => { }));
        Assert.Contains("serviceKey is '1' (String)", sameText.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_clock_is_the_containers()
    {
        FakeTimeProvider clock = new();
        using ServiceProvider services = Containers.Build(more => more.AddSingleton<TimeProvider>(clock));
        services.Cache().Set("a", [1], new CacheEntryPolicy { Expiration = TimeSpan.FromHours(1) });
        clock.Advance(TimeSpan.FromMinutes(61));
        Assert.False(services.Cache().Contains("a"));
    }

    [Fact]
    public void Options_come_from_configuration()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Cache:Name"] = "shop",
            ["Cache:MemoryLimit"] = "8388608",
            ["Cache:MaxMemoryLimit"] = "16777216",
            ["Cache:MaxEntries"] = "7",
            ["Cache:MaxContentBytes"] = "9",
            ["Cache:Objective"] = "ObjectHits",
            ["Cache:Compression"] = "builtin",
            ["Cache:HotShare"] = "0.25",
            ["Cache:MaxValueBytes"] = "1000",
            ["Cache:HybridCacheFirstLevel"] = "Bounded",
            ["Cache:HybridCacheFirstLevelBytes"] = "1048576",
        }).Build();
        ServiceCollection services = new();
        services.AddPageFoldCache(configuration.GetSection("Cache"));
        services.AddKeyedPageFoldCache("key", configuration.GetSection("Cache"));
        using ServiceProvider provider = services.BuildServiceProvider();
        foreach (string name in (string[])["", "key"])
        {
            PageFoldCacheOptions options = provider.GetRequiredService<IOptionsMonitor<PageFoldCacheOptions>>().Get(name);
            Assert.Equal(("shop", 8388608L, 16777216L, 7L),
                (options.Name, options.MemoryLimit, options.MaxMemoryLimit, options.MaxEntries));
            Assert.Equal(
                (CacheObjective.ObjectHits, CacheCompression.BuiltIn, 9L),
                (options.Objective, options.Compression, options.MaxContentBytes));
            Assert.Equal(
                (0.25, 1000, HybridCacheFirstLevel.Bounded, 1048576L),
                (options.HotShare, options.MaxValueBytes, options.HybridCacheFirstLevel, options.HybridCacheFirstLevelBytes));
        }
        Assert.Equal(("shop", 8388608), (provider.Cache().Name, provider.Cache().MemoryLimit));
    }

    [Fact]
    public void A_misspelt_option_in_the_configuration_is_refused()
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Cache:MemoryLimits"] = "8388608" }).Build();
        ServiceCollection services = new();
        services.AddPageFoldCache(configuration.GetSection("Cache"));
        services.AddKeyedPageFoldCache("key", configuration.GetSection("Cache"));
        using ServiceProvider provider = services.BuildServiceProvider();
        IOptionsMonitor<PageFoldCacheOptions> options = provider.GetRequiredService<IOptionsMonitor<PageFoldCacheOptions>>();
        foreach (string name in (string[])["", "key"])
        {
            string message = Assert.Throws<InvalidOperationException>(() => options.Get(name)).Message;
            Assert.Contains("'MemoryLimits'", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_change_of_the_configuration_after_the_start_has_no_effect_and_does_no_harm()
    {
        using ConfigurationManager configuration = new();
        configuration["Cache:MemoryLimit"] = "8388608";
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddPageFoldCache(configuration.GetSection("Cache"));
        builder.Services.AddKeyedPageFoldCache("key", configuration.GetSection("Cache"));
        builder.Services.AddKeyedPageFoldCache("key", options => options.Name = "another");
        using IHost host = builder.Build();
        await host.StartAsync();
        configuration["Cache:MemoryLimit"] = "5";
        ((IConfigurationRoot)configuration).Reload();
        Assert.Equal(8388608, host.Services.GetRequiredService<CompressedCache>().MemoryLimit);
        Assert.Equal(8388608, host.Services.GetRequiredKeyedService<CompressedCache>("key").MemoryLimit);
        await host.Services.GetRequiredService<HybridCache>().SetAsync("a", 1);
        await host.StopAsync();
    }

    public static TheoryData<string, Action<PageFoldCacheOptions>> Mistakes() => new()
    {
        {
            $"MemoryLimit of the PageFold cache is 1000; choose at least {CompressedCacheOptions.MinMemoryLimit} bytes",
            options => options.MemoryLimit = 1000
        },
        { "MaxMemoryLimit of the PageFold cache is 2000; choose at least", options => options.MaxMemoryLimit = 2000 },
        {
            $"MaxMemoryLimit of the PageFold cache is 1000; choose at least {CompressedCacheOptions.MinMemoryLimit} bytes, or null.",
            options => (options.MemoryLimit, options.MaxMemoryLimit) = (null, 1000)
        },
        { "MaxContentBytes of the PageFold cache is 0; choose at least 1", options => options.MaxContentBytes = 0 },
        { "MaxEntries of the PageFold cache is 0; choose at least 1", options => options.MaxEntries = 0 },
        { "MaxValueBytes of the PageFold cache is -1; choose", options => options.MaxValueBytes = -1 },
        { "HotShare of the PageFold cache is 0.75; choose 0 to 0.5", options => options.HotShare = 0.75 },
        { "Name of the PageFold cache is ' '; choose", options => options.Name = " " },
        { "Objective of the PageFold cache is 9; choose ByteHits, ObjectHits", options => options.Objective = (CacheObjective)9 },
        { "Compression of the PageFold cache is 9; choose", options => options.Compression = (CacheCompression)9 },
        { "HybridCacheFirstLevel of the PageFold cache is 9", options => options.HybridCacheFirstLevel = (HybridCacheFirstLevel)9 },
        {
            "HybridCacheFirstLevelBytes of the PageFold cache is 256; choose at least 4096 bytes",
            options => (options.HybridCacheFirstLevel, options.HybridCacheFirstLevelBytes) = (HybridCacheFirstLevel.Bounded, 256)
        },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_mistake_in_the_options_ends_the_start_of_the_host(string message, Action<PageFoldCacheOptions> mistake)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddPageFoldCache(options => options.MemoryLimit = Containers.Limit);
        builder.Services.AddPageFoldCache(mistake);
        using IHost host = builder.Build();
        OptionsValidationException exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.StartsWith(message, Assert.Single(exception.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void The_eviction_callback_is_called()
    {
        List<(string Key, CacheEvictionReason Reason)> gone = [];
        using ServiceProvider services = Containers.Build(configure: options =>
            options.OnEviction((key, reason) => gone.Add((System.Text.Encoding.UTF8.GetString(key), reason))));
        services.Cache().Set("a", [1]);
        services.Cache().Remove("a");
        Assert.Equal([("a", CacheEvictionReason.Removed)], gone);
    }
}
