namespace PageFold.Caching.Eviction;

/// <summary>The eviction of one cache: what the cache calls.</summary>
/// <remarks>
/// <para>
/// Owns the eviction lock and takes it in every method except <see cref="IsSampled"/>. It is taken before any bucket lock of the index and
/// never inside one. A hit calls nothing, unless its key is sampled; the index raises the entry's frequency by itself.
/// </para>
/// <para>
/// An insertion has this order: <see cref="TryMakeRoom"/>, publish the entry in the small part with frequency zero, release the bucket
/// lock, <see cref="OnInsert"/>. In between, the entry is live and cannot be evicted. A thread that publishes must call
/// <see cref="OnInsert"/>, even if the entry was removed again meanwhile. Replacing the value of a live entry calls neither.
/// </para>
/// <para>The tables follow the number of entries by a few blocks an insertion; memory that is refused leaves them as they are.</para>
/// </remarks>
/// <typeparam name="TResidents">The index.</typeparam>
internal sealed class Evictor<TResidents> : IDisposable
    where TResidents : struct, IResidents
{
    private const int AdditionsPerEntry = 8;
    private const int AdditionsPerEntryForObjects = 40;
    private const int GhostsPerEntryForObjects = 4;

    // Where sizes differ, a cache of few entries needs to remember more keys than it holds.
    private const int AdditionalGhostsPerEntryForBytes = 2;
    private const int MostAdditionalGhosts = 4096;

    private const int TurnoversToShrink = 4;

    // Enough to give segments of both tables back.
    private const int StepsPerShrink = 512;

    // Searches that find nothing because other threads have not told of their entries yet.
    private const int LeastSearches = 16;

    // Of these, the ones that wait for entries of the small part that other threads have published and not told of yet. In a small cache
    // they are all of the small part, and the entries that are worth keeping would go instead.
    private const int PatientSearches = 8;

    // Stale hashes that a search drops, as a power of two: 8 for 256.
    private const int StaleHashesPerSearchShift = 8;

    private readonly Lock _lock = new();
    private readonly TResidents _residents;
    private readonly FrequencySketch _sketch;
    private readonly GhostTable _ghost;
    private readonly HashQueue _queue;
    private readonly Duel? _duel;
    private readonly EvictionPolicy<TResidents> _policy;
    private readonly EvictionObjective _objective;
    private long _maxEntries;
    private long _maxBytes;
    private long _duelCapacity;
    private double _tableEntries;
    private bool _disposed;

    private Evictor(TResidents residents, in EvictorOptions options, FrequencySketch sketch, GhostTable ghost, HashQueue queue, Duel? duel)
    {
        _residents = residents;
        _sketch = sketch;
        _ghost = ghost;
        _queue = queue;
        _duel = duel;
        _objective = options.Objective;
        _maxEntries = options.MaxEntries;
        _maxBytes = options.MaxBytes;
        EvictionSettings settings = duel?.Winner ?? EvictionSettings.ForObjects;
        _policy = new EvictionPolicy<TResidents>(residents, new(sketch, WritesSketch: true, ghost, queue), settings, _objective)
        {
            MaxEntries = options.MaxEntries,
        };
        if (_maxEntries > 0)
            SetDuelCapacity(_maxEntries);
    }

    /// <summary>Makes the eviction of a cache; null when the limit has no room for its least tables.</summary>
    public static Evictor<TResidents>? TryCreate(TResidents residents, CacheMemory memory, in EvictorOptions options)
    {
        bool objects = options.Objective == EvictionObjective.Objects;
        int additions = objects ? AdditionsPerEntryForObjects : AdditionsPerEntry;
        FrequencySketch? sketch = FrequencySketch.TryCreate(memory, HashMixing.Mix(options.Seed + 1), additions);
        if (sketch == null)
            return null;
        GhostTable? ghost = GhostTable.TryCreate(memory, HashMixing.Mix(options.Seed + 2));
        if (ghost == null)
        {
            sketch.Dispose();
            return null;
        }
        if (objects)
            return new Evictor<TResidents>(residents, options, sketch, ghost, new HashQueue(memory), duel: null);
        EvictionSettings[] settings = options.MaxEntries > 0 ? EvictionSettings.ForEntries : EvictionSettings.ForBytes;
        Duel? duel = Duel.TryCreate(memory, sketch, settings, HashMixing.Mix(options.Seed + 3));
        if (duel != null)
            return new Evictor<TResidents>(residents, options, sketch, ghost, new HashQueue(memory), duel);
        ghost.Dispose();
        sketch.Dispose();
        return null;
    }

    /// <summary>Tells whether hits of a key are to be recorded with <see cref="RecordSampled"/>; costs a multiplication.</summary>
    public bool IsSampled(uint hash) => _duel != null && _duel.IsSampled(hash);

    /// <summary>Records a hit of a sampled key.</summary>
    public void RecordSampled(uint hash)
    {
        lock (_lock)
            Record(hash);
    }

    /// <summary>Takes note of an entry that was just published in the small part; never inside a bucket lock.</summary>
    public void OnInsert(uint hash)
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            Record(hash);
            Adapt();
            _policy.OnInsert(hash);
        }
    }

    /// <summary>Evicts until an entry fits into the limits of entries and bytes; false if it cannot.</summary>
    public bool TryMakeRoom(long bytes, int entries = 1)
    {
        for (long searches = 0; ; searches++)
        {
            lock (_lock)
            {
                while (!HasRoom(bytes, entries) && TryEvictLocked(bytes, searches < PatientSearches))
                    searches = 0;
                if (HasRoom(bytes, entries))
                    return true;
                if (searches >= MostSearches)
                    return false;
            }
            Thread.Yield();
        }
    }

    /// <summary>Evicts one entry, because memory was refused; false if there is none that may go.</summary>
    /// <remarks>
    /// A search looks at a part of the tables, so that the lock is not held long. Where entries are few in large tables, because most were
    /// removed, several searches find one.
    /// </remarks>
    /// <param name="bytes">Bytes of the entry that memory was refused for.</param>
    public bool TryEvict(long bytes)
    {
        for (long searches = 0; ; searches++)
        {
            lock (_lock)
            {
                if (TryEvictLocked(bytes, searches < PatientSearches))
                    return true;
                if (searches >= MostSearches)
                    return false;
            }
            Thread.Yield();
        }
    }

    /// <summary>Changes the limits; the caller then makes room with <see cref="TryMakeRoom"/>, in as many calls as it likes.</summary>
    public void Resize(long maxEntries, long maxBytes)
    {
        lock (_lock)
        {
            _maxEntries = maxEntries;
            _maxBytes = maxBytes;
            _policy.MaxEntries = maxEntries;
            if (maxEntries > 0)
                SetDuelCapacity(maxEntries);
        }
    }

    /// <summary>Brings the tables to the number of entries by so many steps; true if memory went back.</summary>
    /// <remarks>
    /// For a cache that lost most of its entries at once. Otherwise the tables follow with the next evictions, and where no memory is left
    /// for an entry, there are none.
    /// </remarks>
    public bool ShrinkTables()
    {
        lock (_lock)
        {
            if (_disposed)
                return false;
            long before = _sketch.HeldBytes + _ghost.HeldBytes;
            _tableEntries = _residents.SmallEntries + _residents.MainEntries;
            for (int step = 0; step < StepsPerShrink; step++)
                Adapt();
            return _sketch.HeldBytes + _ghost.HeldBytes < before;
        }
    }

    /// <summary>Gets the state of the eviction.</summary>
    public EvictionFigures GetFigures()
    {
        lock (_lock)
        {
            return new EvictionFigures
            {
                HeldBytes = _sketch.HeldBytes + _ghost.HeldBytes + _queue.HeldBytes + (_duel?.HeldBytes ?? 0),
                QueuedHashes = _queue.Count,
                Settings = _policy.Settings,
                Switches = _duel?.Switches ?? 0,
            };
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            _duel?.Dispose();
            _queue.Dispose();
            _ghost.Dispose();
            _sketch.Dispose();
        }
    }

    private bool HasRoom(long bytes, int entries) =>
        (_maxEntries == 0 || _residents.SmallEntries + _residents.MainEntries + entries <= _maxEntries)
        && (_maxBytes == 0 || _residents.SmallBytes + _residents.MainBytes + bytes <= _maxBytes);

    /// <summary>Searches that fail before there is nothing to evict.</summary>
    private long MostSearches => _disposed || _residents.SmallEntries + _residents.MainEntries <= 0
        ? 0
        : LeastSearches + _residents.Sweeps + (_queue.Count >> StaleHashesPerSearchShift);

    private bool TryEvictLocked(long bytes, bool waits)
    {
        if (_disposed)
            return false;
        long entries = _residents.SmallEntries + _residents.MainEntries;
        if (entries <= 0)
            return false;
        // The limit that is reached first says what a full cache is.
        _policy.MaxEntries = entries >= _maxEntries ? _maxEntries : 0;
        SetDuelCapacity(_policy.MaxEntries > 0 ? _maxEntries : entries);
        Adapt();
        return _policy.TryEvict(bytes, waits);
    }

    private void Record(uint hash)
    {
        if (!_disposed && _duel != null && _duel.IsSampled(hash) && _duel.Record(hash))
            _policy.Settings = _duel.Winner;
    }

    /// <summary>Lets the tables follow the number of entries: upwards at once, downwards over several turnovers of the cache.</summary>
    /// <remarks>Where sizes differ much, the number of entries swings; tables that followed it down at once would forget what they
    /// need.</remarks>
    private void Adapt()
    {
        long entries = _residents.SmallEntries + _residents.MainEntries;
        _tableEntries = Math.Max(entries, _tableEntries - ((_tableEntries - entries) / (TurnoversToShrink * (entries + 1.0))));
        long tableEntries = (long)_tableEntries;
        _sketch.Adapt(tableEntries, Math.Max(tableEntries, _policy.MaxEntries));
        _ghost.Adapt(_objective == EvictionObjective.Objects ? tableEntries * GhostsPerEntryForObjects
            : _policy.MaxEntries > 0 ? tableEntries
            : tableEntries + Math.Min(tableEntries * AdditionalGhostsPerEntryForBytes, MostAdditionalGhosts));
    }

    /// <summary>Follows the capacity in steps of an eighth, so that the sample of keys does not change all the time.</summary>
    private void SetDuelCapacity(long entries)
    {
        if (Math.Abs(entries - _duelCapacity) > _duelCapacity >> 3 || _maxEntries == entries)
        {
            _duelCapacity = entries;
            _duel?.SetCapacity(entries);
        }
    }
}
