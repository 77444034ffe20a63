using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Snapshots that are refused, fail or are abandoned: nothing changes, and readers and writers go on.</summary>
public partial class SnapshotTests
{
    [Fact]
    public void While_a_snapshot_is_taken_no_second_one_and_no_further_codec_is()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
        store.AddCodec(PageCodec.Zstd(1));
        using (SnapshotSession session = store.BeginSnapshot(folder.File))
        {
            Assert.Throws<InvalidOperationException>(() => store.BeginSnapshot(folder.In("other")));
            Assert.Throws<InvalidOperationException>(() => store.SaveImage(folder.In("other"), 1));
            Assert.Throws<InvalidOperationException>(() => store.UseCodec(PageCodec.Zstd(2)));
            Assert.Throws<InvalidOperationException>(() => store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(3) }));
            Assert.Equal(0, store.AddCodec(PageCodec.Lz4));
            folder.AssertOnly("disk.snapshot.pagefold-partial");
        }
        folder.AssertOnly();
        Assert.Equal(2, store.AddCodec(PageCodec.Zstd(2)));
        store.SaveSnapshot(folder.File);
    }

    [Fact]
    public void A_foreign_codec_is_refused_by_name_and_its_pages_go_to_an_image()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20, Codec = new ForeignCodec() });
        store.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
        Assert.Contains("foreign", Assert.Throws<NotSupportedException>(() => store.SaveSnapshot(folder.File)).Message,
            StringComparison.Ordinal);
        folder.AssertOnly();
        store.SaveImage(folder.File, 2 * PageSize);
        Assert.Equal(SnapshotFolder.MakePage(PageSize, 3, 1), File.ReadAllBytes(folder.File)[PageSize..]);
    }

    [Fact]
    public void A_name_that_cannot_be_a_file_is_refused_before_the_point_in_time()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        long used = store.Index.Budget.Used;
        Directory.CreateDirectory(folder.In("folder"));
        Directory.CreateDirectory(folder.In("taken.pagefold-partial"));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("folder")));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("folder/")));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("taken")));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("missing/file")));
        Assert.ThrowsAny<ArgumentException>(() => store.SaveSnapshot(""));
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains("/dev/full", Assert.ThrowsAny<IOException>(() => store.SaveSnapshot("/dev/full")).Message,
                StringComparison.Ordinal);
            Assert.ThrowsAny<IOException>(() => Snapshot.ReadInfo("/dev/zero"));
            File.CreateSymbolicLink(folder.In("other.pagefold-partial"), folder.In("victim"));
            Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("other")));
            folder.AssertOnly("folder", "taken.pagefold-partial", "other.pagefold-partial");
        }
        Assert.ThrowsAny<ArgumentException>(() => store.SaveSnapshot(folder.File, new SnapshotOptions { Length = -1 }));
        Assert.ThrowsAny<ArgumentException>(() => store.SaveSnapshot(folder.File, new SnapshotOptions { Label = new string('x', 5000) }));
        Assert.ThrowsAny<ArgumentException>(() => store.SaveImage(folder.File, -1));
        Assert.Equal(used, store.Index.Budget.Used);
    }

    [Fact]
    public void A_link_that_leads_in_a_circle_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There links need a right of their own.");
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        File.CreateSymbolicLink(folder.In("one"), folder.In("other"));
        File.CreateSymbolicLink(folder.In("other"), folder.In("one"));
        IOException refused = Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("one")));
        Assert.Contains($"{folder.In("one")} is a link that leads in a circle", refused.Message, StringComparison.Ordinal);
        folder.AssertOnly("one", "other");
    }

    [Fact]
    public void A_snapshot_is_not_loaded_where_there_is_no_memory_for_its_buffer()
    {
        using SnapshotFolder folder = new();
        using (PageStore saved = new(new PageStoreOptions { MemoryLimit = 64 << 20 }))
        {
            saved.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
            saved.SaveSnapshot(folder.File);
        }
        using PageStore small = new(new PageStoreOptions { MemoryLimit = 1 << 20 });
        Assert.True(small.TrySetOwnerBytes(small.Index.Budget.Available - (16 << 10)));
        long used = small.Index.Budget.Used;
        MemoryLimitException refused = Assert.Throws<MemoryLimitException>(() => small.LoadSnapshot(folder.File));
        Assert.StartsWith("No memory for the buffer that a snapshot is loaded through", refused.Message, StringComparison.Ordinal);
        Assert.Equal("MemoryLimit", OptionMessage.Of(refused)?.Option);
        Assert.Equal(used, small.Index.Budget.Used);
    }

    [Fact]
    public void The_file_is_its_owners_alone_and_what_a_crash_left_behind_is_replaced()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
        File.WriteAllBytes(folder.File + ".pagefold-partial", new byte[100_000]);
        store.SaveSnapshot(folder.File);
        Assert.Equal(1, Snapshot.ReadInfo(folder.File).Pages);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File));
            // A link stays one, and what it leads to is replaced.
            File.CreateSymbolicLink(folder.In("link"), folder.File);
            store.Write(2, new byte[PageSize]);
            store.SaveSnapshot(folder.In("link"));
            Assert.NotNull(new FileInfo(folder.In("link")).LinkTarget);
            Assert.Equal(2, Snapshot.ReadInfo(folder.File).Pages);
            folder.AssertOnly("disk.snapshot", "link");
        }
    }

    [Fact]
    public void A_file_that_another_writes_is_refused()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        using PageStore other = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        using (SnapshotSession session = store.BeginSnapshot(folder.File))
        {
            Assert.ThrowsAny<IOException>(() => other.SaveSnapshot(folder.File));
            session.Save();
        }
        other.SaveSnapshot(folder.File);
        folder.AssertOnly("disk.snapshot");
    }

    [Fact]
    public async Task Loading_that_is_cancelled_while_it_makes_room_says_so_and_not_that_memory_is_short()
    {
        const int Noise = 2048;
        using SnapshotFolder folder = new();
        using (PageStore saved = new(new PageStoreOptions { MemoryLimit = 64 << 20 }))
        {
            // A writeback looks at so many leaves without a page for the file that it ends a round without having moved any.
            int zeros = 257 * (int)saved.Index.Slots.LeafLength;
            for (int i = 0; i < zeros + Noise; i++)
                saved.Write(i, SnapshotFolder.MakePage(PageSize, i < zeros ? 0 : 4, (ulong)i));
            saved.SaveSnapshot(folder.File);
        }
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 6 << 20, Writeback = new() { Path = folder.In("writeback") } });
        using CancellationTokenSource source = new();
        Thread? loader = null;
        Task loading;
        lock (store.Evictor!.Turn)
        {
            loading = Pages.OnItsOwnThread(() =>
            {
                Volatile.Write(ref loader, Thread.CurrentThread);
                store.LoadSnapshot(folder.File, cancellationToken: source.Token);
            });
            // Memory is full, and the loader waits for its turn to write back.
            Assert.True(SpinWait.SpinUntil(
                () => store.GetStatistics().RefusedWrites > 0 && Volatile.Read(ref loader)!.ThreadState.HasFlag(ThreadState.WaitSleepJoin),
                TimeSpan.FromMinutes(1)));
            source.Cancel();
        }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loading);
        Assert.Equal(0, store.GetStatistics().Pages);
    }

    [Fact]
    public void Cancelling_leaves_the_old_file_and_nothing_else()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.SaveSnapshot(folder.File);
        byte[] old = File.ReadAllBytes(folder.File);
        Fill(store, [PageCodec.Lz4]);
        long used = store.Index.Budget.Used;
        using CancellationTokenSource source = new();
        List<double> told = [];
        Assert.ThrowsAny<OperationCanceledException>(() => store.SaveSnapshot(folder.File, null, new Told(part =>
        {
            told.Add(part);
            if (part > 0.5)
                source.Cancel();
        }), source.Token));
        Assert.InRange(told[^1], 0.5, 0.6);
        Assert.Equal(old, File.ReadAllBytes(folder.File));
        folder.AssertOnly("disk.snapshot");
        Assert.Equal(used, store.Index.Budget.Used);
        store.SaveSnapshot(folder.File, null, new Told(told.Add));
        Assert.Equal(1, told[^1]);

        using PageStore restored = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        using CancellationTokenSource late = new();
        Assert.ThrowsAny<OperationCanceledException>(() => restored.LoadSnapshot(folder.File, null, new Told(_ => late.Cancel()),
            late.Token));
        Assert.Equal(0, restored.GetStatistics().Pages);
    }

    [Fact]
    public void A_damaged_page_fails_the_snapshot_with_its_number_and_harms_no_writer()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        Fill(store, [PageCodec.Lz4]);
        store.SaveSnapshot(folder.File);
        byte[] old = File.ReadAllBytes(folder.File);
        Damage(store, 103);
        Assert.Equal(103, Assert.Throws<PageCorruptException>(() => store.SaveSnapshot(folder.File)).Page);
        using (SnapshotSession session = store.BeginSnapshot(folder.File))
        {
            session.TakePoint();
            // The writer finds it; the snapshot has the trouble.
            Assert.NotEqual(StoreOutcome.Full, store.Write(103, SnapshotFolder.MakePage(PageSize, 3, 1)));
            Assert.Equal(103, Assert.Throws<PageCorruptException>(() => session.Save()).Page);
        }
        Assert.Equal(old, File.ReadAllBytes(folder.File));
        store.SaveSnapshot(folder.File);
    }

    [Fact]
    public void A_snapshot_that_finds_no_memory_says_so_and_leaves_everything_as_it_was()
    {
        using SnapshotFolder folder = new();
        using PageStore small = new(new PageStoreOptions { MemoryLimit = 2 << 20 });
        small.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
        long used = small.Index.Budget.Used;
        MemoryLimitException refusal = Assert.Throws<MemoryLimitException>(() => small.SaveSnapshot(folder.File));
        Assert.Contains("MemoryLimit (2,097,152 bytes)", refusal.Message, StringComparison.Ordinal);
        Assert.True(OptionMessage.Of(refusal)!.Names("SnapshotReserve"));
        Assert.Equal(used, small.Index.Budget.Used);
        folder.AssertOnly();

        // Every place at which memory is taken, made to fail in turn.
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20, Faults = faults });
        store.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
        store.Write(3_000_000_000, SnapshotFolder.MakePage(PageSize, 3, 1));
        foreach (bool image in new[] { false, true })
        {
            long before = faults.Seen;
            Save(store, folder.File, image);
            long points = faults.Seen - before;
            Assert.InRange(points, 5, 50);
            used = store.Index.Budget.Used;
            for (int nth = 1; nth <= points; nth++)
            {
                File.Delete(folder.File);
                faults.Refuse(nth, count: 1000);
                Assert.Throws<MemoryLimitException>(() => Save(store, folder.File, image));
                faults.Clear();
                Assert.Equal(used, store.Index.Budget.Used);
                folder.AssertOnly();
            }
        }
        Save(store, folder.File, image: false);
    }

    [Fact]
    public void A_full_disk_fails_the_snapshot_with_its_cause_and_harms_no_writer()
    {
        using SnapshotFolder folder = new();
        Assert.SkipUnless(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", folder.Path),
            "needs the right to mount a small file system");
        try
        {
            using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
            for (int page = 0; page < 400; page++)
                store.Write(page, SnapshotFolder.MakePage(PageSize, 4, (ulong)page));
            store.SaveSnapshot(folder.File);
            byte[] old = File.ReadAllBytes(folder.File);
            for (int page = 400; page < 4000; page++)
                store.Write(page, SnapshotFolder.MakePage(PageSize, 4, (ulong)page));
            long used = store.Index.Budget.Used;
            using (SnapshotSession session = store.BeginSnapshot(folder.File))
            {
                session.TakePoint();
                // Waits for room from beginning to end.
                Task writer = Pages.OnItsOwnThread(() =>
                {
                    for (int page = 3999; page >= 0; page--)
                        Assert.NotEqual(StoreOutcome.Full, store.Write(page, SnapshotFolder.MakePage(PageSize, 4, 9)));
                });
                IOException cause = Assert.ThrowsAny<IOException>(() => session.Save());
                Assert.Contains("space", cause.Message, StringComparison.OrdinalIgnoreCase);
                writer.Wait();
            }
            Assert.Equal(old, File.ReadAllBytes(folder.File));
            folder.AssertOnly("disk.snapshot");
            Assert.InRange(store.Index.Budget.Used, 1, used + (64 << 10));
            store.Discard(400, 4000);
            store.SaveSnapshot(folder.File);
        }
        finally
        {
            Run("umount", folder.Path);
        }
    }

    [Fact]
    public void A_session_that_is_not_saved_lets_writers_go_on_after_a_while()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.Saver.Patience = TimeSpan.FromMilliseconds(50);
        for (int page = 0; page < 2000; page++)
            store.Write(page, SnapshotFolder.MakePage(PageSize, 4, (ulong)page));
        using SnapshotSession session = store.BeginSnapshot(folder.File);
        session.TakePoint();
        for (int page = 0; page < 2000; page++)
            Assert.NotEqual(StoreOutcome.Full, store.Write(page, new byte[PageSize]));
        Assert.Contains("TakePoint", Assert.Throws<InvalidOperationException>(() => session.Save()).Message, StringComparison.Ordinal);
        folder.AssertOnly();
        store.SaveSnapshot(folder.File);
    }

    [Fact]
    public void Disposing_the_store_ends_a_session_and_frees_everything()
    {
        using SnapshotFolder folder = new();
        PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        MemoryBudget budget = store.Index.Budget;
        for (int page = 0; page < 2000; page++)
            store.Write(page, SnapshotFolder.MakePage(PageSize, 4, (ulong)page));
        SnapshotSession session = store.BeginSnapshot(folder.File);
        session.TakePoint();
        // A writer waits for room that no saving makes.
        Exception? ending = null;
        Thread writer = new(() => ending = Record.Exception(() =>
        {
            for (int page = 0; page < 2000; page++)
                store.Write(page, new byte[PageSize]);
        }));
        writer.Start();
        Crew.AwaitSleep(writer);
        store.Dispose();
        writer.Join();
        Assert.IsType<ObjectDisposedException>(ending);
        Assert.Throws<ObjectDisposedException>(() => session.Save());
        session.Dispose();
        folder.AssertOnly();
        Assert.Equal(0, budget.Used);
        Assert.Throws<ObjectDisposedException>(() => store.BeginSnapshot(folder.File));
        folder.AssertOnly();
    }

    [Fact]
    public void Loading_is_refused_where_it_cannot_be_right()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        Fill(store, [PageCodec.Lz4]);
        store.SaveSnapshot(folder.File);
        Assert.Contains("empty", Assert.Throws<InvalidOperationException>(() => store.LoadSnapshot(folder.File)).Message,
            StringComparison.Ordinal);
        using PageStore larger = new(new PageStoreOptions { MemoryLimit = 64 << 20, PageSize = 8192 });
        Assert.Contains("PageSize 4096", Assert.Throws<InvalidOperationException>(() => larger.LoadSnapshot(folder.File)).Message,
            StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => larger.LoadSnapshot(folder.In("missing")));
        Assert.ThrowsAny<IOException>(() => larger.LoadSnapshot(folder.Path));

        using PageStore small = new(new PageStoreOptions { MemoryLimit = 3 << 20 });
        string message = Assert.Throws<MemoryLimitException>(() => small.LoadSnapshot(folder.File)).Message;
        Assert.Matches($"^[0-9]+ of the snapshot's {store.GetStatistics().Pages} pages fit within MemoryLimit", message);
        Assert.Equal(0, small.GetStatistics().Pages);
        small.Write(1, new byte[PageSize]);
    }

    [Fact]
    public void What_a_files_dictionary_takes_is_within_the_limit_too()
    {
        using SnapshotFolder folder = new();
        byte[] dictionary = new byte[2 << 20];
        Pages.FillCompressible(dictionary, 1, 0.5);
        using (PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20, Codec = PageCodec.Zstd(1, dictionary) }))
        {
            store.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
            store.SaveSnapshot(folder.File);
        }
        using PageStore small = new(new PageStoreOptions { MemoryLimit = 5 << 19 });
        long used = small.Index.Budget.Used;
        Assert.Contains("codec zstd with a dictionary of 2,097,152 bytes",
            Assert.Throws<MemoryLimitException>(() => small.LoadSnapshot(folder.File)).Message, StringComparison.Ordinal);
        Assert.Equal(used, small.Index.Budget.Used);

        // Damage behind the charge gives it back too.
        using (FileStream file = new(folder.File, FileMode.Open))
            file.SetLength(file.Length - 1);
        using PageStore large = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        used = large.Index.Budget.Used;
        Assert.Throws<SnapshotException>(() => large.LoadSnapshot(folder.File));
        Assert.Equal(used, large.Index.Budget.Used);
    }
}
