using PageFold.Cli;

namespace PageFold.CacheBench.Subjects;

/// <summary>The limits and settings of a cache that replays a trace.</summary>
/// <param name="Entries">The most entries. Of a trace with sizes it limits only a cache that has no limit in bytes.</param>
/// <param name="Bytes">The most bytes, of values or as the cache counts them; null for a trace without sizes.</param>
/// <param name="Objective">What the cache optimises, if it has a choice.</param>
/// <param name="Seed">The seed of its hash, if it has one.</param>
internal sealed record TraceLimits(int Entries, long? Bytes, CacheObjective Objective, int Seed);

/// <summary>The limits of a cache of real values.</summary>
/// <param name="Entries">The most entries.</param>
/// <param name="MemoryBytes">The most bytes of memory, for a cache that has such a limit.</param>
internal sealed record ValueLimits(int Entries, long MemoryBytes);

/// <summary>A cache that can be compared.</summary>
internal sealed record SubjectKind
{
    public required string Name { get; init; }

    /// <summary>The name on two lines, for the head of a column.</summary>
    public required string Label { get; init; }

    /// <summary>True if a limit in bytes of values can be set.</summary>
    /// <remarks>
    /// For another cache the limit that it has, in entries or in bytes of memory, is searched at which it holds as many bytes of values.
    /// </remarks>
    public required bool LimitsBytes { get; init; }

    /// <summary>True if the cache limits the memory that it takes, so that it can be filled until it has taken so much.</summary>
    public bool LimitsMemory { get; init; }

    /// <summary>True if the cache trains dictionaries on its values, so that it matters which values it has seen.</summary>
    public bool TrainsDictionaries { get; init; }

    /// <summary>True if <see cref="TraceLimits.Objective"/> makes a difference.</summary>
    public bool HasObjective { get; init; }

    public required Func<TraceLimits, ICacheSubject> ForTrace { get; init; }

    public required Func<ValueLimits, IValueCache> ForValues { get; init; }

    /// <summary>All caches, in the order of tables; ratios are to the first.</summary>
    public static IReadOnlyList<SubjectKind> All { get; } =
    [
        new()
        {
            Name = "pagefold",
            Label = "page\nfold",
            LimitsBytes = true,
            LimitsMemory = true,
            TrainsDictionaries = true,
            HasObjective = true,
            ForTrace = limits => new PageFoldSubject(limits),
            ForValues = limits => new PageFoldValues(limits),
        },
        new()
        {
            Name = "memorycache",
            Label = "memory\ncache",
            LimitsBytes = true,
            ForTrace = limits => new MemoryCacheSubject(limits),
            ForValues = limits => new MemoryCacheValues(limits),
        },
        new()
        {
            Name = "bitfaster-lru",
            Label = "bitfaster\nlru",
            LimitsBytes = false,
            ForTrace = limits => new BitFasterSubject(BitFasterCaches.Lru<ulong, int>(limits.Entries)),
            ForValues = limits => new BitFasterValues(BitFasterCaches.Lru<string, byte[]>(limits.Entries)),
        },
        new()
        {
            Name = "bitfaster-lfu",
            Label = "bitfaster\nlfu",
            LimitsBytes = false,
            ForTrace = limits => new BitFasterSubject(BitFasterCaches.Lfu<ulong, int>(limits.Entries)),
            ForValues = limits => new BitFasterValues(BitFasterCaches.Lfu<string, byte[]>(limits.Entries)),
        },
        new()
        {
            Name = "fusioncache",
            Label = "fusion\ncache",
            LimitsBytes = true,
            ForTrace = limits => new FusionCacheSubject(limits),
            ForValues = limits => new FusionCacheValues(limits),
        },
    ];

    /// <summary>The names of all caches, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(kind => kind.Name));

    /// <summary>Parses names that are separated by commas; none stand for all.</summary>
    public static IReadOnlyList<SubjectKind> Parse(string[] texts)
    {
        if (texts.Length == 0)
            return All;
        SubjectKind[] kinds = [.. Arguments.Several(texts).Select(Of)];
        return kinds.Distinct().Count() == kinds.Length ? kinds
            : throw new UserErrorException($"--subject {string.Join(' ', texts)} names a cache twice; name each once.");
    }

    /// <summary>Finds the cache of a name.</summary>
    public static SubjectKind Of(string name) => All.FirstOrDefault(kind => kind.Name == name)
        ?? throw new UserErrorException($"--subject {Arguments.Shown(name)} is no cache; choose of {Names}.");
}
