using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>
/// Writes that find no memory: with a file behind the store they move pages there, without one a reserve is left for pages that were
/// accepted.
/// </summary>
public sealed partial class ReclaimTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pagefold-reclaim-").FullName;

    private string Target => Path.Combine(_folder, "file");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(4096)]
    [InlineData(16384)]
    [InlineData(65536)]
    public async Task No_write_is_refused_while_the_file_has_room_for_what_memory_has_not(int pageSize)
    {
        const int Threads = 3;
        const long Limit = 8 << 20;
        using PageStore store = Make(Limit, 3 * Limit, pageSize);
        int count = (int)(3 * Limit / pageSize);
        long[] versions = new long[count];
        // Every page compresses well at first, and then is overwritten by noise in an order that leaves the file's segments in pieces.
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(thread);
            byte[] page = new byte[pageSize];
            for (int i = thread; i < count; i += Threads)
                Write(store, page, i, versions[i] = 1, share: 0.1);
            for (int n = 0; n < 2 * count; n++)
            {
                int i = n < count / Threads ? n * Threads + thread
                    : random.Next((count - thread + Threads - 1) / Threads) * Threads + thread;
                if (i >= count)
                    continue;
                Write(store, page, i, ++versions[i], share: random.Next(4) == 0 ? 0.3 : 1);
                if (n % 7 == 0)
                    AssertHolds(store, page, i, versions[i]);
            }
        })));
        byte[] read = new byte[pageSize];
        for (int i = 0; i < count; i++)
            AssertHolds(store, read, i, versions[i]);
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.Equal((count, 0), (statistics.Pages, statistics.RefusedWrites));
        Assert.True(statistics.WrittenBackPages > 0 && statistics.PeakBytes <= Limit, statistics.ToString());
    }

    [Fact]
    public void A_file_without_a_limit_is_noted_as_far_as_it_is_needed()
    {
        const long Limit = 4 << 20;
        const int Count = 160 << 20 >> 12;
        using PageStore bounded = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = Limit,
            Writeback = new() { Path = Target + "2", DirectReclaim = true, MaxBytes = 8 << 20 } });
        using PageStore store =
            new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = Limit,
                Writeback = new() { Path = Target, DirectReclaim = true } });
        Assert.InRange(store.GetStatistics().TotalBytes, 0, bounded.GetStatistics().TotalBytes + (16 << 10));
        // More segments than one block of them notes, and the limit is reached all the time.
        byte[] page = new byte[4096];
        for (int i = 0; i < Count; i++)
            Write(store, page, i, 1, share: 1);
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.Equal((Count, 0), (statistics.Pages, statistics.RefusedWrites));
        Assert.InRange(statistics.PeakBytes, Limit / 2, Limit);
        Assert.InRange(statistics.WritebackFileBytes, 150 << 20, long.MaxValue);
        for (int i = 0; i < Count; i += 997)
            AssertHolds(store, page, i, 1);
    }

    [Fact]
    public void A_write_that_finds_no_memory_does_not_wait_for_the_end_of_a_writeback()
    {
        const long Limit = 8 << 20;
        const int Before = 1500;
        const int Count = (int)(3 * Limit / 4096);
        using PageStore store = Make(Limit, 3 * Limit, 4096);
        byte[] page = new byte[4096];
        for (int i = 0; i < Before; i++)
            Write(store, page, i, 1, share: 1);
        Task? writing = null;
        // The writeback goes on only when the writer has written three times what memory holds.
        store.WriteBack(progress: new Told(() =>
        {
            writing ??= Pages.OnItsOwnThread(() =>
            {
                byte[] own = new byte[4096];
                for (int i = Before; i < Count; i++)
                    Write(store, own, i, 1, share: 1);
            });
            Assert.True(writing.Wait(TimeSpan.FromSeconds(60)), "the writer waits for the writeback");
        }));
        Assert.NotNull(writing);
        for (int i = 0; i < Count; i++)
            AssertHolds(store, page, i, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_left_for_overwrites_is_not_taken_by_a_snapshot_that_has_memory_of_its_own(bool image)
    {
        int without = OverwritesOf(begin: null);
        Assert.InRange(without, 200, int.MaxValue);
        Assert.Equal(without, OverwritesOf(store => image ? store.BeginImage(Target, 1 << 20) : store.BeginSnapshot(Target)));

        static int OverwritesOf(Func<PageStore, SnapshotSession>? begin)
        {
            using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 16 << 20, OverwriteReserve = 4 << 20,
                SnapshotReserve = SnapshotOptions.ReserveBytes(4096, 10_000) });
            byte[] page = new byte[4096];
            int stored = 0;
            while (TryWrite(store, page, stored, 1, share: 0.5))
                stored++;
            using SnapshotSession? session = begin?.Invoke(store);
            int overwritten = 0;
            while (TryWrite(store, page, overwritten, 2, share: 1))
                overwritten++;
            return overwritten;
        }
    }

    [Fact]
    public void A_write_is_refused_when_the_file_fails_and_what_was_accepted_stays()
    {
        AllocationFaults faults = new();
        using PageStore store = new(
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20,
                Writeback = new() { Path = Target, DirectReclaim = true, Faults = faults } });
        byte[] page = new byte[4096];
        for (int i = 0; i < 500; i++)
            Write(store, page, i, 1, share: 1);
        faults.Refuse(1, long.MaxValue);
        int accepted = 500;
        while (TryWrite(store, page, accepted, 1, share: 1))
            accepted++;
        Assert.Equal(1, store.GetStatistics().RefusedWrites);
        Assert.False(store.Contains(accepted));
        faults.Clear();
        for (int i = 0; i < accepted; i++)
            AssertHolds(store, page, i, 1);
        Write(store, page, accepted, 2, share: 1);
        AssertHolds(store, page, accepted, 2);
    }

    [Fact]
    public void A_full_file_and_full_memory_refuse_and_a_discard_lets_writes_succeed_again()
    {
        using PageStore store = new(
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20,
                Writeback = new() { Path = Target, DirectReclaim = true, MaxBytes = 6 << 20 } });
        byte[] page = new byte[4096];
        int accepted = 0;
        while (TryWrite(store, page, accepted, 1, share: 1))
            accepted++;
        Assert.InRange(accepted, 1500, 2600);
        store.Discard(0, 300);
        for (int i = 0; i < 200; i++)
            Write(store, page, i, 2, share: 1);
        for (int i = 0; i < accepted; i++)
        {
            if (i is < 200 or >= 300)
                AssertHolds(store, page, i, i < 200 ? 2 : 1);
        }
    }

    [Fact]
    public void A_preallocated_file_has_its_disk_space_from_the_start_and_keeps_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux reserves space for files.");
        using PageStore store = Make(8 << 20, 16 << 20, 4096);
        long reserved = AllocatedBytes();
        Assert.True(reserved >= WritebackOptions.BytesFor(8 << 20, 4096), $"{reserved} bytes");
        byte[] page = new byte[4096];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 4096; i++)
                Write(store, page, i, round, share: 1);
            store.WriteBack();
            store.Discard(0, 4096);
            store.WriteBack();
            Assert.Equal(reserved, AllocatedBytes());
        }
    }

    [Fact]
    public void Options_that_contradict_each_other_are_refused()
    {
        ArgumentException daily = Assert.ThrowsAny<ArgumentException>(
            () => new PageStore(new PageStoreOptions
            {
                Codec = PageCodec.Lz4,
                MemoryLimit = 8 << 20,
                Writeback = new() { Path = Target, DirectReclaim = true, DailyBudget = 5_000 },
            }));
        Assert.Contains("Writeback.DailyBudget is 5,000 bytes", daily.Message, StringComparison.Ordinal);
        ArgumentException size = Assert.ThrowsAny<ArgumentException>(
            () => new PageStore(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 8 << 20,
                Writeback = new() { Path = Target, Preallocate = true } }));
        Assert.Contains("Writeback.MaxBytes, which is not set", size.Message, StringComparison.Ordinal);
        foreach ((long reserve, string shown) in new[] { (-1L, "-1"), ((4 << 20) + 1, "4,194,305") })
        {
            ArgumentException refused = Assert.ThrowsAny<ArgumentException>(
                () => new PageStore(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 8 << 20, OverwriteReserve = reserve }));
            Assert.Contains($"OverwriteReserve is {shown} bytes; choose zero to half of MemoryLimit (4,194,304 bytes)", refused.Message,
                StringComparison.Ordinal);
        }
        Assert.False(Path.Exists(Target));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void The_size_for_some_bytes_of_pages_grows_with_them_and_does_not_overflow(int pageSize)
    {
        long before = 0;
        for (int shift = 0; shift < 63; shift++)
        {
            long bytes = WritebackOptions.BytesFor(1L << shift, pageSize);
            Assert.True(bytes >= before && bytes > 1L << shift, $"{shift}: {bytes}");
            before = bytes;
        }
        Assert.Equal(long.MaxValue, WritebackOptions.BytesFor(long.MaxValue, pageSize));
    }

    [Fact]
    public void Below_the_reserve_new_pages_are_refused_and_overwrites_are_not()
    {
        const long Limit = 16 << 20;
        const long Reserve = 4 << 20;
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = Limit, OverwriteReserve = Reserve });
        byte[] page = new byte[4096];
        int stored = 0;
        while (TryWrite(store, page, stored, 1, share: 0.3))
            stored++;
        PageStoreStatistics full = store.GetStatistics();
        Assert.InRange(full.TotalBytes, Limit - Reserve - (1 << 20), Limit - Reserve + (1 << 20));
        Assert.InRange(full.AvailableBytes, 0, 1 << 16);
        // Half a megabyte less than the reserve, for what its frames and tables take.
        int overwritten = (int)((Reserve - (1 << 19)) / 4096);
        for (int i = 0; i < overwritten; i++)
            Write(store, page, i, 2, share: 1);
        Assert.False(TryWrite(store, page, stored + 1, 1, share: 0.3));
        Assert.False(store.Contains(stored + 1));
        for (int i = 0; i < stored; i++)
            AssertHolds(store, page, i, i < overwritten ? 2 : 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_snapshot_of_a_store_whose_overwrites_used_the_reserve_is_loaded(bool sameCodec)
    {
        PageStoreOptions options = new() { MemoryLimit = 16 << 20, OverwriteReserve = 4 << 20 };
        byte[] page = new byte[4096];
        int stored = 0;
        using (PageStore store = new(options))
        {
            store.UseCodec(PageCodec.Zstd(1));
            while (TryWrite(store, page, stored, 1, share: 0.3))
                stored++;
            for (int i = 0; i < 500; i++)
                Write(store, page, i, 2, share: 1);
            // Buffers for the snapshot.
            store.Discard(stored - 1500, 1500);
            stored -= 1500;
            store.SaveSnapshot(Target);
        }
        using PageStore loaded = new(options);
        // The one takes stored bytes over, the other compresses every page anew.
        if (sameCodec)
            loaded.UseCodec(PageCodec.Zstd(1));
        else
            loaded.Write(PageStore.MaxPage, page);
        loaded.Discard(PageStore.MaxPage);
        loaded.LoadSnapshot(Target);
        for (int i = 0; i < stored; i++)
            AssertHolds(loaded, page, i, i < 500 ? 2 : 1);
    }

    private PageStore Make(long limit, long size, int pageSize) => new(new PageStoreOptions
    {
        Codec = PageCodec.Lz4,
        PageSize = pageSize,
        MemoryLimit = limit,
        Writeback = new()
        {
            Path = Target,
            DirectReclaim = true,
            Preallocate = OperatingSystem.IsLinux(),
            MaxBytes = WritebackOptions.BytesFor(size - limit + limit / 2, pageSize),
        },
    });

    private static void Write(PageStore store, byte[] page, int number, long version, double share) =>
        Assert.True(TryWrite(store, page, number, version, share), $"page {number}, version {version}: {store.GetStatistics()}");

    private static bool TryWrite(PageStore store, byte[] page, int number, long version, double share)
    {
        Pages.FillCompressible(page, Key(number, version), share);
        // The share is kept in the content, so that a reader knows it.
        page[0] = (byte)(share * 100);
        return store.Write(number, page) != StoreOutcome.Full;
    }

    private static void AssertHolds(PageStore store, byte[] page, int number, long version)
    {
        Assert.True(store.TryRead(number, page), $"page {number} is gone");
        byte[] expected = new byte[page.Length];
        Pages.FillCompressible(expected, Key(number, version), page[0] / 100.0);
        expected[0] = page[0];
        Assert.True(page.AsSpan().SequenceEqual(expected), $"page {number} is not of version {version}");
    }

    private static ulong Key(int number, long version) => (ulong)number << 20 | (ulong)version;

    private sealed class Told(Action tell) : IProgress<double>
    {
        public void Report(double value) => tell();
    }

    private long AllocatedBytes()
    {
        using System.Diagnostics.Process stat = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%b", Target]) { RedirectStandardOutput = true })!;
        return long.Parse(stat.StandardOutput.ReadToEnd(), System.Globalization.CultureInfo.InvariantCulture) * 512;
    }
}
