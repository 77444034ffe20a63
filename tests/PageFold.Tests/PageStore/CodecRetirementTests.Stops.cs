using PageFold.Allocation;

namespace PageFold.Tests.Store;

// Retirements that end early, or that are refused.
public partial class CodecRetirementTests
{
    [Fact]
    public void A_run_ends_after_as_many_pages_as_asked_for_and_the_next_goes_on()
    {
        using PageStore store = Make();
        store.UseCodec(PageCodec.Zstd(1));
        for (int page = 0; page < 100; page++)
            store.Write(page, Text(page));
        store.UseCodec(PageCodec.Lz4);
        Assert.Equal(new CodecRetirement { IsRetired = false, Moved = 60, NotMoved = 40, Stopped = RetirementStop.MaxPages },
            store.RetireCodec(1, new CodecRetirementOptions { MaxPages = 60 }));
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        CodecRetirement ended = store.RetireCodec(1, cancellationToken: cancelled.Token);
        Assert.Equal((false, 0L, 40L, RetirementStop.Cancelled, true),
            (ended.IsRetired, ended.Moved, ended.NotMoved, ended.Stopped, ended.WasCancelled));
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = 40, NotMoved = 0 },
            store.RetireCodec(1, new CodecRetirementOptions { MaxPages = 60 }));
        AssertHoldAll(store, 100);

        // So does a recompression that needs the number.
        for (int level = 1; level < 4; level++)
        {
            store.UseCodec(PageCodec.Zstd(level));
            for (int page = 0; page < 50; page++)
                store.Write(page + level * 1000, Text(page));
        }
        RecompressionOptions options = new() { Codec = PageCodec.Zstd(4), RetireOthers = true, MaxPages = 30 };
        RecompressionResult begun = store.Recompress(options);
        Assert.Equal((false, null, 0L, 30L, 20L, RetirementStop.MaxPages),
            (begun.FoundNumber, begun.Number, begun.Examined, begun.Moved, begun.NotMoved, begun.RetirementStopped));
        // No other codec is tried in vain, so the pages are those of one.
        CodecUse left = Assert.Single(begun.NotRetired);
        Assert.Equal(("zstd", 20L), (left.Name, left.Pages));
        RecompressionResult next = store.Recompress(options);
        Assert.Equal((true, 1, RetirementStop.Finished), (next.FoundNumber, next.CodecsRetired, next.RetirementStopped));
        Assert.Equal(4, Assert.Single(store.Codecs, use => use.Number == next.Number).Level);
    }

    [Fact]
    public void A_recompression_that_frees_no_number_in_a_full_store_names_the_codecs_and_the_cause()
    {
        // By its level the densest, so the pages of the others go there; but they take more there.
        Padded densest = new("densest", level: 5, padding: 900);
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 12 << 20, Codec = new Padded("writes", level: 0, padding: 1800) });
        for (int page = 0; page < 30; page++)
            store.Write(page, Text(page));
        RecompressionOptions ten = new() { Codec = densest, RetireOthers = true, MaxPages = 10 };
        Assert.Equal(10, store.Recompress(ten).Recompressed);
        (string Name, int First, int Count)[] others = [("few", 1000, 100), ("more", 2000, 150)];
        foreach ((string name, int first, int count) in others)
        {
            PageCodec writes = store.Codec;
            store.UseCodec(new Padded(name, level: 0, padding: 0));
            for (int page = first; page < first + count; page++)
                store.Write(page, Text(page));
            store.UseCodec(writes);
        }
        for (int page = 3000; store.Write(page, Noise(page)) != StoreOutcome.Full; page++)
        {
        }
        RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(2), RetireOthers = true });
        Assert.Equal(
            (false, null, RetirementStop.NoMemory), (result.FoundNumber, result.Number, result.RetirementStopped));
        Assert.Equal(["few", "more"], result.NotRetired.Select(use => use.Name));
        Assert.Equal(result.NotMoved, result.NotRetired.Sum(use => use.Pages));
        Assert.All(result.NotRetired, use => Assert.Equal(store.Codecs.Single(known => known.Number == use.Number).Pages, use.Pages));
        foreach ((_, int first, int count) in others)
        {
            for (int page = first; page < first + count; page++)
                AssertHolds(store, page);
        }
    }

    [Fact]
    public void A_run_says_whether_its_codec_is_known_afterwards()
    {
        using PageStore store = Make();
        for (int page = 0; page < 20; page++)
            store.Write(page, Noise(page));
        // No page takes it, so it goes again.
        RecompressionOptions options = new() { Codec = PageCodec.Zstd(5), RetireOthers = true };
        Assert.Null(store.Recompress(options).Number);
        int number = store.AddCodec(options.Codec);
        Assert.Equal(number, store.Recompress(options with { RetryWithoutGain = true }).Number);
    }

    [Fact]
    public unsafe void A_page_in_use_waits_for_the_next_run_and_a_damaged_one_stays_damaged_without_keeping_the_number()
    {
        using PageStore store = Make();
        store.UseCodec(PageCodec.Zstd(1));
        for (int page = 0; page < 10; page++)
            store.Write(page, Text(page));
        store.UseCodec(PageCodec.Lz4);
        ulong* slot = store.Index.Slots.Find(3);
        SlotWord.TryAcquireShared(ref *slot, out _);
        *store.Index.Heap.View(*store.Index.Slots.Find(5)).First ^= 1;
        Assert.Equal(new CodecRetirement { IsRetired = false, Moved = 9, NotMoved = 1, Stopped = RetirementStop.InUse },
            store.RetireCodec(1));
        SlotWord.ReleaseShared(ref *slot);
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = 1, NotMoved = 0 }, store.RetireCodec(1));
        byte[] read = new byte[PageSize];
        for (int page = 0; page < 10; page++)
        {
            if (page == 5)
                Assert.Equal(5, Assert.Throws<PageCorruptException>(() => store.TryRead(5, read)).Page);
            else
                AssertHolds(store, page);
        }
        store.Write(5, Text(5));
        AssertHolds(store, 5);
    }

    [Theory]
    [InlineData(2000)]
    [InlineData(15)]
    public void A_codec_that_comes_to_the_number_meanwhile_stays_with_its_pages(int count)
    {
        using PageStore store = Make();
        for (int page = 15; page < count; page++)
            store.Write(page, Text(page % 50));
        for (int number = 1; number < 4; number++)
        {
            store.UseCodec(PageCodec.Zstd(number));
            for (int page = 0; page < 5; page++)
                store.Write((number - 1) * 5 + page, Text(page));
        }
        store.UseCodec(PageCodec.Lz4);
        bool added = false;
        // Told on the way, or in the end: the pages have gone, and the codec has not.
        Told told = new(() =>
        {
            if (added)
                return;
            added = true;
            store.UseCodec(PageCodec.Zstd(9));
            for (int page = count; page < count + 5; page++)
                store.Write(page, Text(page % 50));
            store.UseCodec(PageCodec.Lz4);
        });
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = 5, NotMoved = 0 }, store.RetireCodec(1, progress: told));
        CodecUse use = Assert.Single(store.Codecs, use => use.Number == 1);
        Assert.Equal((9, 5), (use.Level, use.Pages));
        // One that nothing is stored with yet stays as well.
        store.Discard(5, 5);
        Told again = new(() => store.AddCodec(PageCodec.Zstd(10)));
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = 0, NotMoved = 0 }, store.RetireCodec(2, progress: again));
        Assert.Equal(10, Assert.Single(store.Codecs, use => use.Number == 2).Level);
    }

    [Fact]
    public void What_cannot_be_retired_is_refused_with_its_reason()
    {
        using PageStore store = Make();
        using SnapshotFolder folder = new();
        Assert.Contains("new writes", Assert.Throws<InvalidOperationException>(() => store.RetireCodec(0)).Message,
            StringComparison.Ordinal);
        foreach (int number in (int[])[-1, 1, 4])
            Assert.Contains($"number {number}", Assert.Throws<ArgumentOutOfRangeException>(() => store.RetireCodec(number)).Message,
                StringComparison.Ordinal);
        store.AddCodec(PageCodec.Zstd(1));
        Assert.Contains("Target",
            Assert.Throws<ArgumentException>(() =>
                store.RetireCodec(1, new CodecRetirementOptions { Target = PageCodec.Zstd(1) })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.RetireCodec(1, new CodecRetirementOptions { MaxPages = -1 }));
        // A snapshot's file names the codecs.
        using (store.BeginSnapshot(folder.File))
            Assert.False(store.RetireCodec(1).IsRetired);
        Assert.True(store.RetireCodec(1).IsRetired);
    }
}
