using System.Runtime.InteropServices;
using PageFold.Allocation;
using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Pages compressed once more, with another codec, while others use them.</summary>
public class RecompressionTests
{
    private const int PageSize = 4096;

    private static readonly PageCodec Dense = PageCodec.Zstd(3);

    [Fact]
    public void Pages_that_gain_are_replaced_and_others_are_settled_until_they_are_written()
    {
        using PageStore store = Make();
        for (int page = 0; page < 300; page++)
            store.Write(page, Text(page));
        for (int page = 300; page < 400; page++)
            store.Write(page, Noise(page));
        store.Write(400, new byte[PageSize]);
        PageStoreStatistics before = store.GetStatistics();
        RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = Dense });
        Assert.Equal((400, 300, 100, 0), (result.Examined, result.Recompressed, result.WithoutGain, result.Skipped));
        Assert.True(result.BytesAfter < result.BytesBefore);
        PageStoreStatistics after = store.GetStatistics();
        Assert.Equal(before.CompressedBytes - result.BytesBefore + result.BytesAfter, after.CompressedBytes);
        Assert.Equal([0, 300], store.Codecs.Select(use => use.Pages));
        Assert.Equal([true, false], store.Codecs.Select(use => use.IsForWrites));
        for (int page = 0; page < 300; page++)
            AssertHolds(store, page, Text(page));
        for (int page = 300; page < 400; page++)
        {
            AssertHolds(store, page, Noise(page));
            Assert.True(store.TryGetPageInfo(page, out PageInfo info) && info.WithoutGain);
        }
        Assert.Equal(0, store.Recompress(new RecompressionOptions { Codec = Dense }).Examined);
        Assert.Equal(100, store.Recompress(new RecompressionOptions { Codec = Dense, RetryWithoutGain = true }).WithoutGain);
        store.Write(350, Noise(350));
        Assert.Equal(1, store.Recompress(new RecompressionOptions { Codec = Dense }).Examined);
        store.Compact();
        Assert.Equal(0, store.Recompress(new RecompressionOptions { Codec = Dense }).Examined);
    }

    [Fact]
    public void Conditions_choose_the_pages()
    {
        ManualTime time = new();
        using PageStore store = Make(time);
        for (int page = 0; page < 100; page++)
            store.Write(page, page < 50 ? Text(page) : Noise(page));
        time.Advance(TimeSpan.FromMinutes(10));
        byte[] read = new byte[PageSize];
        for (int page = 0; page < 100; page += 2)
            store.TryRead(page, read);
        RecompressionOptions old = new() { Codec = Dense, MinAge = TimeSpan.FromMinutes(9), RetryWithoutGain = true };
        Assert.Equal(50, store.Recompress(new RecompressionOptions { Codec = Dense, OnlyIncompressible = true }).Examined);
        Assert.Equal(0, store.Recompress(new RecompressionOptions { Codec = Dense, MinStoredBytes = PageSize }).Examined);
        Assert.Equal(50, store.Recompress(new RecompressionOptions { Codec = Dense, MinStoredBytes = PageSize,
            RetryWithoutGain = true }).Examined);
        Assert.Equal(7, store.Recompress(new RecompressionOptions { Codec = Dense, MinAge = TimeSpan.FromMinutes(9),
            MaxPages = 7 }).Examined);
        Assert.Equal(25 + 18, store.Recompress(old).Examined);
        // That was no access.
        Assert.Equal(25, store.Recompress(old).Examined);
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.Equal(0, store.Recompress(new RecompressionOptions { Codec = Dense }, null, cancelled.Token).Examined);
        Assert.Equal(25, store.Recompress(new RecompressionOptions { Codec = Dense }).Examined);
    }

    [Fact]
    public void Refuses_options_that_make_no_sense()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20 });
        Assert.Contains("TrackAccess", Assert.Throws<InvalidOperationException>(() =>
            store.Recompress(new RecompressionOptions { Codec = Dense, MinAge = TimeSpan.Zero })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Recompress(new RecompressionOptions { Codec = Dense,
            MinStoredBytes = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Recompress(new RecompressionOptions { Codec = Dense, MaxPages = -1 }));
        Assert.Throws<ArgumentException>(() => store.Recompress(new RecompressionOptions { Codec = null! }));
        Assert.Throws<ArgumentNullException>(() => store.Recompress(null!));
        Assert.Single(store.Codecs);
    }

    [Fact]
    public void Progress_rises_to_one()
    {
        using PageStore store = Make();
        for (int page = 0; page < 5000; page++)
            store.Write(page, Text(page));
        Recorder recorder = new();
        store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(1) }, recorder);
        Assert.InRange(recorder.Seen.Count, 4, 100);
        Assert.Equal(recorder.Seen.Order(), recorder.Seen);
        Assert.Equal(1, recorder.Seen[^1]);
    }

    [Fact]
    public unsafe void A_page_in_use_is_left_and_a_damaged_one_stays_damaged()
    {
        using PageStore store = Make();
        for (int page = 0; page < 3; page++)
            store.Write(page, Text(page));
        ulong* slot = store.Index.Slots.Find(1);
        SlotWord.TryAcquireShared(ref *slot, out _);
        *store.Index.Heap.View(*store.Index.Slots.Find(2)).First ^= 1;
        RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = Dense });
        Assert.Equal((3, 1, 0, 2), (result.Examined, result.Recompressed, result.WithoutGain, result.Skipped));
        SlotWord.ReleaseShared(ref *slot);
        Assert.Throws<PageCorruptException>(() => store.TryRead(2, new byte[PageSize]));
        Assert.Equal(1, store.Recompress(new RecompressionOptions { Codec = Dense }).Recompressed);
        AssertHolds(store, 0, Text(0));
        AssertHolds(store, 1, Text(1));
    }

    [Theory]
    [InlineData(1L << 20)]
    [InlineData(3L << 20)]
    public void A_full_store_gains_room_and_its_limit_holds(long limit)
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = limit });
        // Its contexts are there before the store is full.
        store.AddCodec(Dense);
        int stored = 0;
        while (store.Write(stored, Text(stored)) != StoreOutcome.Full)
            stored++;
        RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = Dense });
        Assert.Equal(stored, result.Examined);
        Assert.True(result.Recompressed > stored * 9 / 10, result.ToString());
        Assert.True(store.Index.Budget.Peak <= limit);
        for (int page = 0; page < stored; page++)
            AssertHolds(store, page, Text(page));
        int more = stored;
        while (store.Write(more, Text(more)) != StoreOutcome.Full)
            more++;
        Assert.True(more > stored + stored / 10, $"{stored}, then {more}");
    }

    [Fact]
    public void Where_memory_is_refused_at_any_point_every_page_stays_whole()
    {
        for (int nth = 1; nth < 40; nth++)
        {
            AllocationFaults faults = new();
            using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 16 << 20, Faults = faults });
            for (int page = 0; page < 40; page++)
                store.Write(page, page % 8 == 0 ? Noise(page) : Text(page));
            faults.Refuse(nth, nth % 3 == 0 ? 5 : 1);
            try
            {
                RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = Dense });
                Assert.Equal(40, result.Recompressed + result.WithoutGain + result.Skipped);
            }
            catch (MemoryLimitException)
            {
                Assert.Single(store.Codecs);
            }
            faults.Clear();
            for (int page = 0; page < 40; page++)
                AssertHolds(store, page, page % 8 == 0 ? Noise(page) : Text(page));
            store.Discard(0, 40);
            Assert.Equal((0, 0), (store.GetStatistics().PoolBytes, store.GetStatistics().CompressedBytes));
        }
    }

    [Theory]
    [InlineData(64L << 20)]
    [InlineData(5L << 20)]
    public void Readers_see_whole_versions_while_pages_are_recompressed_written_discarded_and_moved(long limit)
    {
        const int Count = 240;
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = limit, NoNeighbours = true });
        PageCodec[] codecs = [PageCodec.Zstd(1), Dense, PageCodec.Lz4Managed];
        foreach (PageCodec codec in codecs)
            store.AddCodec(codec);
        // Of the smaller limit the contexts leave little, so that writes are refused now and then.
        for (int page = Count; limit < 10 << 20 && store.Write(page, Text(page)) != StoreOutcome.Full; page++)
            continue;
        store.Discard(Count, 40);
        // A busy machine gets to everything too, if later.
        long started = Environment.TickCount64;
        long[] written = new long[Count];
        long recompressed = 0;
        long verified = 0;
        long overtaken = 0;
        bool Going() => Environment.TickCount64 - started < (Volatile.Read(ref recompressed) > 100
            && Volatile.Read(ref verified) > 1000 ? Rounds.Of(1500) : 60_000);
        Task[] writers = [.. Enumerable.Range(0, 2).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(thread);
            byte[] page = new byte[PageSize];
            while (Going())
            {
                int number = random.Next(Count / 2) * 2 + thread;
                long version = written[number] + 1;
                Make(page, number, version);
                if (store.Write(number, page) != StoreOutcome.Full)
                    Volatile.Write(ref written[number], version);
                if (random.Next(20) == 0)
                    store.Discard(number);
                if (random.Next(100) == 0)
                    Thread.Yield();
            }
        }))];
        Task[] readers = [.. Enumerable.Range(0, 2).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(50 + thread);
            byte[] page = new byte[PageSize];
            while (Going())
            {
                int number = random.Next(Count);
                long before = Volatile.Read(ref written[number]);
                if (!store.TryRead(number, page))
                    continue;
                Check(page, number);
                Interlocked.Increment(ref verified);
                Interlocked.Add(ref overtaken, Volatile.Read(ref written[number]) == before ? 0 : 1);
            }
        }))];
        Task[] recompressors = [.. Enumerable.Range(0, 2).Select(thread => Pages.OnItsOwnThread(() =>
        {
            for (int i = thread; Going(); i++)
                Interlocked.Add(ref recompressed, store.Recompress(new RecompressionOptions { Codec = codecs[i % 3],
                    RetryWithoutGain = i % 5 == 0 }).Recompressed);
        }))];
        Task compactor = Pages.OnItsOwnThread(() =>
        {
            for (int i = 0; Going(); i++)
            {
                store.Compact();
                if (i % 10 == 0)
                    store.UseCodec(i % 20 == 0 ? Dense : PageCodec.Lz4);
            }
        });
        Task.WaitAll([.. writers, .. readers, .. recompressors, compactor]);
        Assert.True(recompressed > 100 && verified > 1000 && overtaken > 0,
            $"{recompressed} recompressed, {verified} verified, {overtaken} of them overtaken by a write");
        Assert.True(store.Index.Budget.Peak <= limit);
        byte[] read = new byte[PageSize];
        for (int page = 0; page < Count; page++)
        {
            if (!store.TryRead(page, read))
                continue;
            Check(read, page);
            Assert.Equal(written[page], (long)(MemoryMarshal.Cast<byte, ulong>(read.AsSpan())[0] >> 16));
        }
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.Equal(store.EnumeratePages().Count(), statistics.Pages);
        Assert.Equal(statistics.Pages - statistics.IncompressiblePages - statistics.SameFilledPages, store.Codecs.Sum(use => use.Pages));
        store.Discard(0, PageStore.MaxPage);
        PageStoreStatistics empty = store.GetStatistics();
        Assert.Equal((0, 0, 0), (empty.Pages, empty.CompressedBytes, empty.PoolBytes));
        Assert.All(store.Codecs, use => Assert.Equal(0, use.Pages));
    }

    private static PageStore Make(TimeProvider? time = null) =>
        new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20, TrackAccess = true,
            TimeProvider = time ?? TimeProvider.System });

    /// <summary>A page of few distinct bytes in random order: LZ4 gains a little, Zstandard much.</summary>
    private static byte[] Text(int key)
    {
        byte[] page = new byte[PageSize];
        Random random = new(key);
        for (int i = 0; i < PageSize; i++)
            page[i] = i % 4 == 0 ? (byte)32 : (byte)random.Next(97, 105);
        return page;
    }

    private static byte[] Noise(int key)
    {
        byte[] page = new byte[PageSize];
        Pages.Fill(page, (ulong)key);
        return page;
    }

    private static void Make(byte[] page, int number, long version)
    {
        (version % 7 == 0 ? Noise((int)version) : Text((int)version)).CopyTo(page, 0);
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page.AsSpan());
        for (int i = 0; i < words.Length; i += 8)
            words[i] = (ulong)version << 16 | (uint)number;
    }

    private static void Check(ReadOnlySpan<byte> page, int number)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        Assert.Equal((ulong)number, words[0] & 0xFFFF);
        for (int i = 0; i < words.Length; i += 8)
            Assert.True(words[i] == words[0], "two versions in one page");
    }

    private static void AssertHolds(PageStore store, int page, byte[] expected)
    {
        byte[] read = new byte[PageSize];
        Assert.True(store.TryRead(page, read));
        Assert.True(read.AsSpan().SequenceEqual(expected), $"page {page} differs");
    }

    private sealed class Recorder : IProgress<double>
    {
        public List<double> Seen { get; } = [];

        public void Report(double value) => Seen.Add(value);
    }
}
