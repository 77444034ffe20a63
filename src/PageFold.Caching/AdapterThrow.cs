using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace PageFold.Caching;

/// <summary>The exceptions of the cache's adapters.</summary>
[StackTraceHidden]
internal static class AdapterThrow
{
    private static readonly OptionName MemoryLimit = new(nameof(CompressedCacheOptions.MemoryLimit));

    [DoesNotReturn]
    public static void MarkerNotStored(string cache, long bytes, long limit) => throw OptionMessage.Create(
        text => new MemoryLimitException(text),
        $"The marker of an invalidated tag ({bytes} bytes) was not stored: the markers of cache '{cache}' may take 1/16 of {MemoryLimit} ({
            limit} bytes). Raise {MemoryLimit}, or use fewer tags.");

    public static InvalidOperationException NameTaken(string name) =>
        new($"Two PageFold caches of this application have the Name '{name}', by which metrics, logs and health checks tell them apart; "
            + "choose another Name for one of them.");

    [DoesNotReturn]
    public static void KeyTextTaken(object serviceKey, string text) => throw new ArgumentException(
        $"serviceKey is '{text}' ({serviceKey.GetType().Name}), and another key with the same text has a cache already; the text is the "
            + "name of the options. Choose a key with another text.",
        nameof(serviceKey));

    [DoesNotReturn]
    public static void CacheRegistered(object? key) => throw new InvalidOperationException(key is null
        ? "The services have a CompressedCache already, to which the options of AddPageFoldCache would not apply; leave that "
            + "registration out, or use AddKeyedPageFoldCache."
        : $"The services have a CompressedCache with the key '{key}' already, to which the options of AddKeyedPageFoldCache would not "
            + "apply; leave that registration out, or choose another key.");

    public static InvalidOperationException NoCacheToCheck(string check, object? key) => new(key is null
        ? $"The health check '{check}' finds no PageFold cache; call AddPageFoldCache, or name the key of a keyed one as serviceKey."
        : $"The health check '{check}' finds no PageFold cache with the key '{key}'; call AddKeyedPageFoldCache with this key.");

    [DoesNotReturn]
    public static void AdvancedTooFar(int count, int free) => throw new ArgumentOutOfRangeException(
        nameof(count), count, string.Create(CultureInfo.InvariantCulture, $"count is {count}; choose 0 to {free}, the free bytes."));
}
