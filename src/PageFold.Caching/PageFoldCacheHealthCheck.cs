using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace PageFold.Caching;

/// <summary>
/// Reports a cache as degraded if, since the last check, it refused values for want of memory or found damaged ones, and as unhealthy when
/// it is disposed.
/// </summary>
/// <remarks>The first check looks back to the cache's beginning. Thread-safe.</remarks>
/// <param name="cache">The cache.</param>
public sealed class PageFoldCacheHealthCheck(CompressedCache cache) : IHealthCheck
{
    private readonly Lock _lock = new();
    private long _refused;
    private long _damaged;

    /// <summary>Checks the cache. The task is complete.</summary>
    /// <param name="context">The registration, which tells the status of a failure.</param>
    /// <param name="cancellationToken">Is not looked at: the check does not wait.</param>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Check(context.Registration?.FailureStatus ?? HealthStatus.Unhealthy));
    }

    private HealthCheckResult Check(HealthStatus failure)
    {
        CompressedCacheStatistics statistics;
        try
        {
            statistics = cache.GetStatistics();
        }
        catch (ObjectDisposedException)
        {
            return new HealthCheckResult(failure, $"Cache '{cache.Name}' is disposed.");
        }
        long refused = statistics.RefusedForMemory;
        long damaged = statistics.Evictions.GetValueOrDefault(CacheEvictionReason.Corrupt);
        lock (_lock)
        {
            (refused, _refused) = (refused - _refused, refused);
            (damaged, _damaged) = (damaged - _damaged, damaged);
        }
        Dictionary<string, object> data = new()
        {
            ["entries"] = statistics.Entries,
            ["usedBytes"] = statistics.UsedBytes,
            ["memoryLimit"] = statistics.MemoryLimit,
            ["compressionRatio"] = statistics.CompressionRatio,
            ["refusedForMemory"] = refused,
            ["damaged"] = damaged,
        };
        List<string> reasons = [];
        if (refused > 0)
            reasons.Add(string.Create(CultureInfo.InvariantCulture, $"refused {refused} values for want of memory; raise MemoryLimit"));
        if (damaged > 0)
            reasons.Add(string.Create(CultureInfo.InvariantCulture, $"lost {damaged} damaged entries; check the memory of this machine"));
        return reasons.Count == 0
            ? HealthCheckResult.Healthy($"Cache '{cache.Name}' works.", data)
            : HealthCheckResult.Degraded($"Since the last check cache '{cache.Name}' {string.Join(", and ", reasons)}.", data: data);
    }
}
