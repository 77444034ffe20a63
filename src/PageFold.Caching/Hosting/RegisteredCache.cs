using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using PageFold.Caching.Hybrid;

namespace PageFold.Caching.Hosting;

/// <summary>Makes the services of a registered cache from the container's options, clock, loggers and meters.</summary>
internal static class RegisteredCache
{
    public static CompressedCache CreateCache(IServiceProvider services, string optionsName)
    {
        PageFoldCacheOptions options = OptionsOf(services, optionsName);
        string name = options.Name ?? (optionsName.Length > 0 ? optionsName : "default");
        CompressedCache cache = new(new CompressedCacheOptions
        {
            Name = name,
            MemoryLimit = options.MemoryLimit,
            MaxMemoryLimit = options.MaxMemoryLimit,
            MaxEntries = options.MaxEntries,
            MaxContentBytes = options.MaxContentBytes,
            Objective = options.Objective,
            Compression = options.Compression,
            HotShare = options.HotShare,
            MaxValueBytes = options.MaxValueBytes,
            TimeProvider = services.GetService<TimeProvider>() ?? TimeProvider.System,
            OnEviction = Logged(options.EvictionCallback, LoggerOf<CompressedCache>(services), name),
        });
        try
        {
            services.GetRequiredService<CacheInstruments>().Add(cache);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
        CacheLog.Limit(LoggerOf<CompressedCache>(services), cache, isGiven: options.MemoryLimit is not null);
        return cache;
    }

    public static PageFoldDistributedCache CreateDistributed(IServiceProvider services, CompressedCache cache) =>
        new(cache, services.GetService<ILogger<PageFoldDistributedCache>>(), services.GetRequiredService<CacheInstruments>());

    public static FirstLevel CreateFirstLevel(IServiceProvider services, string optionsName)
    {
        PageFoldCacheOptions options = OptionsOf(services, optionsName);
        return new FirstLevel(options.HybridCacheFirstLevel, options.HybridCacheFirstLevelBytes, services.GetService<TimeProvider>());
    }

    private static PageFoldCacheOptions OptionsOf(IServiceProvider services, string name) =>
        services.GetRequiredService<IOptionsMonitor<PageFoldCacheOptions>>().Get(name);

    private static ILogger LoggerOf<T>(IServiceProvider services) => services.GetService<ILogger<T>>() ?? NullLogger<T>.Instance;

    private static CacheEvictionCallback Logged(CacheEvictionCallback? callback, ILogger logger, string name) => (key, reason) =>
    {
        if (reason == CacheEvictionReason.Corrupt)
            CacheLog.Damaged(logger, name);
        callback?.Invoke(key, reason);
    };
}
