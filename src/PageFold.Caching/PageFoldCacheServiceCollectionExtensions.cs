using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using PageFold.Caching;
using PageFold.Caching.Hosting;
using PageFold.Caching.Hybrid;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers PageFold caches.</summary>
/// <remarks>
/// <para>
/// A registration adds, as singletons that end with the container: the <see cref="CompressedCache"/>, the same as <see
/// cref="IDistributedCache"/> and <see cref="IBufferDistributedCache"/>, and HybridCache with it as second level. The clock, the loggers
/// and the meters are those of the container. Options are validated when a host starts.
/// </para>
/// <para>
/// HybridCache's first level lies uncompressed on the GC heap. It is bounded to 16 MiB, beside the memory limit, unless <see
/// cref="PageFoldCacheOptions.HybridCacheFirstLevel"/> says otherwise.
/// </para>
/// </remarks>
public static class PageFoldCacheServiceCollectionExtensions
{
    /// <summary>Registers a cache that takes half of the memory: see <see cref="CompressedCacheOptions.MemoryLimit"/>.</summary>
    /// <param name="services">The services.</param>
    /// <exception cref="ArgumentNullException">There are no services.</exception>
    /// <exception cref="InvalidOperationException">The application has registered a <see cref="CompressedCache"/> itself.</exception>
    public static IServiceCollection AddPageFoldCache(this IServiceCollection services) => AddPageFoldCache(services, _ => { });

    /// <summary>Registers a cache.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets its options. Further calls change the options of the same cache.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">The application has registered a <see cref="CompressedCache"/> itself.</exception>
    public static IServiceCollection AddPageFoldCache(this IServiceCollection services, Action<PageFoldCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        OptionsOf(services, Options.Options.DefaultName).Configure(configure);
        return AddUnkeyed(services);
    }

    /// <summary>Registers a cache with the options of a section of the configuration.</summary>
    /// <param name="services">The services.</param>
    /// <param name="section">
    /// Has the properties of <see cref="PageFoldCacheOptions"/>, and no others: a misspelt name ends the start of the application.
    /// </param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">The application has registered a <see cref="CompressedCache"/> itself.</exception>
    public static IServiceCollection AddPageFoldCache(this IServiceCollection services, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        Bind(OptionsOf(services, Options.Options.DefaultName), section);
        return AddUnkeyed(services);
    }

    /// <summary>Registers a cache under a key, beside others.</summary>
    /// <remarks>The text of the key is the name of the cache's options, and the name of the cache unless they give another.</remarks>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">
    /// The key of its services. HybridCache uses the cache as second level if its <c>DistributedCacheServiceKey</c> is the same.
    /// </param>
    /// <param name="configure">Sets its options.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The text of the key is empty, or that of another key.</exception>
    /// <exception cref="InvalidOperationException">The application has registered one with this key itself.</exception>
    public static IServiceCollection AddKeyedPageFoldCache(
        this IServiceCollection services, object serviceKey, Action<PageFoldCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        string name = NameOf(serviceKey);
        OptionsOf(services, name).Configure(configure);
        return AddKeyed(services, serviceKey, name);
    }

    /// <summary>Registers a cache under a key, beside others, with the options of a section of the configuration.</summary>
    /// <inheritdoc cref="AddKeyedPageFoldCache(IServiceCollection, object, Action{PageFoldCacheOptions})"/>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key of its services.</param>
    /// <param name="section">Has the properties of <see cref="PageFoldCacheOptions"/>, and no others.</param>
    public static IServiceCollection AddKeyedPageFoldCache(this IServiceCollection services, object serviceKey, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        string name = NameOf(serviceKey);
        Bind(OptionsOf(services, name), section);
        return AddKeyed(services, serviceKey, name);
    }

    private static string NameOf(object serviceKey)
    {
        ArgumentNullException.ThrowIfNull(serviceKey);
        string? name = serviceKey.ToString();
        ArgumentException.ThrowIfNullOrWhiteSpace(name, nameof(serviceKey));
        return name;
    }

    // Once, and not again when the section changes: a cache keeps the options that were validated at the start.
    private static void Bind(OptionsBuilder<PageFoldCacheOptions> options, IConfiguration section) =>
        options.Configure(bound => section.Bind(bound, static binder => binder.ErrorOnUnknownConfiguration = true));

    private static OptionsBuilder<PageFoldCacheOptions> OptionsOf(IServiceCollection services, string name)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PageFoldCacheOptions>, PageFoldCacheOptionsValidator>());
        return services.AddOptions<PageFoldCacheOptions>(name).ValidateOnStart();
    }

    private static IServiceCollection AddUnkeyed(IServiceCollection services)
    {
        if (services.Any(service => !service.IsKeyedService && service.ServiceType == typeof(PageFoldDistributedCache)))
            return services;
        RefuseOtherCache(services, key: null);
        AddShared(services);
        string name = Options.Options.DefaultName;
        services.AddSingleton(provider => RegisteredCache.CreateCache(provider, name));
        services.AddSingleton(provider => RegisteredCache.CreateDistributed(provider, provider.GetRequiredService<CompressedCache>()));
        services.AddSingleton<IBufferDistributedCache>(provider => provider.GetRequiredService<PageFoldDistributedCache>());
        services.AddSingleton<IDistributedCache>(provider => provider.GetRequiredService<PageFoldDistributedCache>());
        services.AddSingleton(provider => RegisteredCache.CreateFirstLevel(provider, name));
        return services;
    }

    private static IServiceCollection AddKeyed(IServiceCollection services, object key, string name)
    {
        if (services.Any(service => service.IsKeyedService && service.ServiceType == typeof(PageFoldDistributedCache)
            && key.Equals(service.ServiceKey)))
        {
            return services;
        }
        if (services.Any(service => service.IsKeyedService && service.ServiceType == typeof(PageFoldDistributedCache)
            && service.ServiceKey?.ToString() == name))
            AdapterThrow.KeyTextTaken(key, name);
        RefuseOtherCache(services, key);
        AddShared(services);
        services.AddKeyedSingleton(key, (provider, _) => RegisteredCache.CreateCache(provider, name));
        services.AddKeyedSingleton(
            key,
            (provider, _) => RegisteredCache.CreateDistributed(provider, provider.GetRequiredKeyedService<CompressedCache>(key)));
        services.AddKeyedSingleton<IBufferDistributedCache>(
            key, (provider, _) => provider.GetRequiredKeyedService<PageFoldDistributedCache>(key));
        services.AddKeyedSingleton<IDistributedCache>(
            key, (provider, _) => provider.GetRequiredKeyedService<PageFoldDistributedCache>(key));
        services.AddKeyedSingleton(key, (provider, _) => RegisteredCache.CreateFirstLevel(provider, name));
        return services;
    }

    // The options would not apply to a cache that the application made, and neither metrics nor logs would tell of it.
    private static void RefuseOtherCache(IServiceCollection services, object? key)
    {
        if (services.Any(service => service.ServiceType == typeof(CompressedCache) && Equals(service.ServiceKey, key)))
            AdapterThrow.CacheRegistered(key);
    }

    private static void AddShared(IServiceCollection services)
    {
        services.TryAddSingleton(provider => new CacheInstruments(provider.GetService<System.Diagnostics.Metrics.IMeterFactory>()));
        HybridRegistration.Add(services);
    }
}
