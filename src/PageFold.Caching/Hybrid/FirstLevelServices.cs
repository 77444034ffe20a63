using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;

namespace PageFold.Caching.Hybrid;

/// <summary>The services of a container, with another memory cache. HybridCache takes its first level from there.</summary>
internal sealed class FirstLevelServices(IServiceProvider services, IMemoryCache memory) : IKeyedServiceProvider
{
    public object? GetService(Type serviceType) => serviceType == typeof(IMemoryCache) ? memory : services.GetService(serviceType);

    public object? GetKeyedService(Type serviceType, object? serviceKey) =>
        ((IKeyedServiceProvider)services).GetKeyedService(serviceType, serviceKey);

    public object GetRequiredKeyedService(Type serviceType, object? serviceKey) =>
        ((IKeyedServiceProvider)services).GetRequiredKeyedService(serviceType, serviceKey);
}
