// The metrics of a cache by OpenTelemetry, written to the console.
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using PageFold.Caching;

ServiceCollection services = new();
services.AddLogging();
services.AddPageFoldCache(options => (options.Name, options.MemoryLimit) = ("products", 16 << 20));
services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(PageFoldCachingMetrics.MeterName).AddConsoleExporter());
await using ServiceProvider provider = services.BuildServiceProvider();
MeterProvider meters = provider.GetRequiredService<MeterProvider>();

IDistributedCache cache = provider.GetRequiredService<IDistributedCache>();
for (int number = 0; number < 1000; number++)
    await cache.SetStringAsync($"product {number}", $"The description of product {number} is a text of some words.");
for (int number = 0; number < 2000; number++)
    await cache.GetStringAsync($"product {number}");

bool isExported = meters.ForceFlush();
CompressedCacheStatistics statistics = provider.GetRequiredService<CompressedCache>().GetStatistics();
Console.WriteLine($"{statistics.Hits} hits, {statistics.Misses} misses, {statistics.Entries} entries in {statistics.UsedBytes:N0} bytes");
if (isExported && statistics is { Hits: 1000, Misses: 1000 })
    return 0;
await Console.Error.WriteLineAsync("FAILED: the metrics were not exported, or the cache did not hold 1000 products");
return 1;
