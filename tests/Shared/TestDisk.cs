namespace PageFold.Testing;

/// <summary>Disks for tests that care for few of the options.</summary>
internal static class TestDisk
{
    public static RamDisk Make(long length = 4 << 20, int pageSize = 4096, PageCodec? codec = null, long limit = 256 << 20) =>
        new(new RamDiskOptions
        {
            Length = length,
            Store = new PageStoreOptions { PageSize = pageSize, Codec = codec ?? PageCodec.Lz4, MemoryLimit = limit },
        });
}
