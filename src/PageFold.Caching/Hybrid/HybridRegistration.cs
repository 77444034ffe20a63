using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace PageFold.Caching.Hybrid;

/// <summary>Registers HybridCache so that its first level is a <see cref="FirstLevel"/> if its second is a PageFold cache.</summary>
/// <remarks>
/// <para>
/// HybridCache's default options can turn its first level off, but a call that passes flags replaces them, and nothing in its options
/// bounds the level. Its constructor takes the memory cache from the service provider, which is where the level is exchanged: the
/// application's own memory cache stays as it is. A limit on that one would make every entry that other code adds without a size fail.
/// </para>
/// <para>
/// The registration of <c>AddHybridCache</c> is replaced where it was made before, and a later one finds this and adds nothing. Other
/// implementations of HybridCache are left alone.
/// </para>
/// </remarks>
internal static class HybridRegistration
{
    public static void Add(IServiceCollection services)
    {
        ServiceDescriptor original = Original();
        services.AddHybridCache();
        for (int i = 0; i < services.Count; i++)
        {
            ServiceDescriptor service = services[i];
            if (service.ServiceType == typeof(HybridCache) && !service.IsKeyedService
                && service.ImplementationType is { } type && type == original.ImplementationType)
            {
                services[i] = ServiceDescriptor.Singleton(provider => Create(provider, type));
            }
        }
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<HybridCacheOptions>, FirstLevelFlags>());
    }

    /// <summary>The first level for a HybridCache with such options; null if its second level is not a PageFold cache.</summary>
    public static FirstLevel? LevelOf(IServiceProvider services, HybridCacheOptions options)
    {
        // A null key is that of services without one.
        object? key = options.DistributedCacheServiceKey;
        return services.GetKeyedService<IDistributedCache>(key) is PageFoldDistributedCache
            ? services.GetKeyedService<FirstLevel>(key) : null;
    }

    private static HybridCache Create(
        IServiceProvider services, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type)
    {
        IOptions<HybridCacheOptions> options = services.GetRequiredService<IOptions<HybridCacheOptions>>();
        IServiceProvider seen = LevelOf(services, options.Value) is { Memory: { } memory }
            ? new FirstLevelServices(services, memory) : services;
        return (HybridCache)ActivatorUtilities.CreateInstance(services, type, options, seen);
    }

    private static ServiceDescriptor Original()
    {
        ServiceCollection services = new();
        services.AddHybridCache();
        return services.Single(service => service.ServiceType == typeof(HybridCache));
    }
}
