using Microsoft.Extensions.Logging;

namespace PageFold.Caching.Hosting;

/// <summary>What the cache logs. Keys and values are the application's secrets and are not logged.</summary>
internal static partial class CacheLog
{
    /// <summary>Logs that a value was not stored; nothing if it was.</summary>
    public static void Refusal(ILogger logger, string cache, CacheSetOutcome outcome, long bytes)
    {
        switch (outcome)
        {
            case CacheSetOutcome.TooLarge:
                TooLarge(logger, cache, bytes);
                break;
            case CacheSetOutcome.NoMemory:
                NoMemory(logger, cache, bytes);
                break;
            case CacheSetOutcome.AlreadyExpired:
                AlreadyExpired(logger, cache, bytes);
                break;
        }
    }

    /// <summary>Logs the limit of a new cache, if the application has given none, or more than there is.</summary>
    public static void Limit(ILogger logger, CompressedCache cache, bool isGiven)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (!isGiven)
            DefaultLimit(logger, cache.Name, cache.MemoryLimit);
        if (cache.MemoryLimit > available)
            LimitAboveMemory(logger, cache.Name, cache.MemoryLimit, available);
    }

    [LoggerMessage(1, LogLevel.Warning, "Cache '{Cache}': an entry was damaged and is gone. Check the memory of this machine.")]
    public static partial void Damaged(ILogger logger, string cache);

    [LoggerMessage(
        2,
        LogLevel.Warning,
        "Cache '{Cache}': a value of {Bytes} bytes is too large and was not stored. Raise MaxValueBytes or MemoryLimit.")]
    private static partial void TooLarge(ILogger logger, string cache, long bytes);

    [LoggerMessage(
        3, LogLevel.Warning, "Cache '{Cache}': a value of {Bytes} bytes found no memory and was not stored. Raise MemoryLimit.")]
    private static partial void NoMemory(ILogger logger, string cache, long bytes);

    [LoggerMessage(
        5,
        LogLevel.Information,
        "Cache '{Cache}' has no MemoryLimit and may hold {Limit} bytes, at most half of the memory. Set MemoryLimit.")]
    private static partial void DefaultLimit(ILogger logger, string cache, long limit);

    [LoggerMessage(
        6,
        LogLevel.Warning,
        "Cache '{Cache}': MemoryLimit is {Limit} bytes, and this machine or container has {Available}. Lower MemoryLimit.")]
    private static partial void LimitAboveMemory(ILogger logger, string cache, long limit, long available);

    [LoggerMessage(4, LogLevel.Debug, "Cache '{Cache}': a value of {Bytes} bytes had expired and was not stored.")]
    private static partial void AlreadyExpired(ILogger logger, string cache, long bytes);
}
