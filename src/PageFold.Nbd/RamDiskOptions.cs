namespace PageFold.Nbd;

/// <summary>What a <see cref="RamDisk"/> is made with.</summary>
public sealed class RamDiskOptions
{
    /// <summary>Bytes of the disk as its clients see it: a multiple of 512, at most 2^32 pages.</summary>
    public required long Length { get; init; }

    /// <summary>The store that holds the disk's pages. Its MemoryLimit covers the disk's cache too.</summary>
    public PageStoreOptions Store { get; init; } = new();

    /// <summary>
    /// Bytes of decompressed pages to keep at hand, for pages larger than 4 KiB, which most requests touch only a part of. Null (the default) takes 4 MiB, but at most a
    /// sixteenth of the memory limit. Pages of 4 KiB have none.
    /// </summary>
    public long? CacheBytes { get; init; }

    /// <summary>
    /// Keeps a little more than two megabytes of the memory limit aside, and as much as the cache has, so that a full disk can be saved too: <see cref="RamDisk.ReleaseReserve"/> comes before the snapshot that may use them. Default false.
    /// </summary>
    public bool ReserveForSnapshot { get; init; }
}
