using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Options;

namespace PageFold.Caching.Hybrid;

/// <summary>Turns the first level off in the default flags of HybridCaches over a PageFold cache, which spares them the attempt.</summary>
/// <remarks>Named options belong to keyed HybridCaches, whose registration cannot be replaced: flags are all that reaches them.</remarks>
internal sealed class FirstLevelFlags(IServiceProvider services) : IPostConfigureOptions<HybridCacheOptions>
{
    public void PostConfigure(string? name, HybridCacheOptions options)
    {
        HybridCacheFirstLevel? kind = HybridRegistration.LevelOf(services, options)?.Kind;
        bool isKeyed = name != Options.DefaultName;
        if (kind != HybridCacheFirstLevel.Off && !(isKeyed && kind == HybridCacheFirstLevel.Bounded))
            return;
        HybridCacheEntryOptions? entries = options.DefaultEntryOptions;
        options.DefaultEntryOptions = new HybridCacheEntryOptions
        {
            Expiration = entries?.Expiration,
            LocalCacheExpiration = entries?.LocalCacheExpiration,
            Flags = (entries?.Flags ?? HybridCacheEntryFlags.None) | HybridCacheEntryFlags.DisableLocalCache,
        };
    }
}
