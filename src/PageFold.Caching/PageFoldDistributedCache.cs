using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PageFold.Caching.Distributed;
using PageFold.Caching.Hosting;

namespace PageFold.Caching;

/// <summary>
/// A <see cref="CompressedCache"/> as an <see cref="IDistributedCache"/>, to be the second level of HybridCache and FusionCache.
/// </summary>
/// <remarks>
/// <para>
/// Every asynchronous method returns a task that is complete: successful, faulted or cancelled. Callers may rely on that. HybridCache
/// serves entries that were invalidated while it waits for a tag, and does not wait for a second level that completes at once.
/// </para>
/// <para>
/// A value that is not stored, because it is too large or there is no memory, throws nothing: it is logged and counted
/// (<see cref="CompressedCacheStatistics.Refused"/>), and the key has no value afterwards. The exception is an entry by which HybridCache
/// or FusionCache remembers that a tag was invalidated. Without it, invalidated entries would come back to life. Such entries are told by
/// their keys, are never evicted, and take at most 1/16 of the memory limit. Beyond that, a set throws
/// <see cref="MemoryLimitException"/>, and the older ones stay. A damaged one throws <see cref="CacheCorruptException"/> when it is read.
/// </para>
/// <para>
/// If <see cref="DistributedCacheEntryOptions"/> has both kinds of absolute expiration, the relative one counts, as with other
/// implementations. A time that has passed stores nothing. Thread-safe.
/// </para>
/// </remarks>
public sealed partial class PageFoldDistributedCache : IBufferDistributedCache
{
    private readonly CompressedCache _cache;
    private readonly ILogger _logger;
    private readonly CacheInstruments? _instruments;

    /// <summary>Makes the adapter. It does not own the cache.</summary>
    /// <param name="cache">Where the entries live.</param>
    /// <param name="logger">Is told of values that were not stored; null for none.</param>
    /// <exception cref="ArgumentNullException">There is no cache.</exception>
    public PageFoldDistributedCache(CompressedCache cache, ILogger<PageFoldDistributedCache>? logger = null)
        : this(cache, logger, instruments: null)
    {
    }

    internal PageFoldDistributedCache(CompressedCache cache, ILogger<PageFoldDistributedCache>? logger, CacheInstruments? instruments)
    {
        ArgumentNullException.ThrowIfNull(cache);
        _cache = cache;
        _logger = logger ?? NullLogger<PageFoldDistributedCache>.Instance;
        _instruments = instruments;
    }

    /// <summary>Gets a value; null if there is none.</summary>
    /// <param name="key">The key: at most 65,535 bytes in UTF-8, without lone surrogates.</param>
    /// <exception cref="ArgumentException">The key is null, too long or not valid Unicode.</exception>
    /// <exception cref="CacheCorruptException">The marker of an invalidated tag is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public byte[]? Get(string key)
    {
        PooledBuffer buffer = PooledBuffer.Rent();
        try
        {
            return TryGet(key, buffer) ? buffer.Written.ToArray() : null;
        }
        finally
        {
            PooledBuffer.Return(buffer);
        }
    }

    /// <summary>Gets a value into a buffer writer; false if there is none.</summary>
    /// <inheritdoc cref="Get" path="/param"/>
    /// <inheritdoc cref="Get" path="/exception"/>
    /// <param name="key">The key: at most 65,535 bytes in UTF-8, without lone surrogates.</param>
    /// <param name="destination">Where the value is written.</param>
    /// <exception cref="ArgumentNullException">There is no destination.</exception>
    public bool TryGet(string key, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(destination);
        long begun = CacheInstruments.Begin(_instruments);
        bool found = _cache.TryGet(key, destination);
        CacheInstruments.End(_instruments, _cache.Name, "get", begun);
        return found;
    }

    /// <summary>Sets a value. See the remarks of the type for what happens to a value that cannot be stored.</summary>
    /// <param name="key">The key: at most 65,535 bytes in UTF-8, without lone surrogates.</param>
    /// <param name="value">The value.</param>
    /// <param name="options">When it expires.</param>
    /// <exception cref="ArgumentException">An argument is null, or the key is too long or not valid Unicode.</exception>
    /// <exception cref="MemoryLimitException">The marker of an invalidated tag found no memory.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(value);
        Set(key, new ReadOnlySequence<byte>(value), options);
    }

    /// <inheritdoc cref="Set(string, byte[], DistributedCacheEntryOptions)"/>
    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(options);
        CacheEntryPolicy policy = new()
        {
            Expiration = options.AbsoluteExpirationRelativeToNow,
            ExpiresAt = options.AbsoluteExpirationRelativeToNow is null ? options.AbsoluteExpiration : null,
            SlidingExpiration = options.SlidingExpiration,
        };
        long begun = CacheInstruments.Begin(_instruments);
        if (TagMarkers.IsMarker(key))
            SetMarker(key, value, policy);
        else
            CacheLog.Refusal(_logger, _cache.Name, _cache.Set(key, value, policy), value.Length);
        CacheInstruments.End(_instruments, _cache.Name, "set", begun);
    }

    /// <summary>Counts as a use of the entry: its sliding expiration begins anew.</summary>
    /// <inheritdoc cref="Get" path="/param"/>
    /// <exception cref="ArgumentException">The key is null, too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public void Refresh(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _cache.Touch(key);
    }

    /// <summary>Removes the value, if there is one.</summary>
    /// <inheritdoc cref="Refresh" path="/param"/>
    /// <inheritdoc cref="Refresh" path="/exception"/>
    public void Remove(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        long begun = CacheInstruments.Begin(_instruments);
        _cache.Remove(key);
        CacheInstruments.End(_instruments, _cache.Name, "remove", begun);
    }

    private void SetMarker(string key, in ReadOnlySequence<byte> value, in CacheEntryPolicy policy)
    {
        using Utf8Key name = new(key, stackalloc byte[Utf8Key.StackLength]);
        CacheSetOutcome outcome = value.IsSingleSegment
            ? _cache.SetPinned(name.Bytes, value.FirstSpan, policy) : _cache.SetPinned(name.Bytes, value.ToArray(), policy);
        CacheLog.Refusal(_logger, _cache.Name, outcome, value.Length);
        if (outcome is CacheSetOutcome.NoMemory or CacheSetOutcome.TooLarge)
            AdapterThrow.MarkerNotStored(_cache.Name, name.Bytes.Length + value.Length, _cache.MemoryLimit);
    }
}
