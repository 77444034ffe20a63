using PageFold.Disks;

namespace PageFold.Cli.Tests;

/// <summary>The command's names of the library's options.</summary>
public class OptionNamesTests
{
    [Fact]
    public void Every_property_in_the_table_is_one_of_the_library()
    {
        HashSet<string> known =
        [
            .. typeof(RamDiskOptions).GetProperties().Select(property => property.Name),
            .. typeof(PageStoreOptions).GetProperties().Select(property => property.Name),
            .. typeof(WritebackOptions).GetProperties().Select(property => $"Writeback.{property.Name}"),
        ];
        Assert.NotEmpty(OptionNames.Properties);
        Assert.All(OptionNames.Properties, property => Assert.Contains(property, known));
    }

    [Fact]
    public void A_refused_disk_is_described_with_the_options_of_the_command()
    {
        ArgumentException refused = Assert.Throws<ArgumentOutOfRangeException>(() => new RamDisk(new RamDiskOptions
        {
            Length = 1 << 20,
            CacheBytes = 64 << 20,
            Store = new PageStoreOptions { PageSize = 16384, MemoryLimit = 32 << 20 },
        }));
        Assert.Equal("CacheBytes", refused.ParamName);
        Assert.Equal("--cache", OptionNames.OptionOf(refused));
        Assert.Equal(
            "--cache is 67,108,864 bytes; choose zero to less than --memory-limit (33,554,432 bytes).", OptionNames.Rename(refused));
    }
}
