using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace PageFold.Caching.Ecosystem.Tests;

public class TelemetryTests
{
    [Fact]
    public void The_instruments_say_what_the_statistics_say()
    {
        using ServiceProvider services = Containers.Build(configure: options => options.Name = "shop");
        CompressedCache cache = services.Cache();
        for (int i = 0; i < 10; i++)
            cache.Set($"key {i}", new byte[500]);
        cache.Remove("key 0");
        byte[] got = new byte[500];
        for (int i = 0; i < 5; i++)
            cache.TryGet($"key {i}", got, out _);
        byte[] noise = new byte[Containers.Limit];
        new Random(1).NextBytes(noise);
        cache.Set("large", noise);
        CompressedCacheStatistics statistics = cache.GetStatistics();

        Assert.Equal(4, Read(services, "dotnet.cache.requests", "shop", ("dotnet.cache.request.result", "hit")));
        Assert.Equal(1, Read(services, "dotnet.cache.requests", "shop", ("dotnet.cache.request.result", "miss")));
        Assert.Equal(1, Read(services, "dotnet.cache.evictions", "shop", ("dotnet.cache.eviction.reason", "removed")));
        Assert.Equal(0, Read(services, "dotnet.cache.evictions", "shop", ("dotnet.cache.eviction.reason", "capacity")));
        Assert.Equal(9, Read(services, "dotnet.cache.entries", "shop"));
        Assert.Equal(statistics.UsedBytes, Read(services, "dotnet.cache.size", "shop"));
        Assert.Equal(statistics.MemoryLimit, Read(services, "pagefold.cache.limit", "shop"));
        Assert.Equal(statistics.OriginalBytes, Read(services, "pagefold.cache.original", "shop"));
        Assert.Equal(statistics.StoredBytes, Read(services, "pagefold.cache.stored", "shop"));
        Assert.Equal(statistics.MetadataBytes, Read(services, "pagefold.cache.metadata", "shop"));
        Assert.Equal(10, Read(services, "pagefold.cache.sets", "shop"));
        Assert.Equal(1, Read(services, "pagefold.cache.refused", "shop"));
        Assert.Equal(statistics.DictionaryVersion, Read<int>(services, "pagefold.cache.dictionary_version", "shop"));
        Assert.Equal(statistics.CompressionRatio, Read<double>(services, "pagefold.cache.compression_ratio", "shop"));
    }

    [Fact]
    public void Caches_of_one_container_are_told_apart_and_those_of_two_are_not_mixed()
    {
        using ServiceProvider one =
            Containers.Build(more => more.AddKeyedPageFoldCache("second", options => options.MemoryLimit = 6 << 20));
        using ServiceProvider two = Containers.Build(configure: options => options.Name = "other");
        one.Cache().Set("a", [1]);
        one.GetRequiredKeyedService<CompressedCache>("second").Set("a", [1]);
        one.GetRequiredKeyedService<CompressedCache>("second").Set("b", [1]);
        two.Cache().Set("a", [1]);
        Assert.Equal(1, Read(one, "dotnet.cache.entries", "default"));
        Assert.Equal(2, Read(one, "dotnet.cache.entries", "second"));
        Assert.Equal(1, Read(two, "dotnet.cache.entries", "other"));
        Assert.Throws<InvalidOperationException>(() => Read(one, "dotnet.cache.entries", "other"));
    }

    [Fact]
    public void A_disposed_cache_is_left_out()
    {
        using ServiceProvider services = Containers.Build();
        services.Cache().Dispose();
        Assert.Throws<InvalidOperationException>(() => Read(services, "dotnet.cache.entries", "default"));
    }

    [Fact]
    public async Task Calls_of_the_distributed_cache_are_timed()
    {
        using ServiceProvider services = Containers.Build();
        using MetricCollector<double> collector =
            new(services.GetRequiredService<IMeterFactory>(), PageFoldCachingMetrics.MeterName, "pagefold.cache.duration");
        IDistributedCache distributed = services.GetRequiredService<IDistributedCache>();
        await distributed.SetAsync("a", [1]);
        await distributed.GetAsync("a");
        await distributed.RemoveAsync("a");
        Assert.Equal(
            ["set", "get", "remove"],
            collector.GetMeasurementSnapshot().Select(measured => (string?)measured.Tags["pagefold.cache.operation"]));
        Assert.All(collector.GetMeasurementSnapshot(), measured =>
        {
            Assert.Equal("default", measured.Tags["cache.name"]);
            Assert.InRange(measured.Value, 0, 60);
        });
    }

    [Fact]
    public void Without_meters_in_the_container_listeners_of_the_process_see_the_cache()
    {
        ServiceCollection services = new();
        services.AddPageFoldCache(options => (options.MemoryLimit, options.Name) = (4 << 20, "alone"));
        using ServiceProvider provider = services.BuildServiceProvider();
        provider.Cache().Set("a", [1]);
        List<long> measured = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == PageFoldCachingMetrics.MeterName && instrument.Name == "dotnet.cache.entries")
                listener.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (tags.ToArray().Any(tag => tag is { Key: "cache.name", Value: "alone" }))
                measured.Add(value);
        });
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(1, Assert.Single(measured));
    }

    [Fact]
    public async Task The_health_check_degrades_once_for_each_refusal_and_fails_when_the_cache_is_disposed()
    {
        using ServiceProvider services = Containers.Build(more => more.AddHealthChecks().AddPageFoldCache());
        HealthCheckService checks = services.GetRequiredService<HealthCheckService>();
        HealthReport report = await checks.CheckHealthAsync();
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Equal(Containers.Limit, report.Entries["pagefold-cache"].Data["memoryLimit"]);

        IDistributedCache distributed = services.GetRequiredService<IDistributedCache>();
        bool isFull = false;
        for (int i = 0; !isFull && i < 100_000; i++)
            isFull = distributed.SetAsync($"__MSFT_HCT__{i}", new byte[2000]).IsFaulted;
        Assert.True(isFull);
        report = await checks.CheckHealthAsync();
        Assert.Equal(HealthStatus.Degraded, report.Status);
        Assert.Contains("refused 1 values for want of memory", report.Entries["pagefold-cache"].Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, (await checks.CheckHealthAsync()).Status);

        services.Cache().Dispose();
        Assert.Equal(HealthStatus.Unhealthy, (await checks.CheckHealthAsync()).Status);
    }

    [Fact]
    public async Task A_damaged_value_is_logged_and_degrades_the_health_once()
    {
        using ServiceProvider services = Containers.Build(more =>
        {
            more.AddHealthChecks().AddPageFoldCache();
            more.AddFakeLogging();
        });
        HealthCheckService checks = services.GetRequiredService<HealthCheckService>();
        services.Cache().Set("a", new byte[100]);
        Assert.True(services.Cache().Damaged("a"u8));
        Assert.Null(services.GetRequiredService<IDistributedCache>().Get("a"));
        HealthReport report = await checks.CheckHealthAsync();
        Assert.Contains("lost 1 damaged entries", report.Entries["pagefold-cache"].Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, (await checks.CheckHealthAsync()).Status);
        FakeLogRecord record = Assert.Single(
            services.GetFakeLogCollector().GetSnapshot(), record => record.Category == "PageFold.Caching.CompressedCache");
        Assert.Equal((LogLevel.Warning, "Cache 'default': an entry was damaged and is gone. Check the memory of this machine."),
            (record.Level, record.Message));
    }

    [Fact]
    public async Task Health_checks_of_keyed_caches_look_at_theirs()
    {
        using ServiceProvider services = Containers.Build(more =>
        {
            more.AddKeyedPageFoldCache("second", options => options.MemoryLimit = 6 << 20);
            more.AddHealthChecks().AddPageFoldCache().AddPageFoldCache("second-cache", "second", HealthStatus.Degraded);
        });
        services.GetRequiredKeyedService<CompressedCache>("second").Dispose();
        HealthReport report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Healthy, report.Entries["pagefold-cache"].Status);
        Assert.Equal(HealthStatus.Degraded, report.Entries["second-cache"].Status);
        Assert.Contains("'second' is disposed", report.Entries["second-cache"].Description, StringComparison.Ordinal);
    }

    private static long Read(ServiceProvider services, string instrument, string cache, params (string Key, object Value)[] tags) =>
        Read<long>(services, instrument, cache, tags);

    private static T Read<T>(ServiceProvider services, string instrument, string cache, params (string Key, object Value)[] tags)
        where T : struct
    {
        using MetricCollector<T> collector =
            new(services.GetRequiredService<IMeterFactory>(), PageFoldCachingMetrics.MeterName, instrument);
        collector.RecordObservableInstruments();
        return collector.GetMeasurementSnapshot().Single(measured =>
            cache.Equals(measured.Tags["cache.name"]) && tags.All(tag => tag.Value.Equals(measured.Tags[tag.Key]))).Value;
    }
}
