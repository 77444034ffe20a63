using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Internal;
using Microsoft.Extensions.Primitives;

namespace PageFold.Caching.Hybrid;

/// <summary>A memory cache with a limit in bytes that counts keys, and what an entry costs, beside the sizes of values.</summary>
internal sealed class BoundedMemory(long bytes, TimeProvider clock) : IMemoryCache
{
    /// <summary>What an entry takes on the GC heap beside its key and its value, rounded up.</summary>
    public const int EntryBytes = 256;

    /// <summary>What a value takes by the bytes of its serialized form, which are the size that HybridCache states.</summary>
    /// <remarks>A string has two bytes a character. Objects differ; few take less.</remarks>
    public const int BytesPerSerializedByte = 2;

    private readonly MemoryCache _memory = new(new MemoryCacheOptions { SizeLimit = bytes, Clock = new Clock(clock) });

    public ICacheEntry CreateEntry(object key) => new Entry(_memory.CreateEntry(key));

    public bool TryGetValue(object key, out object? value) => _memory.TryGetValue(key, out value);

    public void Remove(object key) => _memory.Remove(key);

    public void Dispose() => _memory.Dispose();

    private sealed class Clock(TimeProvider clock) : ISystemClock
    {
        public DateTimeOffset UtcNow => clock.GetUtcNow();
    }

    private sealed class Entry(ICacheEntry entry) : ICacheEntry
    {
        public object Key => entry.Key;

        public object? Value
        {
            get => entry.Value;
            set => entry.Value = value;
        }

        public DateTimeOffset? AbsoluteExpiration
        {
            get => entry.AbsoluteExpiration;
            set => entry.AbsoluteExpiration = value;
        }

        public TimeSpan? AbsoluteExpirationRelativeToNow
        {
            get => entry.AbsoluteExpirationRelativeToNow;
            set => entry.AbsoluteExpirationRelativeToNow = value;
        }

        public TimeSpan? SlidingExpiration
        {
            get => entry.SlidingExpiration;
            set => entry.SlidingExpiration = value;
        }

        public IList<IChangeToken> ExpirationTokens => entry.ExpirationTokens;

        public IList<PostEvictionCallbackRegistration> PostEvictionCallbacks => entry.PostEvictionCallbacks;

        public CacheItemPriority Priority
        {
            get => entry.Priority;
            set => entry.Priority = value;
        }

        public long? Size { get; set; }

        // This is what adds the entry.
        public void Dispose()
        {
            int key = entry.Key is string text ? text.Length * sizeof(char) : 0;
            entry.Size = EntryBytes + key + BytesPerSerializedByte * (Size ?? 0);
            entry.Dispose();
        }
    }
}
