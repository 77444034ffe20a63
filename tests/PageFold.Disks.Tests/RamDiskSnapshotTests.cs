namespace PageFold.Disks.Tests;

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
            // As at the next start with the same options.
            using RamDisk restored = NewDisk(12 << 20);
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

    [Fact]
    public void A_snapshot_of_a_store_with_pages_beyond_the_end_is_refused_and_leaves_the_disk_empty()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            string file = Path.Combine(folder.FullName, "snapshot");
            byte[] noise = new byte[Page];
            new Random(1).NextBytes(noise);
            using (PageStore store = new(new PageStoreOptions { PageSize = Page, MemoryLimit = 12 << 20 }))
            {
                store.Write(0, noise);
                store.Write(Length / Page - 1, noise);
                store.SaveSnapshot(file);
                using RamDisk large = NewDisk(12 << 20);
                large.Load(file);
                Assert.Equal(2, large.Store.GetStatistics().Pages);
                store.Write(Length / Page, noise);
                store.Write(Length / Page + 1, noise);
                store.SaveSnapshot(file);
            }
            using RamDisk disk = NewDisk(12 << 20);
            string message = Assert.Throws<ArgumentException>(() => disk.Load(file)).Message;
            Assert.Contains($"holds page {Length / Page + 1:N0}", message, StringComparison.Ordinal);
            Assert.Equal(0, disk.Store.GetStatistics().Pages);
            Assert.True(disk.TryWrite(0, noise));
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
                        Assert.NotEqual(0, disk.Store.WriteBack(new WritebackSelection { MaxBytes = 4 << 20 }).Pages);
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

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void A_full_disk_without_file_or_reserve_is_saved_again_and_again_while_clients_write(int pageSize)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            RamDiskOptions options = new()
            {
                Length = Length,
                CacheBytes = 0,
                Store = new PageStoreOptions { PageSize = pageSize, MemoryLimit = 12 << 20 },
            };
            using RamDisk disk = new(options);
            disk.Store.AddCodec(PageCodec.Zstd(1));
            int pages = (int)(Length / pageSize);
            int filled = 0;
            while (filled < pages && disk.TryWrite((long)filled * pageSize, Halves(pageSize, filled)))
                filled++;
            Assert.InRange(filled, pages / 8, pages - 1);
            byte[] before = new byte[Length];
            disk.Read(0, before);
            using CancellationTokenSource done = new();
            // It may write what is there already, and takes what room it finds.
            Task client = Task.Factory.StartNew(
                () =>
                {
                    for (int page = 0; !done.IsCancellationRequested; page = (page + 1) % filled)
                        _ = disk.TryWrite((long)page * pageSize, Halves(pageSize, page));
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            string snapshot = Path.Combine(folder.FullName, "snapshot");
            string image = Path.Combine(folder.FullName, "image");
            try
            {
                for (int round = 0; round < 3; round++)
                {
                    disk.SaveSnapshot(snapshot);
                    disk.SaveImage(image);
                }
            }
            finally
            {
                done.Cancel();
            }
            client.Wait(CancellationToken.None);
            Assert.True(disk.Store.GetStatistics().PeakBytes <= 12 << 20);
            Assert.True(File.ReadAllBytes(image).AsSpan().SequenceEqual(before));
            using RamDisk restored = new(options);
            restored.Load(snapshot);
            byte[] after = new byte[Length];
            restored.Read(0, after);
            Assert.True(before.AsSpan().SequenceEqual(after));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Memory_that_stays_with_the_frames_is_not_looked_for_in_the_writeback_file()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            using RamDisk disk = NewWritingBack(folder);
            byte[] noise = new byte[4096];
            for (int page = 0; page < 2000; page++)
            {
                new Random(page).NextBytes(noise);
                Assert.True(disk.TryWrite(page * 4096L, noise));
            }
            disk.ReleaseReserve();
            disk.Store.Prefault();
            Assert.False(disk.TryKeepReserve());
            Assert.Equal(0, disk.Store.GetStatistics().WrittenBackPages);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("a label")]
    public void A_full_disk_with_a_writeback_file_makes_room_and_is_saved_to_any_output(string? label)
    {
        const int Pages = 4000;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            string file = Path.Combine(folder.FullName, "output");
            using RamDisk disk = new(new RamDiskOptions
            {
                Length = Pages * 4096,
                Store = new PageStoreOptions { MemoryLimit = 8 << 20,
                    Writeback = new WritebackOptions { Path = Path.Combine(folder.FullName, "writeback"), DirectReclaim = true } },
            });
            byte[] content = new byte[disk.Length];
            new Random(1).NextBytes(content);
            for (int page = 0; page < Pages; page++)
                Assert.True(disk.TryWrite(page * 4096L, content.AsSpan(page * 4096, 4096)));
            long before = disk.Store.GetStatistics().WrittenBackPages;
            Assert.InRange(disk.Store.GetStatistics().AvailableBytes, 0, 1 << 20);
            disk.Save(SnapshotOutput.ToFile(file), label, progress: null, CancellationToken.None);
            Assert.InRange(disk.Store.GetStatistics().WrittenBackPages, before + 500, Pages);
            if (label is null)
            {
                Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(content));
                return;
            }
            Assert.Equal((label, disk.Length), (Snapshot.ReadInfo(file).Label, Snapshot.ReadInfo(file).Length));
            using RamDisk restored = new(
                new RamDiskOptions { Length = disk.Length, Store = new PageStoreOptions { MemoryLimit = 64 << 20 } });
            restored.Load(file);
            byte[] after = new byte[disk.Length];
            restored.Read(0, after);
            Assert.True(after.AsSpan().SequenceEqual(content));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("a label")]
    public void A_disk_that_has_room_is_saved_to_any_output_as_it_is(string? label)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            string file = Path.Combine(folder.FullName, "output");
            using RamDisk disk = NewWritingBack(folder);
            Assert.True(disk.TryWrite(5 * 4096 + 7, [1, 2, 3]));
            disk.Save(SnapshotOutput.ToFile(file), label, progress: null, CancellationToken.None);
            Assert.Equal(0, disk.Store.GetStatistics().WrittenBackPages);
            byte[] expected = new byte[6 * 4096];
            expected[5 * 4096 + 7] = 1;
            expected[5 * 4096 + 8] = 2;
            expected[5 * 4096 + 9] = 3;
            byte[] actual = new byte[6 * 4096];
            if (label is null)
            {
                Assert.Equal(disk.Length, new FileInfo(file).Length);
                using FileStream image = File.OpenRead(file);
                image.ReadExactly(actual);
            }
            else
            {
                using RamDisk restored = NewWritingBack(folder);
                Assert.Equal(label, restored.Load(file).Label);
                restored.Read(0, actual);
            }
            Assert.True(actual.AsSpan().SequenceEqual(expected));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_page_in_the_cache_that_finds_no_memory_fails_the_snapshot_and_stays_in_the_cache()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            using RamDisk disk = new(new RamDiskOptions
            {
                Length = Length,
                Store = new PageStoreOptions { PageSize = Page, MemoryLimit = 12 << 20 },
            });
            Random random = new(1);
            byte[] page = new byte[Page];
            int filled = 0;
            do
            {
                random.NextBytes(page);
                filled++;
            }
            while (filled < Length / Page && disk.TryWrite((filled - 1L) * Page, page));
            // A part of a page that was never written waits in the cache for memory that there is not.
            while (disk.Flush())
                Assert.True(disk.TryWrite(Length - Page * (long)random.Next(1, 500), page.AsSpan(0, 4096)));
            byte[] before = new byte[Length];
            disk.Read(0, before);
            string file = Path.Combine(folder.FullName, "snapshot");
            MemoryLimitException refused = Assert.Throws<MemoryLimitException>(() => disk.SaveSnapshot(file));
            Assert.StartsWith("A page in the disk's cache waits for memory within MemoryLimit (12,582,912 bytes)", refused.Message,
                StringComparison.Ordinal);
            Assert.Empty(folder.EnumerateFileSystemInfos());
            byte[] after = new byte[Length];
            disk.Read(0, after);
            Assert.True(before.AsSpan().SequenceEqual(after));
            disk.Trim(0, 4 << 20);
            disk.SaveSnapshot(file);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_snapshot_of_a_larger_disk_is_refused_with_both_lengths()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            string file = Path.Combine(folder.FullName, "snapshot");
            using RamDisk large = NewDisk(16 << 20);
            large.TryWrite(0, [1, 2, 3]);
            large.SaveSnapshot(file);
            using RamDisk small = new(new RamDiskOptions
            {
                Length = Length - 512,
                Store = new PageStoreOptions { PageSize = Page, MemoryLimit = 16 << 20 },
            });
            ArgumentException refused = Assert.Throws<ArgumentException>(() => small.Load(file));
            Assert.Contains($"'{file}' is of a disk of 33,554,432 bytes, and this one has 33,553,920 bytes", refused.Message,
                StringComparison.Ordinal);
            Assert.Equal(0, small.Store.GetStatistics().Pages);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A page that compresses to a half.</summary>
    private static byte[] Halves(int pageSize, int seed)
    {
        byte[] page = new byte[pageSize];
        new Random(seed).NextBytes(page.AsSpan(0, pageSize / 2));
        return page;
    }

    private static RamDisk NewWritingBack(DirectoryInfo folder) => new(new RamDiskOptions
    {
        Length = 64 << 20,
        ReserveForSnapshot = true,
        Store = new PageStoreOptions { MemoryLimit = 24 << 20,
            Writeback = new WritebackOptions { Path = Path.Combine(folder.FullName, Path.GetRandomFileName()) } },
    });

    private static RamDisk NewDisk(long limit) => new(new RamDiskOptions
    {
        Length = Length,
        ReserveForSnapshot = true,
        Store = new PageStoreOptions { PageSize = Page, MemoryLimit = limit },
    });
}
