namespace PageFold.Disks.Tests;

/// <summary>Threads on one disk, each with its own sectors in pages that all share: no write is lost.</summary>
public class RamDiskThreadsTests
{
    private const int Sector = RamDisk.SectorSize;
    private const int Threads = 4;

    [Theory]
    [InlineData(4096, null)]
    [InlineData(16384, null)]
    [InlineData(65536, null)]
    [InlineData(65536, 2L * 65536)]
    [InlineData(65536, 0L)]
    public void Sectors_of_shared_pages_keep_what_their_writer_has_written(int pageSize, long? cache)
    {
        using RamDisk disk = new(new RamDiskOptions
        {
            Length = 12L * pageSize + 3 * Sector,
            CacheBytes = cache,
            Store = new PageStoreOptions { PageSize = pageSize, MemoryLimit = 64 << 20 },
        });
        int sectors = (int)(disk.Length / Sector);
        int operations = 4096 * 5000 / pageSize;
        byte[]?[] model = new byte[]?[sectors];
        Task[] workers = [.. Enumerable.Range(0, Threads).Select(number => Content.OnItsOwnThread(() =>
        {
            Random random = new(number);
            byte[] read = new byte[Sector];
            for (int i = 0; i < operations; i++)
            {
                int sector = random.Next(sectors / Threads) * Threads + number;
                long offset = (long)sector * Sector;
                switch (random.Next(8))
                {
                    case < 4:
                        byte[] data = Content.Compressible(Sector, (ulong)random.NextInt64());
                        Assert.True(disk.TryWrite(offset, data));
                        model[sector] = data;
                        break;
                    case 4:
                        Assert.True(disk.TryZero(offset, Sector, punch: random.Next(2) == 0));
                        model[sector] = null;
                        break;
                    case 5:
                        disk.Trim(offset, Sector);
                        model[sector] = null;
                        break;
                    case 6 when i % 20 == 0:
                        Assert.True(disk.Flush());
                        break;
                    default:
                        disk.Read(offset, read);
                        Content.AssertSame(model[sector] ?? new byte[Sector], read, $"sector {sector}");
                        break;
                }
            }
        }))];
        Task.WaitAll(workers);
        byte[] last = new byte[Sector];
        for (int sector = 0; sector < sectors; sector++)
        {
            disk.Read((long)sector * Sector, last);
            Content.AssertSame(model[sector] ?? new byte[Sector], last, $"sector {sector} at the end");
        }
    }

    /// <summary>Threads write whole pages, another trims large ranges, and others read meanwhile: each read sees one version.</summary>
    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void A_page_is_read_in_one_version(int pageSize)
    {
        const int Pages = 600;
        using RamDisk disk = TestDisk.Make((long)Pages * pageSize, pageSize);
        using CancellationTokenSource done = new();
        Task[] readers = [.. Enumerable.Range(0, 2).Select(number => Content.OnItsOwnThread(() =>
        {
            byte[] page = new byte[pageSize];
            byte[] expected = new byte[pageSize];
            Random random = new(number);
            while (!done.IsCancellationRequested)
            {
                disk.Read((long)random.Next(Pages) * pageSize, page);
                Array.Fill(expected, page[0]);
                Content.AssertSame(expected, page, "a page");
            }
        }))];
        Task[] writers = [.. Enumerable.Range(0, 2).Select(number => Content.OnItsOwnThread(() =>
        {
            byte[] page = new byte[pageSize];
            Random random = new(100 + number);
            for (int i = 0; i < 4096 * 4000 / pageSize; i++)
            {
                Array.Fill(page, (byte)random.Next(1, 256));
                Assert.True(disk.TryWrite((long)random.Next(Pages) * pageSize, page));
                if (i % 50 == 0)
                    disk.Trim(0, disk.Length);
                else if (i % 10 == 0)
                    Assert.True(disk.TryZero((long)random.Next(Pages / 2) * pageSize, 300L * pageSize, punch: i % 20 == 0));
            }
        }))];
        Task.WaitAll(writers);
        done.Cancel();
        Task.WaitAll(readers);
    }
}
