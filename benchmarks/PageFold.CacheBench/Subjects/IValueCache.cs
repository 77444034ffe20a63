namespace PageFold.CacheBench.Subjects;

/// <summary>A cache of values of real bytes, for measurements of time and memory.</summary>
/// <remarks>The key is given in both forms, so that no cache pays for a conversion.</remarks>
internal interface IValueCache : IDisposable
{
    /// <summary>True if the cache keeps the arrays that it is given, false if it copies them.</summary>
    public bool KeepsArrays { get; }

    public long Count { get; }

    /// <summary>Bytes of index and of what eviction remembers; null for a cache that does not count them.</summary>
    public long? MetadataBytes => null;

    /// <summary>Dictionaries that were trained until now; null for a cache that trains none.</summary>
    public int? Dictionaries => null;

    /// <summary>Looks a key up and returns the length of its value, -1 for a miss.</summary>
    /// <param name="key">The key.</param>
    /// <param name="utf8">The same in UTF-8.</param>
    /// <param name="destination">Receives the value if the cache does not hand out an array.</param>
    public int Get(string key, ReadOnlySpan<byte> utf8, Span<byte> destination);

    /// <summary>Stores a value.</summary>
    public void Set(string key, ReadOnlySpan<byte> utf8, byte[] value);

    /// <summary>Removes all entries, and keeps what was learnt from them.</summary>
    /// <remarks>Called on caches alone that train dictionaries.</remarks>
    public void Clear() => throw new NotSupportedException($"{GetType().Name} learns nothing that it could keep.");

    /// <summary>Waits until what the cache does in the background after it was filled is done, at most for half a minute.</summary>
    public void Settle(CancellationToken cancellation)
    {
    }
}
