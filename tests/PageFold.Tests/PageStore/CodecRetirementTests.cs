using PageFold.Compression;
using PageFold.Compression.Lz4;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Tests.Store;

/// <summary>Codecs whose pages are brought to another, so that their numbers are free.</summary>
public partial class CodecRetirementTests
{
    private const int PageSize = 4096;

    [Fact]
    public void A_hundred_nights_of_training_are_none_refused_and_hold_no_more_than_the_first()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
        List<TrainingNights.Night> nights = new TrainingNights(store, pages: 128, dictionaryBytes: 1024, level: 1, seed: 1).Run(100);
        Assert.Equal(100, nights.Count);
        // The codec for writes, and one dictionary, which some night may be that of the night before.
        Assert.All(nights, night => Assert.Equal((2, 0L), (night.Codecs, night.Result.NotMoved)));
        Assert.InRange(nights.Sum(night => night.Result.CodecsRetired), 50, 99);
        long held = nights.Take(10).Max(night => night.HeldBytes);
        long stored = nights.Take(10).Max(night => night.StoredBytes);
        Assert.All(nights, night => Assert.InRange(night.HeldBytes, 0, held + held / 20));
        Assert.All(nights, night => Assert.InRange(night.StoredBytes, 0, stored + stored / 20));
        Assert.True(store.Index.Budget.Peak <= 64 << 20);
    }

    [Fact]
    public void Nights_are_not_refused_while_pages_leave_for_the_writeback_file_either()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20,
            Writeback = new WritebackOptions { Path = folder.In("writeback"), MaxBytes = 16 << 20 } });
        List<TrainingNights.Night> nights = new TrainingNights(store, pages: 128, dictionaryBytes: 1024, level: 1, seed: 2).Run(8,
            byDay: day => day.WriteBack(new WritebackSelection { MaxBytes = 60_000 }));
        Assert.All(nights, night => Assert.Equal((2, 0L), (night.Codecs, night.Result.NotMoved)));
    }

    [Fact]
    public void Ever_new_levels_are_not_refused_either()
    {
        using PageStore store = Make();
        for (int page = 0; page < 200; page++)
            store.Write(page, Text(page));
        for (int level = 1; level < 10; level++)
        {
            RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(level), RetireOthers = true,
                RetryWithoutGain = true });
            Assert.Equal(0, result.NotMoved);
            for (int page = level; page < 200; page += 10)
                store.Write(page, Text(page));
        }
        Assert.InRange(store.Codecs.Count, 2, 4);
        AssertHoldAll(store, 200);
    }

    [Fact]
    public void The_codec_for_writes_is_there_while_codecs_come_and_go()
    {
        using PageStore store = Make();
        Crew crew = new(500);
        crew.Add("reads", 4, 100_000, _ => () => store.Codec is not null ? true : throw new InvalidDataException("no codec for writes"));
        crew.Add("retirements", 1, 500, _ => () =>
        {
            store.UseCodec(store.Codec == PageCodec.Lz4 ? PageCodec.Lz4Managed : PageCodec.Lz4);
            return store.RetireCodec(store.Codecs.First(codec => !codec.IsForWrites).Number).IsRetired;
        });
        crew.Run();
    }

    [Fact]
    public void Pages_leave_their_codec_whether_they_shrink_or_not_and_its_memory_comes_back()
    {
        using PageStore store = Make();
        long before = store.Index.Budget.Used;
        store.UseCodec(PageCodec.Zstd(19, Text(7)));
        for (int page = 0; page < 300; page++)
            store.Write(page, Text(page));
        store.UseCodec(PageCodec.Lz4);
        CodecRetirement retirement = store.RetireCodec(1);
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = 300, NotMoved = 0 }, retirement);
        CodecUse use = Assert.Single(store.Codecs);
        Assert.Equal((0, "lz4", true), (use.Number, use.Name, use.IsForWrites));
        AssertHoldAll(store, 300);
        store.Discard(0, 300);
        store.Compact();
        Assert.InRange(store.Index.Budget.Used, 0, before + (256 << 10));
        // Its number is free, and others keep theirs.
        Assert.Equal(1, store.AddCodec(PageCodec.Zstd(2)));
        Assert.Equal(2, store.AddCodec(PageCodec.Zstd(3)));
        Assert.True(store.RetireCodec(1).IsRetired);
        Assert.Equal([0, 2], store.Codecs.Select(codec => codec.Number));
    }

    [Fact]
    public void Pages_in_the_writeback_file_leave_their_codec_too_even_where_memory_is_short()
    {
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20,
            Writeback = new WritebackOptions { Path = folder.In("writeback"), MaxBytes = 64 << 20 } });
        store.UseCodec(PageCodec.Zstd(1));
        for (int page = 0; page < 4000; page++)
        {
            while (store.Write(page, Text(page)) == StoreOutcome.Full)
                Assert.NotEqual(0, store.WriteBack(new WritebackSelection { MaxBytes = 1 << 20 }).Pages);
        }
        Assert.InRange(store.GetStatistics().WrittenBackPages, 1000, 4000);
        store.UseCodec(PageCodec.Lz4);
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = 4000, NotMoved = 0 }, store.RetireCodec(1));
        Assert.Equal(4000, Assert.Single(store.Codecs).Pages);
        Assert.True(store.Index.Budget.Peak <= 4 << 20);
        AssertHoldAll(store, 4000);
    }

    [Fact]
    public void A_page_that_the_file_does_not_give_keeps_its_codec_until_it_does()
    {
        using SnapshotFolder folder = new();
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 32 << 20,
            Writeback = new WritebackOptions { Path = folder.In("writeback"), Faults = faults } });
        store.UseCodec(PageCodec.Zstd(1));
        for (int page = 0; page < 10; page++)
            store.Write(page, Text(page));
        store.WriteBack();
        store.UseCodec(PageCodec.Lz4);
        faults.Refuse(1, count: 1000);
        Assert.Equal(new CodecRetirement { IsRetired = false, Moved = 0, NotMoved = 10, Stopped = RetirementStop.InUse },
            store.RetireCodec(1));
        faults.Clear();
        AssertHoldAll(store, 10);
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = 10, NotMoved = 0 }, store.RetireCodec(1));
        AssertHoldAll(store, 10);
    }

    [Fact]
    public void Making_room_again_and_again_passes_the_pages_once_and_not_once_each_time()
    {
        using SnapshotFolder folder = new();
        byte[][] texts = [.. Enumerable.Range(0, 50).Select(Text)];
        Assert.InRange(LeavesFor(8_000), 1, 3 * LeavesFor(4_000));

        long LeavesFor(int count)
        {
            using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20,
                Writeback = new WritebackOptions { Path = folder.In($"{count}"), MaxBytes = 64 << 20 } });
            store.UseCodec(PageCodec.Zstd(1));
            for (int page = 0; page < count; page++)
            {
                while (store.Write(page, texts[page % 50]) == StoreOutcome.Full)
                    Assert.NotEqual(0, store.WriteBack(new WritebackSelection { MaxBytes = 1 << 20 }).Pages);
            }
            store.UseCodec(PageCodec.Lz4);
            long before = PageIndex.LeavesWalked;
            Assert.Equal(new CodecRetirement { IsRetired = true, Moved = count, NotMoved = 0 }, store.RetireCodec(1));
            return PageIndex.LeavesWalked - before;
        }
    }

    [Fact]
    public void In_a_store_without_room_pages_are_written_over_where_they_lie()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 3 << 20, Codec = PageCodec.Lz4Managed });
        // The same bytes by a codec of another name, so that every page needs exactly its own place.
        ManagedLz4Codec other = new("lz4");
        store.AddCodec(other);
        int stored = 0;
        while (store.Write(stored, Text(stored)) != StoreOutcome.Full)
            stored++;
        store.UseCodec(other);
        Assert.Equal(new CodecRetirement { IsRetired = true, Moved = stored, NotMoved = 0 }, store.RetireCodec(0));
        Assert.True(store.Index.Budget.Peak <= 3 << 20);
        AssertHoldAll(store, stored);
    }

    [Fact]
    public void Where_memory_is_refused_at_any_point_every_page_stays_whole()
    {
        for (int nth = 1; nth < 30; nth++)
        {
            AllocationFaults faults = new();
            using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 16 << 20, Faults = faults });
            store.UseCodec(PageCodec.Zstd(1));
            for (int page = 0; page < 40; page++)
                store.Write(page, Text(page));
            store.UseCodec(PageCodec.Lz4);
            faults.Refuse(nth, nth % 3 == 0 ? 5 : 1);
            CodecRetirement retirement = store.RetireCodec(1);
            Assert.Equal(40, retirement.Moved + retirement.NotMoved);
            faults.Clear();
            AssertHoldAll(store, 40);
            Assert.True(retirement.IsRetired || store.RetireCodec(1).IsRetired);
            AssertHoldAll(store, 40);
            store.Discard(0, 40);
            Assert.Equal((0, 0), (store.GetStatistics().PoolBytes, store.GetStatistics().CompressedBytes));
        }
    }

    [Fact]
    public void Readers_and_writers_see_whole_versions_while_codecs_are_retired_under_them()
    {
        const int Count = 120;
        using SnapshotFolder folder = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20,
            Writeback = new WritebackOptions { Path = folder.In("writeback"), MaxBytes = 16 << 20 } });
        for (int page = 0; page < Count; page++)
            store.Write(page, Text(page));
        long retired = 0;
        long rounds = 0;
        long verified = 0;
        using CancellationTokenSource done = new();
        Task[] others = [.. Enumerable.Range(0, 3).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(thread);
            byte[] read = new byte[PageSize];
            while (!done.IsCancellationRequested)
            {
                // A page holds its own text, or the one a hundred thousand on.
                int page = random.Next(Count);
                if (thread == 0)
                    Assert.NotEqual(StoreOutcome.Full, store.Write(page, Text(page + random.Next(2) * 100_000)));
                else if (store.TryRead(page, read))
                {
                    Assert.True(read.AsSpan().SequenceEqual(Text(page)) || read.AsSpan().SequenceEqual(Text(page + 100_000)),
                        $"page {page}");
                    Interlocked.Increment(ref verified);
                }
                if (thread == 2 && random.Next(200) == 0)
                    store.WriteBack(new WritebackSelection { MaxBytes = 10_000 });
            }
        }))];
        try
        {
            for (int round = 1; round < 400 && (retired < 12 || Volatile.Read(ref verified) < 100); round++, rounds++)
            {
                PageCodec codec = PageCodec.Zstd(1 + round % 6);
                store.UseCodec(codec);
                store.UseCodec(PageCodec.Lz4);
                RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = codec, RetireOthers = true,
                    RetryWithoutGain = true });
                foreach (CodecUse use in store.Codecs.Where(use => !use.IsForWrites))
                    retired += store.RetireCodec(use.Number).IsRetired ? 1 : 0;
            }
        }
        finally
        {
            done.Cancel();
            Task.WaitAll(others);
        }
        Assert.True(retired >= 12 && verified >= 100, $"{retired} retired in {rounds} rounds, {verified} pages verified");
        Assert.Equal(Count, store.Codecs.Sum(use => use.Pages));
    }

    [Fact]
    public void A_snapshot_whose_codecs_find_no_number_is_loaded_all_the_same()
    {
        using SnapshotFolder folder = new();
        using (PageStore source = Make())
        {
            foreach (int level in (int[])[1, 2, 3])
            {
                source.UseCodec(PageCodec.Zstd(level));
                source.Write(level, Text(level));
            }
            source.SaveSnapshot(folder.File);
        }
        using PageStore target = Make();
        target.UseCodec(PageCodec.Zstd(9));
        target.KnownCodecs.Hold(PageCodec.Zstd(10));
        target.KnownCodecs.Hold(PageCodec.Lz4);
        Assert.Equal(3, target.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = true }).Pages);
        foreach (int level in (int[])[1, 2, 3])
            AssertHolds(target, level);
    }

    private static PageStore Make() => new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });

    /// <summary>A page of few distinct bytes in random order: LZ4 gains a little, Zstandard much.</summary>
    private static byte[] Text(int key)
    {
        byte[] page = new byte[PageSize];
        Random random = new(key);
        for (int i = 0; i < PageSize; i++)
            page[i] = i % 4 == 0 ? (byte)32 : (byte)random.Next(97, 105);
        return page;
    }

    private static void AssertHoldAll(PageStore store, int count)
    {
        for (int page = 0; page < count; page++)
            AssertHolds(store, page);
    }

    private static void AssertHolds(PageStore store, int page)
    {
        byte[] read = new byte[PageSize];
        Assert.True(store.TryRead(page, read));
        Assert.True(read.AsSpan().SequenceEqual(Text(page)), $"page {page} differs");
    }

    private sealed class Told(Action tell) : IProgress<double>
    {
        public void Report(double value) => tell();
    }

    private static byte[] Noise(int seed)
    {
        byte[] page = new byte[PageSize];
        new Random(seed).NextBytes(page);
        return page;
    }

    /// <summary>Zstandard with bytes behind it, and a level that says nothing about its density.</summary>
    private sealed class Padded(string name, int level, int padding) : PageCodec
    {
        private static readonly PageCodec Inner = Zstd(1);

        public override string Name => name;

        public override int MaxCompressedLength(int pageSize) => Inner.MaxCompressedLength(pageSize) + padding;

        public override PageCodecContext CreateContext(int pageSize) => new Context(Inner.CreateContext(pageSize), padding);

        internal override CodecDescription Describe(int pageSize) => new(name, level, default);

        private sealed class Context(PageCodecContext inner, int padding) : PageCodecContext
        {
            public override long Bytes => inner.Bytes;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                if (!inner.TryCompress(page, destination, out written) || written + padding > destination.Length)
                    return false;
                destination.Slice(written, padding).Clear();
                written += padding;
                return true;
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) =>
                inner.TryDecompress(source[..^padding], page);

            protected override void Dispose(bool disposing)
            {
                inner.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
