namespace PageFold.Nbd.Tests.Disk;

/// <summary>Disks that are saved when nothing is left of their limit.</summary>
public class RamDiskSnapshotTests
{
    private const int Page = 16384;
    private const long Length = 32 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_full_disk_with_changed_pages_in_its_cache_is_saved_from_its_reserve(int seed)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            using RamDisk disk = NewDisk(12 << 20);
            Random random = new(seed);
            byte[] page = new byte[Page];
            int filled = 0;
            do
            {
                // Compresses to a third; what is written over it later does not compress at all.
                random.NextBytes(page.AsSpan(0, Page / 3));
                filled++;
            }
            while (filled < Length / Page && disk.TryWrite((filled - 1L) * Page, page));
            byte[] noise = new byte[4096];
            for (int i = 0; i < 2000; i++)
            {
                random.NextBytes(noise);
                _ = disk.TryWrite(random.Next(filled) * (long)Page + random.Next(4) * 4096, noise);
            }
            Assert.False(disk.Flush());
            byte[] before = new byte[Length];
            disk.Read(0, before);
            disk.ReleaseReserve();
            string file = Path.Combine(folder.FullName, "snapshot");
            disk.SaveSnapshot(file);
            using RamDisk restored = NewDisk(64 << 20);
            restored.Load(file);
            byte[] after = new byte[Length];
            restored.Read(0, after);
            Assert.True(before.AsSpan().SequenceEqual(after));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(5400)]
    [InlineData(5500)]
    [InlineData(5600)]
    [InlineData(5700)]
    public void A_restored_disk_with_a_writeback_file_keeps_its_reserve_and_is_saved_again(int pages)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            string file = Path.Combine(folder.FullName, "snapshot");
            byte[] noise = new byte[4096];
            Random random = new(pages);
            using (RamDisk disk = NewWritingBack(folder))
            {
                for (int page = 0; page < pages; page++)
                {
                    random.NextBytes(noise);
                    while (!disk.TryWrite(page * 4096L, noise))
                        Assert.NotEqual(0, disk.Store.WriteBack(new WritebackSelection { MostBytes = 4 << 20 }).Pages);
                }
                disk.ReleaseReserve();
                disk.SaveSnapshot(file);
            }
            using RamDisk restored = NewWritingBack(folder);
            restored.Load(file);
            Assert.True(restored.TryKeepReserve());
            // Clients take all that there is.
            for (int page = pages; page < pages + 4000; page++)
            {
                random.NextBytes(noise);
                if (!restored.TryWrite(page * 4096L, noise))
                    break;
            }
            restored.ReleaseReserve();
            restored.SaveSnapshot(file);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static RamDisk NewWritingBack(DirectoryInfo folder) => new(new RamDiskOptions
    {
        Length = 64 << 20,
        ReserveForSnapshot = true,
        Store = new PageStoreOptions { MemoryLimit = 24 << 20, Writeback = new WritebackOptions { Path = Path.Combine(folder.FullName, Path.GetRandomFileName()) } },
    });

    private static RamDisk NewDisk(long limit) => new(new RamDiskOptions
    {
        Length = Length,
        ReserveForSnapshot = true,
        Store = new PageStoreOptions { PageSize = Page, MemoryLimit = limit },
    });
}
