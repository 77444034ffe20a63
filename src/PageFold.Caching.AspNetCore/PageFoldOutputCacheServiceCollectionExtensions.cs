using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using PageFold.Caching;
using PageFold.Caching.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers PageFold as the store of ASP.NET Core's output cache.</summary>
/// <remarks>
/// The responses have a <see cref="CompressedCache"/> of their own, named "output" unless its options say otherwise, registered under the
/// key <see cref="PageFoldOutputCacheStore.ServiceKey"/>. The order of this call and <c>AddOutputCache</c> does not matter. The output
/// cache does not store bodies above <c>OutputCacheOptions.MaximumBodySize</c>; its <c>SizeLimit</c> bounds its own store, not this one.
/// </remarks>
public static class PageFoldOutputCacheServiceCollectionExtensions
{
    private const string Name = "output";

    /// <summary>Registers the output cache with a PageFold cache as its store.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options of the cache.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IServiceCollection AddPageFoldOutputCache(this IServiceCollection services, Action<PageFoldCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddKeyedPageFoldCache(PageFoldOutputCacheStore.ServiceKey, options =>
        {
            options.Name ??= Name;
            configure(options);
        });
        return AddStore(services);
    }

    /// <summary>Registers the output cache with a PageFold cache that has the options of a section of the configuration.</summary>
    /// <param name="services">The services.</param>
    /// <param name="section">Has the properties of <see cref="PageFoldCacheOptions"/>.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IServiceCollection AddPageFoldOutputCache(this IServiceCollection services, IConfiguration section)
    {
        services.AddKeyedPageFoldCache(PageFoldOutputCacheStore.ServiceKey, section);
        services.PostConfigure<PageFoldCacheOptions>(PageFoldOutputCacheStore.ServiceKey, options => options.Name ??= Name);
        return AddStore(services);
    }

    private static IServiceCollection AddStore(IServiceCollection services)
    {
        services.AddOutputCache();
        return services.AddSingleton<IOutputCacheStore>(provider => new PageFoldOutputCacheStore(
            provider.GetRequiredKeyedService<CompressedCache>(PageFoldOutputCacheStore.ServiceKey),
            provider.GetService<ILogger<PageFoldOutputCacheStore>>()));
    }
}
