namespace PageFold.Tests.Store;

/// <summary>Snapshots saved and restored, and what is refused.</summary>
public partial class SnapshotTests
{
    private const int PageSize = 4096;

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Pages_of_all_kinds_and_codecs_come_back_as_they_were(int pageSize)
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 256 << 20, PageSize = pageSize });
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
        Assert.Equal([("lz4", 0, 0), ("zstd", 1, 0), ("zstd", 4, pageSize), ("lz4-managed", 0, 0)],
            info.Codecs.Select(codec => (codec.Name, codec.Level, codec.DictionaryBytes)));
        Assert.Equal([false, false, false, true], info.Codecs.Select(codec => codec.IsForWrites));

        // Into a store that has none of the codecs, one that takes them over, and one that has some.
        using PageStore plain = new(new PageStoreOptions { MemoryLimit = 256 << 20, PageSize = pageSize, Codec = PageCodec.Zstd(2) });
        Assert.Equivalent(info, plain.LoadSnapshot(folder.File));
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(plain));
        Assert.Equal(["zstd"], plain.Codecs.Select(use => use.Name));

        using PageStore same = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 256 << 20, PageSize = pageSize });
        same.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = true });
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(same));
        PageStoreStatistics before = store.GetStatistics();
        PageStoreStatistics after = same.GetStatistics();
        Assert.Equal((before.Pages, before.CompressedBytes, before.SameFilledPages, before.IncompressiblePages),
            (after.Pages, after.CompressedBytes, after.SameFilledPages, after.IncompressiblePages));
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
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
        Fill(store, [PageCodec.Lz4]);
        store.Compact();
        long used = store.Index.Budget.Used;
        Dictionary<long, byte[]> content = SnapshotFolder.ContentOf(store);
        for (int round = 0; round < 3; round++)
        {
            store.SaveSnapshot(folder.File);
            Assert.InRange(store.Index.Budget.Used, used - (64 << 10), used + (64 << 10));
            store.Discard(0, PageStore.MaxPage + 1);
            store.LoadSnapshot(folder.File);
        }
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(store));
        store.Compact();
        Assert.InRange(store.Index.Budget.Used, used - (128 << 10), used + (128 << 10));
    }

    [Fact]
    public void An_empty_store_is_a_snapshot_too()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 16 << 20 });
        Assert.Equal(0, store.SaveSnapshot(folder.File).Pages);
        Assert.Equal(0, Snapshot.ReadInfo(folder.File).Pages);
        Assert.Equal("", store.LoadSnapshot(folder.File).Label);
    }

    [Fact]
    public void An_image_has_each_page_at_its_offset_and_holes_between()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
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
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
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
        using PageStore restored = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
        restored.LoadSnapshot(folder.File);
        SnapshotFolder.AssertSame(content, SnapshotFolder.ContentOf(restored));
    }

    private static bool Run(string program, params string[] arguments)
    {
        using System.Diagnostics.Process process =
            System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
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
        PageFold.Mapping.ObjectView view = store.Index.Heap.View(*store.Index.Slots.Find(page), out _);
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
