using PageFold.Caching.Entries;

namespace PageFold.Caching;

/// <summary>
/// A cache with a limit in bytes that it keeps by itself: keys, index and compressed values lie off the GC heap, in single page frames.
/// </summary>
/// <remarks>
/// <para>
/// A key is a byte string of up to 65,535 bytes; a string is its UTF-8. A value has up to
/// <see cref="CompressedCacheOptions.MaxValueBytes"/> bytes. Everything counts against <see cref="MemoryLimit"/>: keys, values, index, what
/// eviction remembers, dictionaries, buffers. When memory is short, other entries go. A set that is not stored, for whatever reason,
/// removes the key's old value.
/// </para>
/// <para>
/// Thread-safe, <see cref="Dispose"/> included. Readers and writers of one key see whole values, in one order. The span forms of get and
/// set allocate nothing on the GC heap. Every method throws <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>.
/// </para>
/// <para>
/// Values are compressed with dictionaries that the cache trains from its own values in the background. An entry takes its compressed
/// bytes, rounded up to 16, and about 26 more, without expiry and tags.
/// </para>
/// </remarks>
public sealed partial class CompressedCache : IDisposable
{
    /// <summary>The longest key, in bytes.</summary>
    public const int MaxKeyBytes = ushort.MaxValue;

    /// <summary>The longest tag, in characters.</summary>
    public const int MaxTagLength = ushort.MaxValue;

    // Steps in which the index shrinks between two looks at whether it goes on.
    private const int TightenSteps = 64;

    private readonly CacheParts _parts;
    private readonly CompressedCacheOptions _options;
    private readonly ulong _seed;

    /// <summary>Makes an empty cache.</summary>
    /// <exception cref="ArgumentNullException">There are no options.</exception>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    public CompressedCache(CompressedCacheOptions options)
    {
        CacheThrow.IfOptionsInvalid(options);
        _options = options;
        _seed = options.Seed ?? CacheParts.RandomSeed();
        _parts = new CacheParts(options, _seed);
    }

    /// <summary>For tests that damage bytes.</summary>
    internal CacheParts Parts => _parts;

    /// <summary>The cache's name in metrics and logs.</summary>
    public string Name => _options.Name;

    /// <summary>Entries held, those included that have expired and were not removed yet.</summary>
    public long Count => _parts.Store.Index.Count;

    /// <summary>All bytes held.</summary>
    public long UsedBytes => _parts.Store.Heap.UsedBytes;

    /// <summary>The most that <see cref="MemoryLimit"/> can be set to.</summary>
    public long MaxMemoryLimit => _parts.Store.Heap.MaxMemoryLimit;

    /// <summary>The most memory to hold, in bytes. Set to less, entries are evicted until the cache fits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// Set to less than <see cref="CompressedCacheOptions.MinMemoryLimit"/>, or to more than <see cref="MaxMemoryLimit"/>.
    /// </exception>
    public long MemoryLimit
    {
        get => _parts.Store.Heap.MemoryLimit;
        set
        {
            if (value < CompressedCacheOptions.MinMemoryLimit)
                CacheThrow.LimitTooSmall(value);
            if (value > MaxMemoryLimit)
                CacheThrow.LimitAboveMaximum(value, MaxMemoryLimit);
            using HeapAccess access = Enter();
            _parts.Store.Heap.MemoryLimit = value;
            if (UsedBytes > value)
                _parts.Coding.Shrink();
            _parts.Eviction.TryTrim(value);
            _parts.Notices.Tell();
        }
    }

    /// <summary>Evicts entries until the cache holds at most so many bytes, or has no entry that may go.</summary>
    /// <param name="bytes">Zero or more.</param>
    public void Trim(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        using HeapAccess access = Enter();
        if (UsedBytes > bytes)
            _parts.Coding.Shrink();
        _parts.Eviction.TryTrim(bytes);
        _parts.Notices.Tell();
    }

    /// <summary>Removes all entries, pinned ones included. Entries that are set meanwhile may stay or go.</summary>
    public void Clear()
    {
        using HeapAccess access = Enter();
        _parts.Loads.EndAll();
        _parts.Walks.RemoveAll();
        _parts.Notices.Tell();
        while (_parts.Store.Index.Tighten(TightenSteps))
            continue;
        while (_parts.Eviction.ShrinkTables())
            continue;
        _parts.Store.Heap.TryMakeRoom();
    }

    /// <summary>Moves entries together, so that memory goes back to the system. Others may work meanwhile.</summary>
    /// <param name="cancellationToken">Ends the compaction early; what was done so far is returned.</param>
    public CompactionResult Compact(CancellationToken cancellationToken = default)
    {
        using HeapAccess access = Enter();
        while (_parts.Store.Index.Tighten(TightenSteps) && !cancellationToken.IsCancellationRequested)
            continue;
        return _parts.Store.Heap.Compact(cancellationToken);
    }

    /// <summary>Removes the entries that have expired, which a timer does too.</summary>
    /// <returns>How many.</returns>
    public long RemoveExpired()
    {
        using HeapAccess access = Enter();
        long removed = _parts.Expiry.RemoveDue();
        _parts.Notices.Tell();
        return removed;
    }

    /// <summary>Closes the cache. Its memory goes when the last operation has ended.</summary>
    public void Dispose() => _parts.Dispose();

    private HeapAccess Enter()
    {
        if (!_parts.Store.Heap.TryEnter(out HeapAccess access))
            ObjectDisposedException.ThrowIf(true, this);
        return access;
    }
}
