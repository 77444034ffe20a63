using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace PageFold.Caching.AspNetCore;

/// <summary>Keeps the responses of ASP.NET Core's output cache in a <see cref="CompressedCache"/>, with their tags.</summary>
/// <remarks>
/// Every method completes at once. A response that is not stored, because it is too large or there is no memory, is logged and made anew
/// for the next request. A damaged response is a miss. Thread-safe.
/// </remarks>
public sealed partial class PageFoldOutputCacheStore : IOutputCacheBufferStore
{
    /// <summary>The key under which <c>AddPageFoldOutputCache</c> registers the cache of the responses.</summary>
    public const string ServiceKey = "PageFold.OutputCache";

    private readonly CompressedCache _cache;
    private readonly ILogger _logger;

    /// <summary>Makes the store. It does not own the cache.</summary>
    /// <param name="cache">Where the responses live; of this store alone, because it does not tell its keys from others.</param>
    /// <param name="logger">Is told of responses that were not stored; null for none.</param>
    /// <exception cref="ArgumentNullException">There is no cache.</exception>
    public PageFoldOutputCacheStore(CompressedCache cache, ILogger<PageFoldOutputCacheStore>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(cache);
        _cache = cache;
        _logger = logger ?? NullLogger<PageFoldOutputCacheStore>.Instance;
    }

    /// <summary>Removes the responses with a tag.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="cancellationToken">If it is cancelled already, so is the task, and nothing is removed.</param>
    /// <exception cref="ArgumentNullException">There is no tag.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public ValueTask EvictByTagAsync(string tag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tag);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        _cache.RemoveByTag(tag);
        return ValueTask.CompletedTask;
    }

    /// <summary>Gets a response; null if there is none.</summary>
    /// <param name="key">The key of the response.</param>
    /// <param name="cancellationToken">If it is cancelled already, so is the task.</param>
    /// <exception cref="ArgumentException">The key is null, too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<byte[]?>(cancellationToken);
        ArrayBufferWriter<byte> writer = new();
        return ValueTask.FromResult(_cache.TryGet(key, writer) ? writer.WrittenSpan.ToArray() : null);
    }

    /// <summary>Writes a response; false if there is none. The caller flushes.</summary>
    /// <param name="key">The key of the response.</param>
    /// <param name="destination">Where the response is written.</param>
    /// <param name="cancellationToken">If it is cancelled already, so is the task.</param>
    /// <exception cref="ArgumentException">An argument is null, or the key is too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public ValueTask<bool> TryGetAsync(string key, PipeWriter destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(destination);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<bool>(cancellationToken) : ValueTask.FromResult(_cache.TryGet(key, destination));
    }

    /// <summary>Stores a response.</summary>
    /// <param name="key">The key of the response.</param>
    /// <param name="value">The response.</param>
    /// <param name="tags">Its tags; null for none.</param>
    /// <param name="validFor">Expires so long after now.</param>
    /// <param name="cancellationToken">If it is cancelled already, so is the task, and nothing is stored.</param>
    /// <exception cref="ArgumentException">An argument is null, or the key is too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public ValueTask SetAsync(string key, byte[] value, string[]? tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(value);
        return SetAsync(key, new ReadOnlySequence<byte>(value), tags, validFor, cancellationToken);
    }

    /// <inheritdoc cref="SetAsync(string, byte[], string[], TimeSpan, CancellationToken)"/>
    public ValueTask SetAsync(
        string key, ReadOnlySequence<byte> value, ReadOnlyMemory<string> tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        // The memory is the caller's again after the call; so the cache must not keep the list, and it does not.
        IReadOnlyList<string>? list =
            tags.IsEmpty ? null : MemoryMarshal.TryGetArray(tags, out ArraySegment<string> array) ? array : [.. tags.Span];
        CacheSetOutcome outcome = _cache.Set(key, value, new CacheEntryPolicy { Expiration = validFor, Tags = list });
        if (outcome is CacheSetOutcome.TooLarge or CacheSetOutcome.NoMemory)
            NotStored(_logger, _cache.Name, value.Length, outcome);
        return ValueTask.CompletedTask;
    }

    [LoggerMessage(
        1,
        LogLevel.Warning,
        "Output cache '{Cache}': a response of {Bytes} bytes was not stored ({Outcome}). Raise MemoryLimit or MaxValueBytes.")]
    private static partial void NotStored(ILogger logger, string cache, long bytes, CacheSetOutcome outcome);
}
