using System.Runtime.InteropServices;
using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold.Tests.Store;

public partial class PageStoreTests
{
    private const int PageSize = 4096;

    [Fact]
    public void Tells_what_became_of_a_page()
    {
        using PageStore store = Make();
        Assert.Equal(StoreOutcome.SameFilled, store.Write(1, new byte[PageSize]));
        Assert.Equal(StoreOutcome.Stored, store.Write(2, Compressible(2, 0.5)));
        Assert.Equal(StoreOutcome.Incompressible, store.Write(3, Compressible(3, 1)));
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.Equal((3, 1, 1), (statistics.Pages, statistics.SameFilledPages, statistics.IncompressiblePages));
        Assert.InRange(statistics.CompressedBytes, PageSize + 2000, PageSize + 2200);
    }

    [Fact]
    public void The_threshold_decides_what_is_incompressible()
    {
        using PageStore strict = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 1 << 20, IncompressibleAbove = 2000 });
        using PageStore lenient = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 1 << 20, IncompressibleAbove = 2200 });
        Assert.Equal(StoreOutcome.Incompressible, strict.Write(0, Compressible(1, 0.5)));
        Assert.Equal(StoreOutcome.Stored, lenient.Write(0, Compressible(1, 0.5)));
    }

    [Fact]
    public void What_the_owner_gives_up_the_pages_may_have_and_only_what_is_free_comes_back()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20, OwnerBytes = 2 << 20 });
        uint next = 0;
        long full = Fill();
        Assert.True(store.TrySetOwnerBytes(1 << 20));
        Assert.InRange(Fill() - full, (1 << 20) / PageSize * 9 / 10, (1 << 20) / PageSize);
        Assert.False(store.TrySetOwnerBytes(2 << 20));
        Assert.True(store.TrySetOwnerBytes(1 << 20));
        Assert.Equal(4 << 20, store.GetStatistics().MemoryLimit);
        Assert.InRange(store.GetStatistics().PeakBytes, 0, 4 << 20);
        store.Discard(0, next);
        Assert.True(store.TrySetOwnerBytes(2 << 20));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.TrySetOwnerBytes(-1));

        long Fill()
        {
            while (store.Write(next, Compressible(next + 1, 1)) != StoreOutcome.Full)
                next++;
            return next;
        }
    }

    [Fact]
    public void Same_filled_pages_take_no_object_whatever_the_word()
    {
        using PageStore store = Make();
        byte[] page = new byte[PageSize];
        byte[] read = new byte[PageSize];
        for (int i = 0; i < 3000; i++)
        {
            MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill((ulong)i * 0x0123456789ABCDEF);
            Assert.Equal(StoreOutcome.SameFilled, store.Write(i, page));
        }
        Assert.Equal(0, store.GetStatistics().PoolBytes);
        for (int i = 0; i < 3000; i++)
        {
            Assert.True(store.TryRead(i, read));
            Assert.True(MemoryMarshal.Cast<byte, ulong>(read.AsSpan()).IndexOfAnyExcept((ulong)i * 0x0123456789ABCDEF) < 0);
        }
        long held = store.GetStatistics().TableBytes;
        for (int round = 0; round < 5; round++)
        {
            store.Discard(0, 3000);
            for (int i = 0; i < 3000; i++)
            {
                MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill((ulong)(i + round) * 0x1123456789ABCDEF);
                store.Write(i, page);
            }
        }
        // The words' places are used again; a thread that moved to another processor may have opened a codec stream.
        Assert.InRange(store.GetStatistics().TableBytes, 0, held + 16384 * Environment.ProcessorCount);
    }

    [Fact]
    public void At_the_limit_an_overwrite_that_needs_no_more_always_succeeds()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 1 << 20 });
        List<(long Page, double Share)> stored = [];
        Random random = new(9);
        for (long page = 0; ; page++)
        {
            double share = random.NextDouble();
            if (store.Write(page, Compressible((ulong)page, share)) == StoreOutcome.Full)
                break;
            stored.Add((page, share));
        }
        // Fill what is left with the smallest pages.
        for (long page = 100_000; store.Write(page, Compressible((ulong)page, 0.01)) != StoreOutcome.Full; page++)
            continue;
        byte[] read = new byte[PageSize];
        foreach ((long page, double share) in stored)
        {
            byte[] smaller = Compressible((ulong)page + 7777, share * random.NextDouble());
            Assert.NotEqual(StoreOutcome.Full, store.Write(page, smaller));
            Assert.True(store.TryRead(page, read));
            Assert.Equal(smaller, read);
            Assert.Equal(StoreOutcome.SameFilled, store.Write(page, new byte[PageSize]));
        }
    }

    [Theory]
    [InlineData(RefusalPolicy.Keep)]
    [InlineData(RefusalPolicy.Invalidate)]
    public void A_refused_overwrite_leaves_what_the_caller_chose(RefusalPolicy policy)
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 512 << 10 });
        byte[] small = Compressible(1, 0.1);
        Assert.Equal(StoreOutcome.Stored, store.Write(0, small));
        for (long page = 1; store.Write(page, Compressible((ulong)page, 1)) != StoreOutcome.Full; page++)
            continue;
        for (long page = 1000; store.Write(page, Compressible((ulong)page, 0.01)) != StoreOutcome.Full; page++)
            continue;
        Assert.Equal(StoreOutcome.Full, store.Write(0, Compressible(5, 1), policy));
        byte[] read = new byte[PageSize];
        Assert.Equal(policy == RefusalPolicy.Keep, store.TryRead(0, read));
        if (policy == RefusalPolicy.Keep)
            Assert.Equal(small, read);
        Assert.True(store.GetStatistics().RefusedWrites >= 3);
    }

    [Fact]
    public void Every_flipped_bit_of_a_stored_page_is_found_raw_ones_included()
    {
        using PageStore store = Make();
        byte[][] pages = [Compressible(1, 0.3), Compressible(2, 0.8), Compressible(3, 1)];
        byte[] read = new byte[PageSize];
        Random random = new(2);
        for (int number = 0; number < pages.Length; number++)
        {
            store.Write(number, pages[number]);
            for (int i = 0; i < 500; i++)
            {
                int flipped = FlipOneBit(store, number, random.Next);
                PageCorruptException error = Assert.Throws<PageCorruptException>(() => store.TryRead(number, read));
                Assert.Equal(number, error.Page);
                Assert.True(read.AsSpan().IndexOfAnyExcept((byte)0) < 0, "corrupt bytes were returned");
                FlipOneBit(store, number, _ => flipped);
                Assert.True(store.TryRead(number, read));
                Assert.Equal(pages[number], read);
            }
        }
        // A corrupt page can be written over and discarded.
        FlipOneBit(store, 1, random.Next);
        Assert.Equal(StoreOutcome.Stored, store.Write(1, pages[0]));
        Assert.True(store.TryRead(1, read));
        FlipOneBit(store, 2, random.Next);
        Assert.Equal(1, store.Discard(2));
    }

    [Fact]
    public void A_page_in_the_place_of_another_is_found()
    {
        using PageStore store = Make();
        store.Write(1, Compressible(1, 0.5));
        store.Write(2, Compressible(2, 0.5));
        unsafe
        {
            ulong* first = store.Index.Slots.Find(1);
            ulong* second = store.Index.Slots.Find(2);
            (*first, *second) = (*second, *first);
            byte[] read = new byte[PageSize];
            Assert.Throws<PageCorruptException>(() => store.TryRead(1, read));
            Assert.Throws<PageCorruptException>(() => store.TryRead(2, read));
            (*first, *second) = (*second, *first);
            Assert.True(store.TryRead(1, read));
        }
    }

    [Fact]
    public async Task A_buffer_that_changes_while_it_is_stored_gives_some_page_that_passes_its_check()
    {
        foreach (PageCodec codec in (PageCodec[])[PageCodec.Lz4, PageCodec.Lz4Managed, PageCodec.Zstd(1), PageCodec.Fold(),
            PageCodec.Fold(FoldLevel.Dense), PageCodec.None])
        {
            using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Codec = codec });
            byte[] buffer = new byte[PageSize];
            using CancellationTokenSource done = new();
            long scribbled = 0;
            Task scribbler = Pages.OnItsOwnThread(
                () =>
                {
                    Random random = new(1);
                    for (; !done.IsCancellationRequested; Volatile.Write(ref scribbled, scribbled + 1))
                    {
                        // Noise, runs and repetitions in turn, so that matches come and go under the encoder.
                        Span<byte> part = buffer.AsSpan(random.Next(PageSize / 2), random.Next(64, PageSize / 2));
                        switch (random.Next(3))
                        {
                            case 0:
                                random.NextBytes(part);
                                break;
                            case 1:
                                part.Fill((byte)random.Next(4));
                                break;
                            default:
                                part[..^32].CopyTo(part[32..]);
                                break;
                        }
                    }
                });
            byte[] read = new byte[PageSize];
            // Until the buffer has changed often enough, too, while pages were stored.
            for (int i = 0; i < 20_000 || Volatile.Read(ref scribbled) < 10_000; i++)
            {
                Assert.NotEqual(StoreOutcome.Full, store.Write(i % 500, buffer));
                Assert.True(store.TryRead(i % 500, read));
            }
            await done.CancelAsync();
            await scribbler;
        }
    }

    [Fact]
    public void Every_allocation_point_can_fail_and_the_page_is_old_or_new()
    {
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 16 << 20, Faults = faults });
        Dictionary<long, byte[]> model = [];
        Random random = new(4);
        byte[] read = new byte[PageSize];
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            long page = random.Next(2) == 0 ? random.Next(3000) : random.NextInt64(PageStore.MaxPage + 1);
            byte[] data = Compressible((ulong)i, random.NextDouble());
            if (random.Next(5) == 0)
                MemoryMarshal.Cast<byte, ulong>(data.AsSpan()).Fill((ulong)random.NextInt64());
            faults.Refuse(1 + i % 6, 1 + i % 3);
            StoreOutcome outcome = store.Write(page, data);
            faults.Clear();
            if (outcome == StoreOutcome.Full)
                refused++;
            else
                model[page] = data;
            Assert.Equal(model.TryGetValue(page, out byte[]? expected), store.TryRead(page, read));
            if (expected is not null)
                Assert.Equal(expected, read);
            if (model.Count > 1500)
            {
                long victim = model.Keys.First();
                Assert.Equal(1, store.Discard(victim));
                model.Remove(victim);
            }
        }
        Assert.True(refused > 500, $"only {refused} writes were refused");
        Assert.Equal(model.Keys.Order(), store.EnumeratePages());
        store.Discard(0, PageStore.MaxPage + 1);
        Assert.Equal(0, store.GetStatistics().PoolBytes);
    }

    [Fact]
    public void The_table_takes_at_most_sixteen_bytes_a_page_with_the_way_back_and_the_check()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 256 << 20 });
        const int Count = 60_000;
        for (int i = 0; i < Count; i++)
            store.Write(i, Compressible((ulong)i, 0.3));
        long slots = store.GetStatistics().SlotTableBytes;
        Assert.InRange((double)slots / Count + sizeof(ulong), 16, 16.2);
    }

    [Fact]
    public void Releases_everything_when_disposed_and_then_refuses()
    {
        PageStore store = Make();
        for (int i = 0; i < 1000; i++)
            store.Write(i, Compressible((ulong)i, 0.5));
        MemoryBudget budget = store.Index.Budget;
        store.Dispose();
        store.Dispose();
        Assert.Equal(0, budget.Used);
        Assert.Throws<ObjectDisposedException>(() => store.Write(0, new byte[PageSize]));
        Assert.Throws<ObjectDisposedException>(() => store.TryRead(0, new byte[PageSize]));
        Assert.Throws<ObjectDisposedException>(() => store.Discard(0));
    }

    [Fact]
    public void The_high_water_mark_can_begin_anew()
    {
        using PageStore store = Make();
        for (int i = 0; i < 1000; i++)
            store.Write(i, Compressible((ulong)i, 1));
        store.Discard(0, 1000);
        store.Compact();
        Assert.True(store.GetStatistics().PeakBytes > 1000 * PageSize);
        store.ResetPeak();
        Assert.True(store.GetStatistics().PeakBytes < 100 * PageSize);
    }

    [Fact]
    public unsafe void A_page_that_was_stored_in_a_larger_ones_place_is_read_moved_and_freed_like_any_other()
    {
        // Too small a limit for a reserve.
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 250_000 });
        int stored = 0;
        while (store.Write(stored, Compressible((ulong)stored, 0.6)) != StoreOutcome.Full)
            stored++;
        // Full: what shrinks has nowhere else to go.
        byte[] buffer = new byte[PageSize];
        List<int> misplaced = [];
        for (int page = 0; page < stored; page++)
        {
            Assert.NotEqual(StoreOutcome.Full, store.Write(page, Compressible((ulong)page + 1000, 0.5)));
            if (SlotWord.Kind(*store.Index.Slots.Find((uint)page)) == SlotKind.MisplacedObject)
                misplaced.Add(page);
        }
        Assert.NotEmpty(misplaced);
        for (int page = 0; page < stored; page += 2)
            store.Discard(page);
        store.Compact();
        for (int page = 1; page < stored; page += 2)
        {
            Assert.True(store.TryRead(page, buffer));
            Assert.True(buffer.AsSpan().SequenceEqual(Compressible((ulong)page + 1000, 0.5)));
        }
        // In its own class again, or gone: nothing of it is left behind.
        foreach (int page in misplaced.Where(page => page % 2 == 1))
        {
            store.Write(page, Compressible((ulong)page + 2000, 0.5));
            Assert.Equal(SlotKind.Object, SlotWord.Kind(*store.Index.Slots.Find((uint)page)));
        }
        store.Discard(0, stored);
        Assert.Equal(0, store.GetStatistics().PoolBytes);
    }

    private static PageStore Make() => new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 32 << 20 });

    private static byte[] Compressible(ulong key, double share)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, key, share);
        return page;
    }

    private static unsafe int FlipOneBit(PageStore store, long page, Func<int, int> choose)
    {
        ObjectView view = store.Index.Heap.View(*store.Index.Slots.Find((uint)page));
        int bit = choose(view.Length * 8);
        int at = bit / 8;
        byte* place = at < view.FirstLength ? view.First + at : view.Second + (at - view.FirstLength);
        *place ^= (byte)(1 << bit % 8);
        return bit;
    }
}
