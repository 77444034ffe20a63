using System.Text;

namespace PageFold.Tests.Store;

/// <summary>Recompression with more codecs than a store has numbers, one after the other.</summary>
public class CodecsInTurnTests
{
    private const int PageSize = 4096;
    private const int Count = 400;

    private static readonly byte[][] Words =
        [.. Enumerable.Range(0, 300).Select(seed => Encoding.ASCII.GetBytes(new Random(seed).Next(1 << 28).ToString("x7", null)))];

    [Theory]
    [InlineData(1, 2, 3, 4, 5)]
    [InlineData(5, 4, 3, 2, 1)]
    [InlineData(3, 5, 1, 4, 2)]
    public void No_run_undoes_what_the_one_before_has_gained_and_each_says_what_it_did(params int[] levels)
    {
        using PageStore store = MakeWithFourCodecs();
        for (int run = 0; run < 15; run++)
        {
            PageStoreStatistics before = store.GetStatistics();
            // New content for codecs to differ in, as between two nights.
            RecompressionResult result = store.Recompress(new RecompressionOptions
            {
                Codec = PageCodec.Zstd(levels[run % levels.Length], Text(1000 + run % levels.Length).AsSpan(0, run % 2 * 512)),
                RetireOthers = true,
                RetryWithoutGain = true,
            });
            PageStoreStatistics after = store.GetStatistics();
            Assert.Equal(0, result.NotMoved);
            Assert.Equal((before.CompressedBytes, after.CompressedBytes), (result.BytesBefore, result.BytesAfter));
            Assert.True(after.CompressedBytes <= before.CompressedBytes + before.CompressedBytes / 200,
                $"run {run}: {before.CompressedBytes} bytes became {after.CompressedBytes}");
        }
        AssertHoldAll(store);
    }

    [Fact]
    public void What_a_run_has_made_denser_stays_so_in_the_next_although_it_is_little()
    {
        const int Few = Count / 10;
        using PageStore store = MakeWithFourCodecs(Few);
        PageCodec first = PageCodec.Zstd(12);
        RecompressionResult made = store.Recompress(new RecompressionOptions { Codec = first, RetireOthers = true, MaxPages = Few });
        Assert.Equal(1, made.CodecsRetired);
        Assert.InRange(made.Recompressed, Few / 2, Few);
        RecompressionResult next = store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(6), RetireOthers = true });
        Assert.Equal(1, next.CodecsRetired);
        CodecUse use = Assert.Single(store.Codecs, codec => codec.Number == store.AddCodec(first));
        Assert.InRange(use.Pages, made.Recompressed, Count);
        Assert.True(next.BytesAfter <= next.BytesBefore);
        AssertHoldAll(store);
    }

    [Fact]
    public void A_codec_that_gains_nothing_or_is_used_no_more_holds_no_memory()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        for (int page = 0; page < Count; page++)
            store.Write(page, Text(page));
        RecompressionOptions first = new() { Codec = PageCodec.Zstd(1), RetireOthers = true };
        Assert.Equal(Count, store.Recompress(first).Recompressed);
        store.Compact();
        long held = store.GetStatistics().TotalBytes;
        // The same codec again, as far as the pages are concerned.
        Assert.Equal(0, store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(2), RetireOthers = true }).Moved);
        Assert.All(store.Codecs, use => Assert.True(use.Pages > 0 || use.IsForWrites));
        // What the caller has asked for stays.
        int kept = store.AddCodec(PageCodec.Zstd(3));
        store.Recompress(new RecompressionOptions { Codec = PageCodec.Lz4Managed, RetireOthers = true });
        Assert.Contains(store.Codecs, use => use.Number == kept);
        store.RetireCodec(kept);
        store.Compact();
        Assert.InRange(store.GetStatistics().TotalBytes, 0, held + (64 << 10));
    }

    [Fact]
    public void A_retirement_to_the_codec_for_writes_is_never_said_to_go_to_itself_while_that_changes()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        PageCodec other = PageCodec.Zstd(1);
        int number = store.AddCodec(other);
        using CancellationTokenSource done = new();
        long toggled = 0;
        int conflicts = 0;
        Task toggling = Pages.OnItsOwnThread(() =>
        {
            for (; !done.IsCancellationRequested; Volatile.Write(ref toggled, toggled + 1))
            {
                store.UseCodec(other);
                store.UseCodec(PageCodec.Lz4);
            }
        });
        try
        {
            // Until the codec for writes has changed often enough meanwhile, too.
            for (int round = 0; round < 40_000 || Volatile.Read(ref toggled) < 100; round++)
            {
                Exception? refused = Record.Exception(() => store.RetireCodec(number));
                // In use for writes at that moment, or gone already.
                Assert.True(refused is null or InvalidOperationException or ArgumentOutOfRangeException, refused?.Message);
                conflicts += refused is null ? 0 : 1;
            }
        }
        finally
        {
            done.Cancel();
            toggling.Wait(CancellationToken.None);
        }
        Assert.True(conflicts > 0, "No retirement met a change of the codec for writes.");
    }

    /// <summary>A store whose pages are with LZ4, for writes, and three levels of Zstandard; with one of those only so many.</summary>
    private static PageStore MakeWithFourCodecs(int few = Count)
    {
        PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        for (int page = 0; page < Count; page++)
        {
            store.UseCodec(page % 4 == 0 ? PageCodec.Lz4 : PageCodec.Zstd(page >= few * 4 ? page % 2 - 3 : page % 4 - 4));
            Assert.Equal(StoreOutcome.Stored, store.Write(page, Text(page)));
        }
        store.UseCodec(PageCodec.Lz4);
        return store;
    }

    private static byte[] Text(int key)
    {
        byte[] page = new byte[PageSize];
        Random random = new(key);
        for (int length = 0; length < page.Length;)
        {
            byte[] word = Words[random.Next(Words.Length)];
            int bytes = Math.Min(word.Length, page.Length - length);
            word.AsSpan(0, bytes).CopyTo(page.AsSpan(length));
            length += bytes;
            if (length < page.Length)
                page[length++] = (byte)random.Next(32, 64);
        }
        return page;
    }

    private static void AssertHoldAll(PageStore store)
    {
        byte[] read = new byte[PageSize];
        for (int page = 0; page < Count; page++)
        {
            Assert.True(store.TryRead(page, read));
            Assert.True(read.AsSpan().SequenceEqual(Text(page)), $"page {page} differs");
        }
    }
}
