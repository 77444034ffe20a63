namespace PageFold.CacheBench.Subjects;

/// <summary>A cache that replays a trace: a number is looked up, and stored if it is missing.</summary>
internal interface ICacheSubject : IDisposable
{
    /// <summary>Entries that the cache holds, and the bytes of their values as the trace states them.</summary>
    public Holdings Held { get; }

    /// <summary>Looks a key up.</summary>
    /// <param name="key">The key.</param>
    /// <param name="size">Bytes of its value.</param>
    /// <returns>True for a hit.</returns>
    public bool TryGet(ulong key, int size);

    /// <summary>Stores a value after a miss.</summary>
    /// <param name="key">The key.</param>
    /// <param name="size">Bytes of its value.</param>
    public void Set(ulong key, int size);
}

/// <summary>What a cache holds.</summary>
internal readonly record struct Holdings(long Entries, long Bytes);
