namespace PageFold.Caching;

/// <summary>
/// The metrics of the caches that <c>AddPageFoldCache</c> registers (<see cref="System.Diagnostics.Metrics"/>), for OpenTelemetry,
/// dotnet-counters and other listeners. Nothing is computed unless an instrument is read.
/// </summary>
/// <remarks>
/// <para>Every measurement has the tag <c>cache.name</c>: <see cref="CompressedCacheOptions.Name"/>.</para>
/// <list type="table">
/// <item><term>dotnet.cache.requests</term><description>look-ups, by <c>dotnet.cache.request.result</c>: hit or miss</description></item>
/// <item><term>dotnet.cache.evictions</term><description>entries gone, by <c>dotnet.cache.eviction.reason</c>: removed, replaced, expired,
/// capacity, tag or corrupt</description></item>
/// <item><term>dotnet.cache.entries</term><description>entries held</description></item>
/// <item><term>dotnet.cache.size</term><description>all bytes held, which the memory limit bounds</description></item>
/// <item><term>pagefold.cache.limit</term><description>the memory limit, in bytes</description></item>
/// <item><term>pagefold.cache.original, .stored</term><description>bytes of keys and values as they were set, and as they are
/// stored</description></item>
/// <item><term>pagefold.cache.metadata</term><description>bytes of the index, and of what eviction and expiry remember</description></item>
/// <item><term>pagefold.cache.compression_ratio</term><description>original bytes divided by stored bytes</description></item>
/// <item><term>pagefold.cache.dictionary_version</term><description>the number of the dictionary in use</description></item>
/// <item><term>pagefold.cache.sets, .refused</term><description>values stored, and not stored</description></item>
/// <item><term>pagefold.cache.duration</term><description>seconds of a call of <see cref="PageFoldDistributedCache"/>, by
/// <c>pagefold.cache.operation</c>: get, set or remove</description></item>
/// </list>
/// </remarks>
public static class PageFoldCachingMetrics
{
    /// <summary>The name of the meter, for <c>AddMeter</c>.</summary>
    public const string MeterName = "PageFold.Caching";
}
