namespace PageFold.Caching.Eviction;

/// <summary>A cache of at most 512 sampled keys without values, which shows what a setting would be worth.</summary>
/// <remarks>
/// Sampling keys by their hash and the capacity in proportion keeps the hit ratio (Waldspurger et al., FAST 2015; miniature simulation: ATC
/// 2017). A miniature runs the same policy as the cache, with a ghost and a queue of its own, and reads the cache's sketch. Removals do not
/// reach it. Called under the eviction lock.
/// </remarks>
internal sealed class Miniature : IDisposable
{
    /// <summary>The most entries.</summary>
    public const int MostEntries = MiniatureResidents.MostEntries;

    private const int QueueBlockBytes = 1024;

    private readonly MiniatureResidents _residents;
    private readonly GhostTable _ghost;
    private readonly HashQueue _queue;
    private readonly EvictionPolicy<MiniatureResidents.Face> _policy;

    private Miniature(MiniatureResidents residents, GhostTable ghost, HashQueue queue, FrequencySketch sketch, EvictionSettings settings)
    {
        _residents = residents;
        _ghost = ghost;
        _queue = queue;
        EvictionParts parts = new(sketch, WritesSketch: false, ghost, queue);
        _policy = new EvictionPolicy<MiniatureResidents.Face>(new(residents), parts, settings, EvictionObjective.Bytes);
    }

    /// <summary>Gets the number of keys in it.</summary>
    public int Count => _residents.Count;

    /// <summary>Gets the bytes that it holds.</summary>
    public long HeldBytes => MiniatureResidents.HeldBytes + _ghost.HeldBytes + _queue.HeldBytes;

    /// <summary>Makes an empty miniature; null when memory is refused.</summary>
    public static Miniature? TryCreate(CacheMemory memory, FrequencySketch sketch, EvictionSettings settings, ulong seed)
    {
        GhostTable? ghost = GhostTable.TryCreate(memory, seed, MostEntries * sizeof(ushort));
        if (ghost == null)
            return null;
        MiniatureResidents? residents = MiniatureResidents.TryCreate(memory);
        if (residents != null)
            return new Miniature(residents, ghost, new HashQueue(memory, QueueBlockBytes), sketch, settings);
        ghost.Dispose();
        return null;
    }

    /// <summary>Requests a key and keeps it if it was not there; true if it was.</summary>
    public bool Request(uint hash, int capacity)
    {
        if (_residents.TryHit(hash))
            return true;
        _policy.MaxEntries = capacity;
        _ghost.Adapt(capacity);
        while (_residents.Count >= capacity && _policy.TryEvict(1))
        {
        }
        if (_residents.Count < MostEntries)
        {
            _residents.Add(hash);
            _policy.OnInsert(hash);
        }
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue.Dispose();
        _ghost.Dispose();
        _residents.Dispose();
    }
}
