using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Tests.Store;

/// <summary>Several codecs in one store, by number; and pages in the form in which they are stored.</summary>
public partial class PageStoreCodecTests
{
    private const int PageSize = 4096;

    [Fact]
    public void Pages_stay_with_the_codec_they_were_stored_with()
    {
        using PageStore store = Make();
        PageCodec[] codecs = [PageCodec.Lz4, PageCodec.Zstd(1), PageCodec.Lz4Managed, PageCodec.Zstd(9)];
        for (int number = 0; number < 4; number++)
        {
            store.UseCodec(codecs[number]);
            Assert.Same(codecs[number], store.Codec);
            Assert.Equal(number, store.AddCodec(codecs[number]));
            for (int i = 0; i < 100; i++)
                Assert.Equal(StoreOutcome.Stored, store.Write(number * 100 + i, Compressible(number * 100 + i)));
        }
        Assert.Equal(["lz4", "zstd", "lz4-managed", "zstd"], store.Codecs.Select(use => use.Name));
        Assert.Equal([100, 100, 100, 100], store.Codecs.Select(use => use.Pages));
        Assert.Equal([false, false, false, true], store.Codecs.Select(use => use.IsForWrites));
        Assert.Equal(store.Codecs, store.GetStatistics().Codecs);
        for (int page = 0; page < 400; page++)
        {
            AssertHolds(store, page);
            Assert.Equal(page / 100, CodecOf(store, page));
        }
        // An overwrite brings the page to the codec for writes, in place or not.
        for (int page = 0; page < 400; page++)
            store.Write(page, Compressible(page));
        Assert.Equal([0, 0, 0, 400], store.Codecs.Select(use => use.Pages));
        store.Discard(0, 400);
        Assert.Equal([0, 0, 0, 0], store.Codecs.Select(use => use.Pages));
    }

    [Fact]
    public void A_codec_that_was_made_twice_is_one()
    {
        using PageStore store = Make();
        byte[] dictionary = Compressible(7);
        int plain = store.AddCodec(PageCodec.Zstd(3));
        int trained = store.AddCodec(PageCodec.Zstd(3, dictionary));
        long used = store.Index.Budget.Used;
        Assert.NotEqual(plain, trained);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(plain, store.AddCodec(PageCodec.Zstd(3)));
            Assert.Equal(trained, store.AddCodec(PageCodec.Zstd(3, (byte[])dictionary.Clone())));
        }
        Assert.Equal(used, store.Index.Budget.Used);
        // What was written with the one is not recompressed with the other.
        store.UseCodec(PageCodec.Zstd(3));
        store.Write(1, Compressible(1));
        Assert.Equal(0, store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(3) }).Examined);
        Assert.Equal(4, new[] { plain, trained, store.AddCodec(PageCodec.Zstd(4)), store.AddCodec(PageCodec.Lz4) }.Distinct().Count());
    }

    [Fact]
    public void An_incompressible_page_belongs_to_no_codec()
    {
        using PageStore store = Make();
        store.UseCodec(PageCodec.Zstd(1));
        byte[] noise = new byte[PageSize];
        Pages.Fill(noise, 5);
        Assert.Equal(StoreOutcome.Incompressible, store.Write(5, noise));
        Assert.Equal([0, 0], store.Codecs.Select(use => use.Pages));
        Assert.Equal(0, CodecOf(store, 5));
        byte[] read = new byte[PageSize];
        Assert.True(store.TryRead(5, read));
        Assert.Equal(noise, read);
    }

    [Fact]
    public unsafe void Codec_number_and_without_gain_stay_with_an_object_that_moves_and_a_write_clears_the_latter()
    {
        using PageStore store = Make();
        store.UseCodec(PageCodec.Zstd(1));
        for (int page = 0; page < 4000; page++)
        {
            store.Write(page, Compressible(page));
            ulong* slot = store.Index.Slots.Find((uint)page);
            *slot = PageWord.WithoutGain(*slot);
        }
        ObjectLocation[] stored = [.. Enumerable.Range(0, 4000).Select(page => SlotWord.Location(*store.Index.Slots.Find((uint)page)))];
        for (int page = 0; page < 4000; page++)
        {
            if (page % 5 != 0)
                store.Discard(page);
        }
        store.Compact();
        int moved = Enumerable.Range(0, 4000).Count(page =>
            page % 5 == 0 && !SlotWord.IsAt(*store.Index.Slots.Find((uint)page), stored[page]));
        Assert.True(moved > 100);
        for (int page = 0; page < 4000; page += 5)
        {
            Assert.Equal(1, CodecOf(store, page));
            Assert.True(PageWord.IsWithoutGain(*store.Index.Slots.Find((uint)page)));
            AssertHolds(store, page);
            store.Write(page, Compressible(page));
            Assert.False(PageWord.IsWithoutGain(*store.Index.Slots.Find((uint)page)));
        }
    }

    [Fact]
    public void A_number_is_given_to_another_codec_only_when_nothing_is_stored_with_it()
    {
        using PageStore store = Make();
        PageCodec[] codecs = [PageCodec.Lz4, PageCodec.Zstd(1), PageCodec.Zstd(2), PageCodec.Zstd(3)];
        store.Write(0, Compressible(0));
        for (int level = 1; level < 4; level++)
        {
            store.UseCodec(codecs[level]);
            store.Write(level, Compressible(level));
        }
        long used = store.Index.Budget.Used;
        Assert.Contains("RetireCodec", Assert.Throws<InvalidOperationException>(() => store.AddCodec(PageCodec.Zstd(4))).Message,
            StringComparison.Ordinal);
        store.Discard(3);
        // Nothing is stored with number 3, but new writes use it.
        Assert.Throws<InvalidOperationException>(() => store.AddCodec(PageCodec.Zstd(4)));
        store.UseCodec(PageCodec.Lz4);
        int held = store.KnownCodecs.Hold(codecs[3]);
        Assert.Throws<InvalidOperationException>(() => store.AddCodec(PageCodec.Zstd(4)));
        store.KnownCodecs.EndHold(held);
        Assert.Equal(3, store.AddCodec(PageCodec.Zstd(4)));
        Assert.InRange(store.Index.Budget.Used, used / 2, used * 2);
        for (int page = 0; page < 3; page++)
            AssertHolds(store, page);
    }

    [Fact]
    public void A_number_stays_with_its_codec_while_a_write_that_began_with_it_has_not_ended()
    {
        using PageStore store = Make();
        SlowCodec slow = new();
        store.UseCodec(slow);
        for (int level = 2; level < 4; level++)
        {
            store.UseCodec(PageCodec.Zstd(level));
            store.Write(level, Compressible(level));
        }
        store.UseCodec(PageCodec.Lz4);
        store.Write(1, Compressible(1));
        // All four are known; number 1 is free but for a write that is under way.
        store.UseCodec(slow);
        slow.MayGoOn.Reset();
        Task writer = Pages.OnItsOwnThread(() => store.Write(7, Compressible(7)));
        slow.Begun.Wait(TestContext.Current.CancellationToken);
        store.UseCodec(PageCodec.Lz4);
        Exception? refused = null;
        Thread adding = new(() => refused = Record.Exception(() => store.AddCodec(PageCodec.Zstd(5))));
        adding.Start();
        // The only wait on the way is that for the writer's codec stream.
        Crew.AwaitSleep(adding);
        slow.MayGoOn.Set();
        adding.Join();
        Assert.IsType<InvalidOperationException>(refused);
        writer.Wait();
        AssertHolds(store, 7);
    }

    [Fact]
    public void A_codec_that_is_used_again_and_again_leaves_nothing_behind()
    {
        using PageStore store = Make();
        byte[] dictionary = new byte[20_000];
        Pages.Fill(dictionary, 3);
        long held = 0;
        for (int round = 0; round < 40; round++)
        {
            store.UseCodec(PageCodec.Zstd(1 + round % 3, dictionary));
            store.Write(1, Compressible(1));
            AssertHolds(store, 1);
            if (round == 8)
                held = store.Index.Budget.Used;
        }
        Assert.InRange(store.Index.Budget.Used, 0, held + held / 8);
        MemoryBudget budget = store.Index.Budget;
        store.Dispose();
        Assert.Equal(0, budget.Used);
        Assert.Throws<ObjectDisposedException>(() => store.AddCodec(PageCodec.Lz4));
    }

    [Fact]
    public void A_codec_without_memory_is_refused_and_nothing_has_changed()
    {
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 32 << 20, Faults = faults });
        // Several codec streams, so that some have the context and others not when memory runs out.
        Crew.OnThreads(4, thread =>
        {
            for (int page = thread; page < 64; page += 4)
                Assert.Equal(StoreOutcome.Stored, store.Write(page, Compressible(page)));
        });
        byte[] dictionary = new byte[20_000];
        Pages.Fill(dictionary, 3);
        int refused = 0;
        for (int nth = 1; nth < 8; nth++)
        {
            PageCodec codec = PageCodec.Zstd(1, dictionary);
            long used = store.Index.Budget.Used;
            faults.Refuse(nth, 1000);
            try
            {
                store.UseCodec(codec);
                faults.Clear();
                store.UseCodec(PageCodec.Lz4);
                continue;
            }
            catch (MemoryLimitException error)
            {
                refused++;
                Assert.Contains("zstd", error.Message, StringComparison.Ordinal);
            }
            faults.Clear();
            Assert.InRange(store.Index.Budget.Used, 0, used);
            Assert.Single(store.Codecs);
            Assert.Same(PageCodec.Lz4, store.Codec);
            for (int page = 0; page < 64; page++)
                AssertHolds(store, page);
        }
        Assert.True(refused >= 2);
    }

    [Fact]
    public void The_limit_holds_while_codecs_are_added_and_a_full_store_refuses_them()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 2 << 20 });
        int stored = 0;
        byte[] page = new byte[PageSize];
        for (; ; stored++)
        {
            Pages.Fill(page, (ulong)stored);
            if (store.Write(stored, page) == StoreOutcome.Full)
                break;
        }
        Assert.Contains("No memory for codec zstd:19, which takes ",
            Assert.Throws<MemoryLimitException>(() => store.UseCodec(PageCodec.Zstd(19))).Message, StringComparison.Ordinal);
        Assert.True(store.Index.Budget.Peak <= 2 << 20);
        store.Discard(0, stored);
        // Free frames give way to contexts.
        store.UseCodec(PageCodec.Zstd(1));
        Assert.True(store.Index.Budget.Peak <= 2 << 20);
    }

    [Fact]
    public void Readers_see_whole_pages_while_codecs_come_and_go_and_pages_are_rewritten()
    {
        const int Count = 200;
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 64 << 20 });
        for (int page = 0; page < Count; page++)
            store.Write(page, Compressible(page));
        long enough = Environment.TickCount64 + Rounds.Of(1500);
        long deadline = enough + 60_000;
        long rewritten = 0;
        long changed = 0;
        long verified = 0;
        Task[] readers = [.. Enumerable.Range(0, 3).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(thread);
            byte[] read = new byte[PageSize];
            while (GoesOn())
            {
                int page = random.Next(Count);
                if (store.TryRead(page, read))
                {
                    Assert.True(read.AsSpan().SequenceEqual(Compressible(page)));
                    Interlocked.Increment(ref verified);
                }
                StoredPage form = store.Reader.ReadStored((uint)page, read);
                if (form.Kind != StoredKind.Absent)
                    Assert.InRange(form.Size, 1, PageSize);
            }
        }))];
        Task[] writers = [.. Enumerable.Range(0, 2).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(10 + thread);
            while (GoesOn())
            {
                int page = random.Next(Count);
                if (random.Next(10) == 0)
                    store.Discard(page);
                Assert.Equal(StoreOutcome.Stored, store.Write(page, Compressible(page)));
                Interlocked.Increment(ref rewritten);
            }
        }))];
        Task changer = Pages.OnItsOwnThread(() =>
        {
            for (int i = 0; GoesOn(); i++)
            {
                try
                {
                    store.UseCodec(PageCodec.Zstd(1 + i % 3));
                    changed++;
                    Thread.Yield();
                }
                catch (InvalidOperationException)
                {
                    // All four are in use: let the writers bring every page to the newest.
                    for (int page = 0; page < Count; page++)
                        store.Write(page, Compressible(page));
                }
                if (i % 7 == 0)
                    store.Compact();
            }
        });
        Task.WaitAll([.. readers, .. writers, changer]);
        Assert.True(rewritten > 100 && changed > 10 && verified > 100, $"{rewritten} rewritten, {changed} codecs, {verified} verified");
        for (int page = 0; page < Count; page++)
            AssertHolds(store, page);
        Assert.Equal(Count, store.Codecs.Sum(use => use.Pages));

        // Where there are few processors it takes longer until enough has happened.
        bool GoesOn() => Environment.TickCount64 is var now && (now < enough || now < deadline
            && (Volatile.Read(ref rewritten) <= 100 || Volatile.Read(ref changed) <= 10 || Volatile.Read(ref verified) <= 100));
    }

    /// <summary>
    /// A stream that took the last memory would have every page refused from then on, in a store that holds nothing yet.
    /// </summary>
    [Theory]
    [InlineData(1.1, false)]
    [InlineData(1.9, false)]
    [InlineData(2.1, true)]
    public void A_further_stream_is_made_only_where_as_much_memory_is_left(double streams, bool isMade)
    {
        long bytes = 0;
        TwoWriters(long.MaxValue, store => bytes = store.Index.Budget.Used, (store, made) =>
        {
            Assert.True(made);
            bytes = store.Index.Budget.Used - bytes;
        });
        Assert.InRange(bytes, 100_000, 1_000_000);
        TwoWriters((long)(streams * bytes), _ => { }, (_, made) => Assert.Equal(isMade, made));

        static void TwoWriters(long room, Action<PageStore> whenOneWrites, Action<PageStore, bool> whenTwoDo)
        {
            SlowCodec slow = new();
            using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Codec = slow });
            store.AddCodec(PageCodec.Zstd(1));
            if (room < long.MaxValue)
                Assert.True(store.TrySetOwnerBytes(store.Index.Budget.Available - room));
            StoreOutcome[] outcomes = new StoreOutcome[2];
            Thread[] writers = [.. Enumerable.Range(0, 2).Select(page =>
                new Thread(() => outcomes[page] = store.Write(page, Compressible(page))))];
            slow.MayGoOn.Reset();
            writers[0].Start();
            slow.Begun.Wait();
            slow.Begun.Reset();
            whenOneWrites(store);
            writers[1].Start();
            // In its codec, or waiting for a stream.
            Crew.AwaitSleep(writers[1]);
            whenTwoDo(store, slow.Begun.IsSet);
            slow.MayGoOn.Set();
            foreach (Thread writer in writers)
                writer.Join();
            Assert.All(outcomes, outcome => Assert.Equal(StoreOutcome.Stored, outcome));
        }
    }

    private static PageStore Make() => new(new PageStoreOptions { MemoryLimit = 64 << 20, Codec = PageCodec.Lz4 });

    private static unsafe int CodecOf(PageStore store, int page) => PageWord.Codec(*store.Index.Slots.Find((uint)page));

    private static byte[] Compressible(int key)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, (ulong)key, 0.1 + key % 7 / 10.0);
        return page;
    }

    private static void Fill(byte[] page, uint number)
    {
        switch (number % 5)
        {
            case 0:
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(number * 0x0123456789ABCDEFUL);
                break;
            case 1:
                Pages.Fill(page, number);
                break;
            default:
                Pages.FillCompressible(page, number, number % 10 / 12.0);
                break;
        }
    }

    private static void AssertHolds(PageStore store, int page)
    {
        byte[] read = new byte[PageSize];
        Assert.True(store.TryRead(page, read));
        Assert.True(read.AsSpan().SequenceEqual(Compressible(page)), $"page {page} differs");
    }

    /// <summary>LZ4 that can be held up while it compresses.</summary>
    private sealed class SlowCodec : PageCodec
    {
        public ManualResetEventSlim MayGoOn { get; } = new(initialState: true);

        public ManualResetEventSlim Begun { get; } = new();

        public override string Name => "slow";

        public override int MaxCompressedLength(int pageSize) => Lz4Managed.MaxCompressedLength(pageSize);

        public override PageCodecContext CreateContext(int pageSize) => new Context(this, Lz4Managed.CreateContext(pageSize));

        private sealed class Context(SlowCodec codec, PageCodecContext inner) : PageCodecContext
        {
            public override long Bytes => inner.Bytes;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                codec.Begun.Set();
                codec.MayGoOn.Wait();
                return inner.TryCompress(page, destination, out written);
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => inner.TryDecompress(source, page);
        }
    }
}
