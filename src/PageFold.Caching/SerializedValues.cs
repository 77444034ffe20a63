using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Hybrid;

namespace PageFold.Caching;

/// <summary>Gets and sets values of types through the serializers of Microsoft.Extensions.Caching, in buffers that are reused.</summary>
/// <remarks>
/// HybridCache's serializers for JSON, strings and byte arrays come from its container, as in
/// <c>services.GetRequiredService&lt;IHybridCacheSerializer&lt;string&gt;&gt;()</c>. What a serializer throws reaches the caller. A value
/// that cannot be deserialized stays in the cache.
/// </remarks>
public static class SerializedValues
{
    /// <summary>Gets a value; false if there is none.</summary>
    /// <typeparam name="T">The type of the value.</typeparam>
    /// <param name="cache">The cache.</param>
    /// <param name="key">The key.</param>
    /// <param name="serializer">Reads the value.</param>
    /// <param name="value">The value; the default of its type if there is none.</param>
    /// <exception cref="ArgumentException">An argument is null, or the key is too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public static bool TryGet<T>(
        this CompressedCache cache, string key, IHybridCacheSerializer<T> serializer, [MaybeNullWhen(false)] out T value) =>
        TryGet(cache, key, serializer, out value, out _, wantsToken: false);

    /// <summary>Gets a value; a miss gives a token, with which the value that the caller loads is set.</summary>
    /// <inheritdoc cref="TryGet{T}(CompressedCache, string, IHybridCacheSerializer{T}, out T)"/>
    /// <param name="cache">The cache.</param>
    /// <param name="key">The key.</param>
    /// <param name="serializer">Reads the value.</param>
    /// <param name="value">The value; the default of its type if there is none.</param>
    /// <param name="token">Remembers the miss; no token if the value was found.</param>
    public static bool TryGet<T>(
        this CompressedCache cache,
        string key,
        IHybridCacheSerializer<T> serializer,
        [MaybeNullWhen(false)] out T value,
        out CacheMissToken token) =>
        TryGet(cache, key, serializer, out value, out token, wantsToken: true);

    /// <summary>Sets a value.</summary>
    /// <typeparam name="T">The type of the value.</typeparam>
    /// <param name="cache">The cache.</param>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="serializer">Writes the value.</param>
    /// <param name="policy">When the entry expires, and its tags.</param>
    /// <param name="token">The token of the miss because of which the value was loaded; the default for none.</param>
    /// <exception cref="ArgumentException">An argument is null, or the key is too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public static CacheSetOutcome Set<T>(
        this CompressedCache cache,
        string key,
        T value,
        IHybridCacheSerializer<T> serializer,
        in CacheEntryPolicy policy = default,
        CacheMissToken token = default)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(serializer);
        PooledBuffer buffer = PooledBuffer.Rent();
        try
        {
            serializer.Serialize(value, buffer);
            return cache.Set(key, buffer.Written, policy, token);
        }
        finally
        {
            PooledBuffer.Return(buffer);
        }
    }

    private static bool TryGet<T>(
        CompressedCache cache,
        string key,
        IHybridCacheSerializer<T> serializer,
        [MaybeNullWhen(false)] out T value,
        out CacheMissToken token,
        bool wantsToken)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(serializer);
        token = default;
        PooledBuffer buffer = PooledBuffer.Rent();
        try
        {
            bool found = wantsToken ? cache.TryGet(key, buffer, out token) : cache.TryGet(key, buffer);
            value = found ? serializer.Deserialize(buffer.Sequence) : default;
            return found;
        }
        finally
        {
            PooledBuffer.Return(buffer);
        }
    }
}
