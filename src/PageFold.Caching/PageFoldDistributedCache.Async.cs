using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;

namespace PageFold.Caching;

public sealed partial class PageFoldDistributedCache
{
    // An asynchronous method reports everything by its task, also what is wrong with its arguments.
#pragma warning disable CA1031
    // The interfaces prescribe both overloads with their defaults.
#pragma warning disable RS0026

    /// <summary>Does what <see cref="Get"/> does. The task is complete.</summary>
    /// <inheritdoc cref="Get" path="/param"/>
    /// <param name="key">The key.</param>
    /// <param name="token">If it is cancelled already, so is the task.</param>
    public Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        if (token.IsCancellationRequested)
            return Task.FromCanceled<byte[]?>(token);
        try
        {
            return Task.FromResult(Get(key));
        }
        catch (Exception exception)
        {
            return Task.FromException<byte[]?>(exception);
        }
    }

    /// <summary>Does what <see cref="TryGet"/> does. The task is complete.</summary>
    /// <param name="key">The key.</param>
    /// <param name="destination">Where the value is written.</param>
    /// <param name="token">If it is cancelled already, so is the task.</param>
    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default)
    {
        if (token.IsCancellationRequested)
            return ValueTask.FromCanceled<bool>(token);
        try
        {
            return new ValueTask<bool>(TryGet(key, destination));
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<bool>(exception);
        }
    }

    /// <summary>Does what <see cref="Set(string, byte[], DistributedCacheEntryOptions)"/> does. The task is complete.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="options">When it expires.</param>
    /// <param name="token">If it is cancelled already, so is the task.</param>
    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        Complete((Cache: this, key, value, options), static with => with.Cache.Set(with.key, with.value, with.options), token).AsTask();

    /// <summary>
    /// Does what <see cref="Set(string, ReadOnlySequence{byte}, DistributedCacheEntryOptions)"/> does. The task is complete.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="options">When it expires.</param>
    /// <param name="token">If it is cancelled already, so is the task.</param>
    public ValueTask SetAsync(
        string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        Complete((Cache: this, key, value, options), static with => with.Cache.Set(with.key, with.value, with.options), token);

    /// <summary>Does what <see cref="Refresh"/> does. The task is complete.</summary>
    /// <param name="key">The key.</param>
    /// <param name="token">If it is cancelled already, so is the task.</param>
    public Task RefreshAsync(string key, CancellationToken token = default) =>
        Complete((Cache: this, key), static with => with.Cache.Refresh(with.key), token).AsTask();

    /// <summary>Does what <see cref="Remove"/> does. The task is complete.</summary>
    /// <param name="key">The key.</param>
    /// <param name="token">If it is cancelled already, so is the task.</param>
    public Task RemoveAsync(string key, CancellationToken token = default) =>
        Complete((Cache: this, key), static with => with.Cache.Remove(with.key), token).AsTask();

    private static ValueTask Complete<TState>(TState state, Action<TState> action, CancellationToken token)
    {
        if (token.IsCancellationRequested)
            return ValueTask.FromCanceled(token);
        try
        {
            action(state);
            return ValueTask.CompletedTask;
        }
        catch (Exception exception)
        {
            return ValueTask.FromException(exception);
        }
    }
}
