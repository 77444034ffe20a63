using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace PageFold.Caching.Ecosystem.Tests;

/// <summary>Containers with a cache, as an application makes them.</summary>
internal static class Containers
{
    public const long Limit = 16 << 20;

    public static ServiceProvider Build(Action<IServiceCollection>? more = null, Action<PageFoldCacheOptions>? configure = null)
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddMetrics();
        services.AddPageFoldCache(options =>
        {
            options.MemoryLimit = Limit;
            configure?.Invoke(options);
        });
        more?.Invoke(services);
        return services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
    }

    public static CompressedCache Cache(this IServiceProvider services) => services.GetRequiredService<CompressedCache>();

    public static HybridCache Hybrid(this IServiceProvider services) => services.GetRequiredService<HybridCache>();

    /// <summary>Another HybridCache over the same cache, as after a restart of what is above it.</summary>
    public static ServiceProvider Above(CompressedCache cache, Action<IServiceCollection>? more = null)
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddSingleton<Microsoft.Extensions.Caching.Distributed.IDistributedCache>(new PageFoldDistributedCache(cache));
        services.AddHybridCache();
        more?.Invoke(services);
        return services.BuildServiceProvider();
    }
}
