namespace PageFold.Disks.Tests;

/// <summary>Options of a disk that are beyond its memory limit are refused by their own names.</summary>
public class RamDiskOptionsTests
{
    private const int Limit = 16 << 20;

    [Theory]
    [InlineData(Limit)]
    [InlineData(int.MaxValue)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    public void A_cache_beyond_the_limit_is_named(long bytes)
    {
        string message = Assert.Throws<ArgumentOutOfRangeException>(() =>
            Make(new PageStoreOptions { PageSize = 16384, MemoryLimit = Limit }, bytes)).Message;
        Assert.Contains($"CacheBytes is {bytes:N0}", message, StringComparison.Ordinal);
        Assert.Contains("16,777,216", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cache_beyond_the_default_limit_is_named() =>
        Assert.Contains("CacheBytes",
            Assert.Throws<ArgumentOutOfRangeException>(() => Make(new PageStoreOptions { PageSize = 65536 }, long.MaxValue)).Message,
                StringComparison.Ordinal);

    [Theory]
    [InlineData(Limit)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    public void Bytes_of_an_owner_beyond_the_limit_are_named(long bytes) =>
        Assert.Contains("OwnerBytes",
            Assert.Throws<ArgumentOutOfRangeException>(() =>
                Make(new PageStoreOptions { PageSize = 16384, MemoryLimit = Limit, OwnerBytes = bytes }, 1 << 20)).Message,
                    StringComparison.Ordinal);

    private static void Make(PageStoreOptions store, long cache) =>
        new RamDisk(new RamDiskOptions { Length = 1 << 20, CacheBytes = cache, Store = store }).Dispose();
}
