using PageFold.Frames;
using PageFold.Store.Log;

namespace PageFold.Tests.Store;

/// <summary>The writeback file itself: whose it is, and what becomes of its room.</summary>
public sealed partial class WritebackTests
{
    [Fact]
    public void A_file_that_holds_something_else_is_refused_untouched_and_one_of_ours_is_taken()
    {
        File.WriteAllText(File1, "a letter");
        Assert.Contains("would be overwritten", Assert.Throws<ArgumentException>(() => Make(File1)).Message, StringComparison.Ordinal);
        Assert.Equal("a letter", File.ReadAllText(File1));
        Assert.Throws<UnauthorizedAccessException>(() => Make(_folder));
        Assert.Throws<ArgumentException>(() => Make(" "));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new PageStore(new PageStoreOptions { Writeback = new() { Path = File1, MaxBytes = 100 } }));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new PageStore(new PageStoreOptions { Writeback = new() { Path = File1, MaxBytes = WritebackOptions.MaxFileBytes + 1 } }));
        Assert.Contains("Writeback.DailyBudget is -1 bytes", Assert.Throws<ArgumentOutOfRangeException>(() =>
            new PageStore(new PageStoreOptions { Writeback = new() { Path = File1, DailyBudget = -1 } })).Message,
            StringComparison.Ordinal);
        if (OperatingSystem.IsLinux())
            Assert.Throws<ArgumentException>(() => Make("/dev/null"));
        File.WriteAllText(File1, string.Empty);
        byte[] left;
        using (PageStore store = Make(File1))
        {
            store.Write(1, Noise(1));
            store.WriteBack();
            AssertHolds(store, 1, Noise(1));
            left = new byte[WritebackFile.HeaderBytes + 100];
            Assert.Equal(left.Length, RandomAccess.Read(store.Index.Log!.File.Handle, left, 0));
        }
        // It was there before, so it stays; its content was nobody else's.
        Assert.Equal(0, new FileInfo(File1).Length);
        File.WriteAllBytes(File1, left);
        using (PageStore store = Make(File1))
            Assert.False(store.TryRead(1, new byte[PageSize]));
        using PageStore none = new(new PageStoreOptions { MemoryLimit = 4 << 20 });
        Assert.Contains("PageStoreOptions.Writeback", Assert.Throws<InvalidOperationException>(() => none.WriteBack()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_file_is_refused_by_name()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pipes with a name are made on Linux here.");
        Run("mkfifo", File1);
        ArgumentException refused = Assert.Throws<ArgumentException>(() => Make(File1));
        Assert.Contains($"Writeback.Path {File1} is neither a file nor a block device", refused.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(File1));
    }

    [Fact]
    public void A_file_that_must_not_be_emptied_is_closed_all_the_same()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root makes a file append-only.");
        File.WriteAllText(File1, string.Empty);
        PageStore store = Make(File1);
        MemoryBudget budget = store.Index.Budget;
        store.Write(1, Noise(1));
        store.WriteBack();
        Run("chattr", "+a", File1);
        try
        {
            Assert.SkipUnless(Run("lsattr", File1).Split(' ')[0].Contains('a', StringComparison.Ordinal),
                "This file system has no append-only files.");
            store.Dispose();
            Assert.Equal(0, budget.Used);
            Assert.NotEqual(0, new FileInfo(File1).Length);
        }
        finally
        {
            Run("chattr", "-a", File1);
            store.Dispose();
        }
        // What is left says that it is worthless, so the next store takes it; the first one has let go of it.
        using PageStore next = Make(File1);
        Assert.False(next.TryRead(1, new byte[PageSize]));
    }

    [Fact]
    public void Space_that_the_file_system_lacks_is_refused_by_name_and_nothing_stays()
    {
        string mounted = Path.Combine(_folder, "mounted");
        Directory.CreateDirectory(mounted);
        Run("mount", "-t", "tmpfs", "-o", "size=5m", "pagefold-test", mounted);
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.ReadAllText("/proc/mounts").Contains(mounted, StringComparison.Ordinal),
            "Needs the right to mount a small file system.");
        try
        {
            string path = Path.Combine(mounted, "writeback");
            IOException refused = Assert.Throws<IOException>(() => new PageStore(new PageStoreOptions
            {
                MemoryLimit = 16 << 20,
                Writeback = new() { Path = path, MaxBytes = 64 << 20, Preallocate = true },
            }));
            Assert.Contains($"Writeback.Path {path}: 67,108,864 bytes cannot be reserved there", refused.Message, StringComparison.Ordinal);
            Assert.True(OptionMessage.Of(refused)!.Names("Writeback.Preallocate"));
            Assert.Empty(Directory.EnumerateFileSystemEntries(mounted));
            using PageStore store = new(new PageStoreOptions
            {
                MemoryLimit = 16 << 20,
                Writeback = new() { Path = path, MaxBytes = 4 << 20, Preallocate = true },
            });
            store.Write(1, Noise(1));
            Assert.Equal(1, store.WriteBack().Pages);
            AssertHolds(store, 1, Noise(1));
        }
        finally
        {
            Run("umount", mounted);
        }
    }

    [Fact]
    public void A_file_that_the_store_makes_is_its_owners_alone_and_goes_with_it()
    {
        PageStore store = Make(File1);
        MemoryBudget budget = store.Index.Budget;
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(File1));
        Assert.ThrowsAny<IOException>(() => Make(File1));
        Assert.True(File.Exists(File1));
        for (int i = 0; i < 1000; i++)
            store.Write(i, Noise(i));
        Assert.Equal(1000, store.WriteBack().Pages);
        AssertHolds(store, 999, Noise(999));
        store.Dispose();
        Assert.False(File.Exists(File1));
        Assert.Equal(0, budget.Used);
        Assert.Throws<ObjectDisposedException>(() => store.WriteBack());
    }

    [Fact]
    public void What_has_taken_the_name_of_the_stores_file_stays()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a file that is in use keeps its name.");
        PageStore store = Make(File1);
        store.Write(1, Noise(1));
        store.Write(2, Noise(2));
        store.WriteBack(new WritebackSelection { MaxBytes = PageSize });
        store.SaveSnapshot(File1);
        AssertHolds(store, 1, Noise(1));
        AssertHolds(store, 2, Noise(2));
        store.Dispose();
        Assert.Equal(2, Snapshot.ReadInfo(File1).Pages);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_disk_of_which_most_was_written_back_is_restored_within_its_limit(bool otherCodec)
    {
        const int Pages = 6000;
        string snapshot = Path.Combine(_folder, "disk.snapshot");
        using (PageStore store = MakeSmall(PageCodec.Lz4))
        {
            for (int i = 0; i < Pages; i++)
            {
                while (store.Write(i, Noise(i)) == StoreOutcome.Full)
                    Assert.NotEqual(0, store.WriteBack(new WritebackSelection { MaxBytes = 4 << 20 }).Pages);
            }
            store.WriteBack(new WritebackSelection { MaxBytes = 4 << 20 });
            store.SaveSnapshot(snapshot);
        }
        using PageStore restored = MakeSmall(otherCodec ? PageCodec.Zstd(1) : PageCodec.Lz4);
        Assert.Equal(Pages, restored.LoadSnapshot(snapshot).Pages);
        for (int i = 0; i < Pages; i++)
            AssertHolds(restored, i, Noise(i));
        Assert.InRange(restored.Index.Budget.Used, 0, restored.MemoryLimit);

        // Without the file, or where it takes no more, nothing is half restored.
        restored.Discard(0, PageStore.MaxPage + 1);
        using PageStore none = new(new PageStoreOptions { MemoryLimit = 12 << 20 });
        string refusal = Assert.Throws<MemoryLimitException>(() => none.LoadSnapshot(snapshot)).Message;
        Assert.EndsWith("MiB, which suffices, or have the rest written to a file with Writeback.Path.", refusal, StringComparison.Ordinal);
        Assert.Equal(0, none.GetStatistics().Pages);
        using PageStore frugal = MakeSmall(PageCodec.Lz4, dailyBudget: 6 << 20);
        Assert.Contains("writeback file, to which no more can go (DailyBudget)",
            Assert.Throws<MemoryLimitException>(() => frugal.LoadSnapshot(snapshot)).Message, StringComparison.Ordinal);
        Assert.Equal(0, frugal.GetStatistics().Pages);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_codec_that_is_met_when_memory_is_full_has_room_made_for_it(bool restoreCodecs)
    {
        const int Raw = 6000;
        string snapshot = Path.Combine(_folder, "disk.snapshot");
        byte[] dictionary = new byte[256 << 10];
        Pages.FillCompressible(dictionary, 1, 0.5);
        byte[] compressible = new byte[4096];
        Pages.FillCompressible(compressible, 2, 0.3);
        using (PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 }))
        {
            for (int i = 0; i < Raw; i++)
                store.Write(i, Noise(i));
            store.UseCodec(PageCodec.Zstd(19, dictionary));
            store.Write(Raw, compressible);
            store.SaveSnapshot(snapshot);
        }
        using PageStore restored = MakeSmall(PageCodec.Lz4);
        restored.LoadSnapshot(snapshot, new SnapshotLoadOptions { RestoreCodecs = restoreCodecs });
        Assert.True(restored.GetStatistics().WrittenBackPages > 0);
        AssertHolds(restored, Raw, compressible);
        AssertHolds(restored, Raw - 1, Noise(Raw - 1));
        Assert.Equal(restoreCodecs ? 2 : 1, restored.Codecs.Count);
    }

    private PageStore MakeSmall(PageCodec codec, long? dailyBudget = null) => new(new PageStoreOptions
    {
        MemoryLimit = 12 << 20,
        Codec = codec,
        Writeback = new WritebackOptions { Path = Path.Combine(_folder, Path.GetRandomFileName()), DailyBudget = dailyBudget },
    });

    [Fact]
    public void Room_that_is_no_longer_used_goes_back_to_the_file_system()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Holes in files are made on Linux.");
        using PageStore store = Make(File1);
        for (int i = 0; i < 3000; i++)
            store.Write(i, Noise(i));
        store.WriteBack();
        long before = Allocated(File1);
        store.Discard(0, 3000);
        Assert.SkipUnless(Allocated(File1) < before, "This file system makes no holes.");
        Assert.InRange(Allocated(File1), 0, 2 << 20);
    }

    [Fact]
    public void A_block_device_is_taken_if_it_is_blank_or_was_ours_and_refused_otherwise()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Needs root, to make a loop device.");
        string image = Path.Combine(_folder, "image");
        using (FileStream file = File.Create(image))
            file.SetLength(8 << 20);
        string device = Run("losetup", "-f", "--show", image).Trim();
        Assert.SkipUnless(device.StartsWith("/dev/", StringComparison.Ordinal), "This system has no loop device to give.");
        try
        {
            for (int round = 0; round < 2; round++)
            {
                using PageStore store = Make(device);
                for (int i = 0; i < 3000; i++)
                    store.Write(i, Noise(i));
                WritebackResult result = store.WriteBack();
                Assert.Equal(WritebackStop.FileFull, result.Stopped);
                Assert.InRange(result.Pages, 1300, 1700);
                for (int i = 0; i < 3000; i++)
                    AssertHolds(store, i, Noise(i));
            }
            // In the first block, where a file system that leaves the first blocks free has its own, and at the end.
            foreach (int at in (int[])[2000, (64 << 10) + 5, (8 << 20) - 1])
            {
                byte[] other = new byte[8 << 20];
                other[at] = 1;
                using (FileStream stream = new(device, FileMode.Open, FileAccess.Write))
                    stream.Write(other);
                Assert.Contains("would be overwritten", Assert.Throws<ArgumentException>(() => Make(device)).Message,
                    StringComparison.Ordinal);
                byte[] still = new byte[8 << 20];
                using (FileStream stream = new(device, FileMode.Open, FileAccess.Read))
                    stream.ReadExactly(still);
                Assert.True(other.AsSpan().SequenceEqual(still));
            }
            // As one who mounts it does.
            using (Microsoft.Win32.SafeHandles.SafeFileHandle? mounted = PageFold.Interop.FileSystem.TryClaimDevice(device, out _))
                Assert.Contains("cannot be had alone", Assert.Throws<ArgumentException>(() => Make(device)).Message,
                    StringComparison.Ordinal);
        }
        finally
        {
            Run("losetup", "-d", device);
        }
    }

    [Fact]
    public void A_block_device_has_its_space_and_one_that_is_too_small_is_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Needs root, to make a loop device.");
        foreach (int size in (int[])[1 << 20, 4 << 20])
        {
            string image = Path.Combine(_folder, $"image of {size}");
            using (FileStream file = File.Create(image))
                file.SetLength(size);
            string device = Run("losetup", "-f", "--show", image).Trim();
            Assert.SkipUnless(device.StartsWith("/dev/", StringComparison.Ordinal), "This system has no loop device to give.");
            PageStoreOptions options = new()
            {
                MemoryLimit = 16 << 20,
                Writeback = new() { Path = device, MaxBytes = 64 << 20, Preallocate = true },
            };
            try
            {
                if (size < WritebackLog.MinFile)
                {
                    Assert.Contains($"Writeback.Path {device} has 1,048,576 bytes; choose a device of at least 4,194,304 bytes",
                        Assert.Throws<ArgumentException>(() => new PageStore(options)).Message, StringComparison.Ordinal);
                    continue;
                }
                using PageStore store = new(options);
                store.Write(1, Noise(1));
                Assert.Equal(1, store.WriteBack().Pages);
                AssertHolds(store, 1, Noise(1));
            }
            finally
            {
                Run("losetup", "-d", device);
            }
        }
    }

    private static long Allocated(string path) => long.Parse(Run("du", "-B1", path).Split('\t')[0]);

    private static string Run(string command, params string[] arguments)
    {
        using System.Diagnostics.Process process =
            System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo(command, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
