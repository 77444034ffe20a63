using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Primitives;

namespace PageFold.Caching.Hybrid;

/// <summary>A store that keeps nothing: an entry is evicted as soon as it is added.</summary>
internal sealed class NoMemory : IMemoryCache
{
    public static readonly NoMemory Instance = new();

    public ICacheEntry CreateEntry(object key) => new Entry(key);

    public bool TryGetValue(object key, out object? value)
    {
        value = null;
        return false;
    }

    public void Remove(object key)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Entry(object key) : ICacheEntry
    {
        private List<PostEvictionCallbackRegistration>? _callbacks;

        public object Key => key;

        public object? Value { get; set; }

        public DateTimeOffset? AbsoluteExpiration { get; set; }

        public TimeSpan? AbsoluteExpirationRelativeToNow { get; set; }

        public TimeSpan? SlidingExpiration { get; set; }

        public IList<IChangeToken> ExpirationTokens { get; } = [];

        public IList<PostEvictionCallbackRegistration> PostEvictionCallbacks => _callbacks ??= [];

        public CacheItemPriority Priority { get; set; }

        public long? Size { get; set; }

        // HybridCache releases the buffer of a value when its entry is evicted.
        public void Dispose()
        {
            if (_callbacks is not { } callbacks)
                return;
            _callbacks = null;
            foreach (PostEvictionCallbackRegistration callback in callbacks)
                callback.EvictionCallback?.Invoke(key, Value, EvictionReason.Capacity, callback.State);
        }
    }
}
