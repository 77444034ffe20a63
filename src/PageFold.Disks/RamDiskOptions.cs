namespace PageFold.Disks;

/// <summary>Options of a <see cref="RamDisk"/>.</summary>
public sealed record RamDiskOptions
{
    /// <summary>Length of the disk in bytes: a multiple of 512, at most 2^32 pages.</summary>
    public required long Length { get; init; }

    /// <summary>Options of the store that holds the disk's pages.</summary>
    /// <remarks>Its memory limit covers the disk's cache too.</remarks>
    public PageStoreOptions Store { get; init; } = new();

    /// <summary>Bytes of the cache of decompressed pages, for pages larger than 4 KiB.</summary>
    /// <remarks>
    /// Most requests touch only a part of a large page. Null (the default) is 4 MiB, but at most a sixteenth of the memory limit. A disk
    /// with pages of 4 KiB has no cache.
    /// </remarks>
    public long? CacheBytes { get; init; }

    /// <summary>Sets aside memory for a last snapshot of a full disk.</summary>
    /// <remarks>
    /// It takes about two megabytes of the memory limit, and as much as the cache has. A caller releases it with <see
    /// cref="RamDisk.ReleaseReserve"/> before that snapshot. Default false.
    /// </remarks>
    public bool ReserveForSnapshot { get; init; }
}
