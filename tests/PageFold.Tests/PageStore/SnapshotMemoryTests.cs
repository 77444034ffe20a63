namespace PageFold.Tests.Store;

/// <summary>
/// Snapshots with large dictionaries: nothing is held for them beside the limit, and a file is charged before anything is made of it.
/// </summary>
public class SnapshotMemoryTests
{
    private const int PageSize = 4096;
    private const int DictionaryBytes = 512 << 10;
    private const long Little = 256 << 10;

    [Fact]
    public void Dictionaries_are_neither_copied_to_save_them_nor_to_look_at_the_file()
    {
        using SnapshotFolder folder = new();
        using PageStore store = Make(level: 1);
        Assert.InRange(Allocated(() => store.SaveSnapshot(folder.File)), 0, Little);
        Assert.True(new FileInfo(folder.File).Length > 3 * DictionaryBytes);
        SnapshotInfo? info = null;
        Assert.InRange(Allocated(() => info = Snapshot.ReadInfo(folder.File)), 0, Little);
        Assert.Equal([0, DictionaryBytes, DictionaryBytes, DictionaryBytes], info!.Codecs.Select(codec => codec.DictionaryBytes));
        using PageStore restored = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        restored.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = true });
        SnapshotFolder.AssertSame(SnapshotFolder.ContentOf(store), SnapshotFolder.ContentOf(restored));
        // Saved again it is the same file but for the time.
        restored.SaveSnapshot(folder.In("again"));
        Assert.Equal(new FileInfo(folder.File).Length, new FileInfo(folder.In("again")).Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_codec_that_would_not_fit_is_not_made(bool restoreCodecs)
    {
        using SnapshotFolder folder = new();
        using (PageStore store = Make(level: 12))
            store.SaveSnapshot(folder.File);
        // Room for the dictionary, and not for what a codec makes of it.
        using PageStore small = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        long used = small.Index.Budget.Used;
        string message = Assert.Throws<MemoryLimitException>(() =>
            small.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = restoreCodecs })).Message;
        Assert.Contains("codec zstd with a dictionary of 524,288 bytes", message, StringComparison.Ordinal);
        Assert.Equal(used, small.Index.Budget.Used);
        Assert.True(small.Index.Budget.Peak <= 8 << 20);
        Assert.Equal(0, small.GetStatistics().Pages);
        Assert.Single(small.Codecs);
    }

    [Fact]
    public void Loading_holds_the_codecs_and_gives_back_what_was_charged_for_more()
    {
        using SnapshotFolder folder = new();
        using (PageStore store = Make(level: 5))
            store.SaveSnapshot(folder.File);
        using PageStore restored = new(new PageStoreOptions { MemoryLimit = 128 << 20 });
        long used = restored.Index.Budget.Used;
        restored.LoadSnapshot(folder.File);
        restored.Discard(0, 100);
        restored.Compact();
        Assert.InRange(restored.Index.Budget.Used, 0, used + (256 << 10));
        restored.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = true });
        Assert.Equal(4, restored.Codecs.Count);
        long shared = restored.Index.Budget.Used;
        foreach (CodecUse use in restored.Codecs.Where(use => !use.IsForWrites))
            Assert.True(restored.RetireCodec(use.Number).IsRetired);
        Assert.InRange(restored.Index.Budget.Used, 0, shared - 3 * DictionaryBytes);
    }

    private static long Allocated(Action action)
    {
        // What is compiled and pooled for the first time is not what is meant.
        action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static PageStore Make(int level)
    {
        PageStore store = new(new PageStoreOptions { MemoryLimit = 1L << 30 });
        byte[] dictionary = new byte[DictionaryBytes];
        byte[] page = new byte[PageSize];
        for (int number = 1; number < 4; number++)
        {
            Pages.Fill(dictionary, (ulong)number);
            store.UseCodec(PageCodec.Zstd(level, dictionary));
            // From its end, which the fastest levels know best.
            dictionary.AsSpan(DictionaryBytes - (number + 1) * PageSize, PageSize).CopyTo(page);
            page[0] ^= 1;
            Assert.Equal(StoreOutcome.Stored, store.Write(number, page));
        }
        return store;
    }
}
