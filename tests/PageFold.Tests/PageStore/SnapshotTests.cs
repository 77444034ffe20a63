using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Snapshots saved and restored, and what is refused.</summary>
public class SnapshotTests
{
    private const int PageSize = 4096;

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Pages_of_all_kinds_and_codecs_come_back_as_they_were(int pageSize)
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 256 << 20, PageSize = pageSize });
        byte[] dictionary = SnapshotFolder.MakePage(pageSize, 3, 3);
        PageCodec[] codecs = [PageCodec.Lz4, PageCodec.Zstd(1), PageCodec.Zstd(4, dictionary), PageCodec.Lz4Managed];
        Fill(store, codecs);
        Dictionary<long, byte[]> content = SnapshotFolder.ContentOf(store);
        SnapshotResult saved = store.SaveSnapshot(folder.File, new SnapshotOptions { Length = 12345, Label = "häßlich" });
        folder.AssertOnly("disk.snapshot");
        Assert.Equal((content.Count, store.GetStatistics().CompressedBytes), (saved.Pages, saved.StoredBytes));
        Assert.Equal(new FileInfo(folder.File).Length, saved.FileBytes);
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(store));

        SnapshotInfo info = Snapshot.ReadInfo(folder.File);
        Assert.Equal((pageSize, 12345, "häßlich", saved.Created), (info.PageSize, info.Length, info.Label, info.Created));
        Assert.Equal((saved.Pages, saved.StoredBytes, saved.FileBytes), (info.Pages, info.StoredBytes, info.FileBytes));
        Assert.Equal([("lz4", 0, 0), ("zstd", 1, 0), ("zstd", 4, pageSize), ("lz4-managed", 0, 0)], info.Codecs.Select(codec => (codec.Name, codec.Level, codec.DictionaryBytes)));
        Assert.Equal([false, false, false, true], info.Codecs.Select(codec => codec.IsForWrites));

        // Into a store that has none of the codecs, one that takes them over, and one that has some.
        using PageStore plain = new(new PageStoreOptions { MemoryLimit = 256 << 20, PageSize = pageSize, Codec = PageCodec.Zstd(2) });
        Assert.Equivalent(info, plain.LoadSnapshot(folder.File));
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(plain));
        Assert.Equal(["zstd"], plain.Codecs.Select(use => use.Name));

        using PageStore same = new(new PageStoreOptions { MemoryLimit = 256 << 20, PageSize = pageSize });
        same.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = true });
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(same));
        PageStoreStatistics before = store.GetStatistics();
        PageStoreStatistics after = same.GetStatistics();
        Assert.Equal((before.Pages, before.CompressedBytes, before.SameFilledPages, before.IncompressiblePages), (after.Pages, after.CompressedBytes, after.SameFilledPages, after.IncompressiblePages));
        // The two LZ4s write the same form, so one number serves both.
        long[] pages = [.. store.Codecs.Select(use => use.Pages)];
        Assert.Equal(new[] { pages[0] + pages[3], pages[1], pages[2] }.Order(), same.Codecs.Select(use => use.Pages).Order());

        same.Discard(0, PageStore.MaxPage + 1);
        same.LoadSnapshot(folder.File);
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(same));
    }

    [Fact]
    public void A_restored_store_can_be_saved_and_restored_again_and_everything_is_given_back()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        Fill(store, [PageCodec.Lz4]);
        store.Compact();
        long used = store.Budget.Used;
        Dictionary<long, byte[]> content = SnapshotFolder.ContentOf(store);
        for (int round = 0; round < 3; round++)
        {
            store.SaveSnapshot(folder.File);
            Assert.InRange(store.Budget.Used, used - (64 << 10), used + (64 << 10));
            store.Discard(0, PageStore.MaxPage + 1);
            store.LoadSnapshot(folder.File);
        }
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(store));
        store.Compact();
        Assert.InRange(store.Budget.Used, used - (128 << 10), used + (128 << 10));
    }

    [Fact]
    public void An_empty_store_is_a_snapshot_too()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        Assert.Equal(0, store.SaveSnapshot(folder.File).Pages);
        Assert.Equal(0, Snapshot.ReadInfo(folder.File).Pages);
        Assert.Equal("", store.LoadSnapshot(folder.File).Label);
    }

    [Fact]
    public void An_image_has_each_page_at_its_offset_and_holes_between()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.UseCodec(PageCodec.Zstd(1, SnapshotFolder.MakePage(PageSize, 3, 9)));
        long length = 64 << 20;
        byte[] expected = new byte[length + PageSize];
        for (int i = 0; i < 2000; i++)
        {
            int page = i < 1000 ? i : i * 8 + 300;
            byte[] bytes = SnapshotFolder.MakePage(PageSize, i % 5, (ulong)i);
            store.Write(page, bytes);
            if (page < length / PageSize)
                bytes.CopyTo(expected, (long)page * PageSize);
        }
        // One that lies within the image in part, one that does not, and a length that is no multiple.
        byte[] last = SnapshotFolder.MakePage(PageSize, 4, 1);
        store.Write(length / PageSize, last);
        store.Write(PageStore.MaxPage, last);
        last.AsSpan(0, 100).CopyTo(expected.AsSpan((int)length));
        length += 100;
        SnapshotResult result = store.SaveImage(folder.File, length);
        Assert.Equal(length, result.FileBytes);
        Assert.True(File.ReadAllBytes(folder.File).AsSpan().SequenceEqual(expected.AsSpan(0, (int)length)));
        folder.AssertOnly("disk.snapshot");
    }

    [Fact]
    public void What_changes_between_the_point_in_time_and_saving_is_not_in_the_snapshot()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        Fill(store, [PageCodec.Lz4]);
        Dictionary<long, byte[]> content;
        SnapshotResult result;
        using (SnapshotSession session = store.BeginSnapshot(folder.File))
        {
            store.Write(5, SnapshotFolder.MakePage(PageSize, 4, 55));
            content = SnapshotFolder.ContentOf(store);
            session.TakePoint();
            Assert.Throws<InvalidOperationException>(() => session.TakePoint());
            store.Discard(0, 100);
            for (int page = 50; page < 150; page++)
                store.Write(page, SnapshotFolder.MakePage(PageSize, page % 5, 777));
            store.Write(1_000_000, new byte[PageSize]);
            store.Compact();
            store.Recompress(new RecompressionOptions { Codec = PageCodec.Lz4 });
            result = session.Save();
            Assert.Throws<ObjectDisposedException>(() => session.Save());
        }
        Assert.Equal(content.Keys.Count(page => page < 150), result.PagesSavedByWriters);
        using PageStore restored = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        restored.LoadSnapshot(folder.File);
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(restored));
    }

    [Fact]
    public void While_a_snapshot_is_taken_no_second_one_and_no_further_codec_is()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.AddCodec(PageCodec.Zstd(1));
        using (SnapshotSession session = store.BeginSnapshot(folder.File))
        {
            Assert.Throws<InvalidOperationException>(() => store.BeginSnapshot(folder.In("other")));
            Assert.Throws<InvalidOperationException>(() => store.SaveImage(folder.In("other"), 1));
            Assert.Throws<InvalidOperationException>(() => store.UseCodec(PageCodec.Zstd(2)));
            Assert.Throws<InvalidOperationException>(() => store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(3) }));
            Assert.Equal(0, store.AddCodec(PageCodec.Lz4));
            folder.AssertOnly("disk.snapshot.partial");
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
        Assert.Contains("foreign", Assert.Throws<NotSupportedException>(() => store.SaveSnapshot(folder.File)).Message, StringComparison.Ordinal);
        folder.AssertOnly();
        store.SaveImage(folder.File, 2 * PageSize);
        Assert.Equal(SnapshotFolder.MakePage(PageSize, 3, 1), File.ReadAllBytes(folder.File)[PageSize..]);
    }

    [Fact]
    public void A_name_that_cannot_be_a_file_is_refused_before_the_point_in_time()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        long used = store.Budget.Used;
        Directory.CreateDirectory(folder.In("folder"));
        Directory.CreateDirectory(folder.In("taken.partial"));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("folder")));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("folder/")));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("taken")));
        Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("missing/file")));
        Assert.ThrowsAny<ArgumentException>(() => store.SaveSnapshot(""));
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains("/dev/full", Assert.ThrowsAny<IOException>(() => store.SaveSnapshot("/dev/full")).Message, StringComparison.Ordinal);
            Assert.ThrowsAny<IOException>(() => Snapshot.ReadInfo("/dev/zero"));
            File.CreateSymbolicLink(folder.In("other.partial"), folder.In("victim"));
            Assert.ThrowsAny<IOException>(() => store.SaveSnapshot(folder.In("other")));
            folder.AssertOnly("folder", "taken.partial", "other.partial");
        }
        Assert.ThrowsAny<ArgumentException>(() => store.SaveSnapshot(folder.File, new SnapshotOptions { Length = -1 }));
        Assert.ThrowsAny<ArgumentException>(() => store.SaveSnapshot(folder.File, new SnapshotOptions { Label = new string('x', 5000) }));
        Assert.ThrowsAny<ArgumentException>(() => store.SaveImage(folder.File, -1));
        Assert.Equal(used, store.Budget.Used);
    }

    [Fact]
    public void The_file_is_its_owners_alone_and_what_a_crash_left_behind_is_replaced()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
        File.WriteAllBytes(folder.File + ".partial", new byte[100_000]);
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
    public void Cancelling_leaves_the_old_file_and_nothing_else()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.SaveSnapshot(folder.File);
        byte[] old = File.ReadAllBytes(folder.File);
        Fill(store, [PageCodec.Lz4]);
        long used = store.Budget.Used;
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
        Assert.Equal(used, store.Budget.Used);
        store.SaveSnapshot(folder.File, null, new Told(told.Add));
        Assert.Equal(1, told[^1]);

        using PageStore restored = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        using CancellationTokenSource late = new();
        Assert.ThrowsAny<OperationCanceledException>(() => restored.LoadSnapshot(folder.File, null, new Told(_ => late.Cancel()), late.Token));
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
        long used = small.Budget.Used;
        MemoryLimitException refusal = Assert.Throws<MemoryLimitException>(() => small.SaveSnapshot(folder.File));
        Assert.Contains("MemoryLimit (2,097,152 bytes)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(used, small.Budget.Used);
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
            used = store.Budget.Used;
            for (int nth = 1; nth <= points; nth++)
            {
                File.Delete(folder.File);
                faults.Refuse(nth, count: 1000);
                Assert.Throws<MemoryLimitException>(() => Save(store, folder.File, image));
                faults.Clear();
                Assert.Equal(used, store.Budget.Used);
                folder.AssertOnly();
            }
        }
        Save(store, folder.File, image: false);
    }

    [Fact]
    public void A_full_disk_fails_the_snapshot_with_its_cause_and_harms_no_writer()
    {
        using SnapshotFolder folder = new();
        Assert.SkipUnless(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", folder.Path), "needs the right to mount a small file system");
        try
        {
            using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
            for (int page = 0; page < 400; page++)
                store.Write(page, SnapshotFolder.MakePage(PageSize, 4, (ulong)page));
            store.SaveSnapshot(folder.File);
            byte[] old = File.ReadAllBytes(folder.File);
            for (int page = 400; page < 4000; page++)
                store.Write(page, SnapshotFolder.MakePage(PageSize, 4, (ulong)page));
            long used = store.Budget.Used;
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
            Assert.InRange(store.Budget.Used, 1, used + (64 << 10));
            store.Discard(400, 4000);
            store.SaveSnapshot(folder.File);
        }
        finally
        {
            Run("umount", folder.Path);
        }
    }

    [Fact]
    public void A_session_that_nobody_saves_lets_writers_go_on_after_a_while()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        store.SnapshotPatience = TimeSpan.FromMilliseconds(50);
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
        MemoryBudget budget = store.Budget;
        for (int page = 0; page < 2000; page++)
            store.Write(page, SnapshotFolder.MakePage(PageSize, 4, (ulong)page));
        SnapshotSession session = store.BeginSnapshot(folder.File);
        session.TakePoint();
        // A writer waits for room that nobody will make.
        Task writer = Pages.OnItsOwnThread(() =>
        {
            for (int page = 0; page < 2000; page++)
                store.Write(page, new byte[PageSize]);
        });
        Assert.False(writer.Wait(100));
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.GetAwaiter().GetResult());
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
        Assert.Contains("empty", Assert.Throws<InvalidOperationException>(() => store.LoadSnapshot(folder.File)).Message, StringComparison.Ordinal);
        using PageStore larger = new(new PageStoreOptions { MemoryLimit = 64 << 20, PageSize = 8192 });
        Assert.Contains("PageSize 4096", Assert.Throws<InvalidOperationException>(() => larger.LoadSnapshot(folder.File)).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => larger.LoadSnapshot(folder.In("missing")));
        Assert.ThrowsAny<IOException>(() => larger.LoadSnapshot(folder.Path));

        using PageStore small = new(new PageStoreOptions { MemoryLimit = 3 << 20 });
        string message = Assert.Throws<MemoryLimitException>(() => small.LoadSnapshot(folder.File)).Message;
        Assert.Matches($"^[0-9]+ of the snapshot's {store.GetStatistics().Pages} pages fit within MemoryLimit", message);
        Assert.Equal(0, small.GetStatistics().Pages);
        small.Write(1, new byte[PageSize]);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static void Save(PageStore store, string file, bool image)
    {
        if (image)
            store.SaveImage(file, 2 * PageSize);
        else
            store.SaveSnapshot(file);
    }

    private static unsafe void Damage(PageStore store, uint page)
    {
        PageFold.Mapping.ObjectView view = store.Heap.View(*store.Slots.Find(page), out _);
        view.First[5] ^= 4;
    }

    /// <summary>Pages of all kinds in two stretches, with each codec.</summary>
    private static void Fill(PageStore store, PageCodec[] codecs)
    {
        int count = store.PageSize == PageSize ? 4000 : 400;
        for (int i = 0; i < count; i++)
        {
            if (i % (count / 4) == 0)
                store.UseCodec(codecs[i * 4 / count % codecs.Length]);
            if (i % 11 == 0)
                continue;
            long page = i < count / 4 * 3 ? i : PageStore.MaxPage - i;
            Assert.NotEqual(StoreOutcome.Full, store.Write(page, SnapshotFolder.MakePage(store.PageSize, i % 5, (ulong)i)));
        }
    }

    private sealed class Told(Action<double> tell) : IProgress<double>
    {
        public void Report(double value) => tell(value);
    }

    private sealed class ForeignCodec : PageCodec
    {
        public override string Name => "foreign";

        public override int MaxCompressedLength(int pageSize) => Lz4.MaxCompressedLength(pageSize);

        public override PageCodecContext CreateContext(int pageSize) => Lz4.CreateContext(pageSize);
    }
}
