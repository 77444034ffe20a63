using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using PageFold.Caching;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the health checks of PageFold caches.</summary>
public static class PageFoldCacheHealthChecksBuilderExtensions
{
    /// <summary>Adds a health check of a registered cache: see <see cref="PageFoldCacheHealthCheck"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The name of the health check.</param>
    /// <param name="serviceKey">The key of the cache; null for that of <c>AddPageFoldCache</c>.</param>
    /// <param name="failureStatus">What is reported of a disposed cache; null for unhealthy.</param>
    /// <param name="tags">By which health checks are chosen; null for none.</param>
    /// <exception cref="ArgumentNullException">There is no builder or no name.</exception>
    public static IHealthChecksBuilder AddPageFoldCache(
        this IHealthChecksBuilder builder,
        string name = "pagefold-cache",
        object? serviceKey = null,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        // A singleton, because the check compares with the one before.
        builder.Services.TryAddKeyedSingleton(name, (services, _) => new PageFoldCacheHealthCheck(
            services.GetKeyedService<CompressedCache>(serviceKey) ?? throw AdapterThrow.NoCacheToCheck(name, serviceKey)));
        return builder.Add(new HealthCheckRegistration(
            name, services => services.GetRequiredKeyedService<PageFoldCacheHealthCheck>(name), failureStatus, tags));
    }
}
