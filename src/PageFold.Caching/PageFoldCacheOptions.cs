namespace PageFold.Caching;

/// <summary>The options of a cache that <c>AddPageFoldCache</c> registers. They can be bound from configuration.</summary>
/// <remarks>The clock is the container's <see cref="TimeProvider"/>, if it has one.</remarks>
public sealed class PageFoldCacheOptions
{
    /// <inheritdoc cref="CompressedCacheOptions.Name"/>
    /// <remarks>Null (the default) takes the service's key, or "default".</remarks>
    public string? Name { get; set; }

    /// <inheritdoc cref="CompressedCacheOptions.MemoryLimit"/>
    public long? MemoryLimit { get; set; }

    /// <inheritdoc cref="CompressedCacheOptions.MaxMemoryLimit"/>
    public long? MaxMemoryLimit { get; set; }

    /// <inheritdoc cref="CompressedCacheOptions.MaxEntries"/>
    public long? MaxEntries { get; set; }

    /// <inheritdoc cref="CompressedCacheOptions.MaxContentBytes"/>
    public long? MaxContentBytes { get; set; }

    /// <inheritdoc cref="CompressedCacheOptions.Objective"/>
    public CacheObjective Objective { get; set; }

    /// <inheritdoc cref="CompressedCacheOptions.Compression"/>
    public CacheCompression Compression { get; set; } = CacheCompression.Trained;

    /// <inheritdoc cref="CompressedCacheOptions.HotShare"/>
    public double HotShare { get; set; }

    /// <inheritdoc cref="CompressedCacheOptions.MaxValueBytes"/>
    public int MaxValueBytes { get; set; } = 64 << 20;

    /// <summary>What becomes of HybridCache's first level. Default <see cref="HybridCacheFirstLevel.Bounded"/>.</summary>
    /// <remarks>
    /// <para>
    /// It concerns HybridCaches whose second level is this cache: the one that <c>AddHybridCache</c> registers, and those of
    /// <c>AddKeyedHybridCache</c>. It leaves other implementations of HybridCache alone.
    /// </para>
    /// <para>
    /// A keyed HybridCache cannot be given a store of its own: <see cref="HybridCacheFirstLevel.Bounded"/> turns its first level off,
    /// except for calls that pass flags, which replace the default ones.
    /// </para>
    /// </remarks>
    public HybridCacheFirstLevel HybridCacheFirstLevel { get; set; }

    /// <summary>
    /// The most bytes of a first level that is <see cref="HybridCacheFirstLevel.Bounded"/>, on the GC heap and outside
    /// <see cref="MemoryLimit"/>. Default 16 MiB.
    /// </summary>
    /// <remarks>
    /// An entry counts with its key, twice the bytes of its serialized value, since a string has two bytes a character, and 256 bytes more.
    /// The collector takes room of its own beside them, several times as much where entries come and go.
    /// </remarks>
    public long HybridCacheFirstLevelBytes { get; set; } = 16 << 20;

    // Not a property, which the generated code that binds configuration would complain of.
    internal CacheEvictionCallback? EvictionCallback { get; private set; }

    /// <summary>Has a callback called after an entry has gone: see <see cref="CompressedCacheOptions.OnEviction"/>.</summary>
    /// <param name="callback">The callback; another call replaces it.</param>
    public void OnEviction(CacheEvictionCallback callback) => EvictionCallback = callback;
}
