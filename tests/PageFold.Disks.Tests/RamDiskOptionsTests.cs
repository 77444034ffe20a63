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
    public void Options_of_a_store_that_are_null_are_named()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => new RamDisk(new RamDiskOptions { Length = 1 << 20, Store = null! }));
        Assert.StartsWith("Store is null; ", refused.Message, StringComparison.Ordinal);
        Assert.Equal("Store", refused.ParamName);
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

    [Theory]
    [InlineData("Length", 100, 4096, 0, Limit)]
    [InlineData("Length", 0, 4096, 0, Limit)]
    [InlineData("PageSize", 1 << 20, 5000, 0, Limit)]
    [InlineData("CacheBytes", 1 << 20, 16384, Limit, Limit)]
    [InlineData("MemoryLimit", 1 << 20, 4096, 0, 4096)]
    public void A_refusal_carries_the_property_of_the_option(string property, long length, int pageSize, long cache, long limit)
    {
        ArgumentException refused = Assert.ThrowsAny<ArgumentException>(() => new RamDisk(new RamDiskOptions
        {
            Length = length,
            CacheBytes = cache,
            Store = new PageStoreOptions { PageSize = pageSize, MemoryLimit = limit },
        }));
        Assert.Equal(property, refused.ParamName);
        Assert.Equal(property, OptionMessage.Of(refused)?.Option);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-512)]
    [InlineData(-1L << 50)]
    [InlineData(long.MinValue)]
    public void A_length_that_is_not_positive_is_named_whatever_is_set_aside_for_it(long length)
    {
        ArgumentException refused = Assert.ThrowsAny<ArgumentException>(() => new RamDisk(new RamDiskOptions
        {
            Length = length,
            ReserveForSnapshot = true,
            Store = new PageStoreOptions { MemoryLimit = Limit },
        }));
        Assert.Equal("Length", OptionMessage.Of(refused)?.Option);
    }

    [Fact]
    public void A_limit_of_which_too_much_would_be_set_aside_is_refused_with_one_that_is_not()
    {
        ArgumentException refused = Assert.ThrowsAny<ArgumentException>(() => Make(2 << 20).Dispose());
        Assert.Equal("MemoryLimit", OptionMessage.Of(refused)?.Option);
        Assert.True(OptionMessage.Of(refused)!.Names("ReserveForSnapshot"));
        string wanted = refused.Message.Split("choose at least ")[1].Split(' ')[0].Replace(",", "", StringComparison.Ordinal);
        using RamDisk disk = Make(long.Parse(wanted, System.Globalization.CultureInfo.InvariantCulture));
        Assert.True(disk.TryWrite(0, new byte[4096]));

        static RamDisk Make(long limit) => new(new RamDiskOptions
        {
            Length = 1 << 20,
            ReserveForSnapshot = true,
            Store = new PageStoreOptions { MemoryLimit = limit },
        });
    }

    private static void Make(PageStoreOptions store, long cache) =>
        new RamDisk(new RamDiskOptions { Length = 1 << 20, CacheBytes = cache, Store = store }).Dispose();
}
