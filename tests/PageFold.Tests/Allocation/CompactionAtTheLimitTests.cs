using PageFold.Allocation;
using PageFold.Tests.Mapping;

namespace PageFold.Tests.Allocation;

/// <summary>Memory comes back where it is hardest to get: at the limit, with holes everywhere, with objects that cannot move.</summary>
public abstract class CompactionAtTheLimitTests
{
    private readonly MappingKind _mapping;

    protected CompactionAtTheLimitTests(MappingKind mapping)
    {
        WindowTests.SkipUnlessPossible(mapping);
        _mapping = mapping;
    }

    private const int PageSize = 4096;

    [Theory]
    [InlineData(3700, 3)]
    [InlineData(2600, 4)]
    public void Compaction_goes_on_when_every_place_left_needs_a_frame(int size, int keepEvery)
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 8 << 20 });
        long stored = 0;
        while (store.Write(stored, Compressible((ulong)stored, (size - 20) / 4096.0)) != StoreOutcome.Full)
            stored++;
        for (long page = 0; page < stored; page++)
        {
            if (page % keepEvery != 0)
                store.Discard(page);
        }
        // What came back is taken again at once, before the background has looked.
        for (long page = 100_000; store.Write(page, Compressible((ulong)page, 1)) != StoreOutcome.Full; page++)
            continue;
        store.Compact();
        IReadOnlyList<SizeClassStatistics> classes = store.GetStatistics().Classes;
        Assert.True(classes.Sum(c => c.ReclaimableFrames) <= 20, $"{classes.Sum(c => c.ReclaimableFrames)} frames were left that could go");
    }

    [Fact]
    public void Overwrites_that_shrink_give_memory_back_at_the_limit_too()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 8 << 20 });
        long stored = 0;
        while (store.Write(stored, Compressible((ulong)stored, 1)) != StoreOutcome.Full)
            stored++;
        for (long page = 0; page < stored; page++)
            Assert.Equal(StoreOutcome.Stored, store.Write(page, Compressible((ulong)page, 0.02)));
        store.Compact();
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.True(statistics.PoolBytes < 2 * statistics.CompressedBytes,
            $"{statistics.PoolBytes} bytes of frames for {statistics.CompressedBytes}");
        byte[] read = new byte[PageSize];
        for (long page = 0; page < stored; page++)
        {
            Assert.True(store.TryRead(page, read));
            Assert.Equal(Compressible((ulong)page, 0.02), read);
        }
    }

    [Fact]
    public void Mapped_objects_keep_their_zspages_and_no_others_from_being_compacted()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 64 << 20 });
        ZsHandle[] handles = [.. Enumerable.Range(0, 12_000).Select(_ => pool.Allocate(2500))];
        Random random = new(1);
        List<ZsHandle> live = [];
        foreach (ZsHandle handle in handles)
        {
            if (random.Next(2) == 0)
                pool.Free(handle);
            else
                live.Add(handle);
        }
        MapAndCompact(pool, live, 0);

        static void MapAndCompact(ZsPool pool, List<ZsHandle> live, int depth)
        {
            const int Mapped = 60;
            if (depth < Mapped)
            {
                using ZsReadMap map = pool.MapRead(live[depth * live.Count / Mapped]);
                MapAndCompact(pool, live, depth + 1);
                return;
            }
            pool.Compact();
            // A mapped object keeps the two frames it lies in, and compaction on request leaves a 512th. How much the background had done
            // before does not matter.
            ZsPoolStatistics statistics = pool.GetStatistics();
            long left = statistics.Classes.Sum(c => c.ReclaimableFrames);
            Assert.True(left <= 2 * Mapped + statistics.Classes.Sum(c => c.Frames) / 512,
                $"{left} frames are left that could go, with {Mapped} objects mapped");
        }
    }

    [Fact]
    public void An_allocation_reclaims_from_the_next_class_when_the_sparsest_is_held()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 4 << 20 });
        List<ZsHandle> held = [.. Enumerable.Range(0, 500).Select(_ => pool.Allocate(3000))];
        List<ZsHandle> other = [];
        while (pool.TryAllocate(2000, out ZsHandle handle))
            other.Add(handle);
        for (int i = 0; i < held.Count; i++)
        {
            if (i % 3 != 0)
                pool.Free(held[i]);
        }
        for (int i = 0; i < other.Count; i += 2)
            pool.Free(other[i]);
        HoldAll(pool, [.. held.Where((_, i) => i % 3 == 0)], 0);

        static void HoldAll(ZsPool pool, ZsHandle[] handles, int depth)
        {
            if (depth < handles.Length)
            {
                using ZsReadView view = pool.ViewRead(handles[depth]);
                HoldAll(pool, handles, depth + 1);
                return;
            }
            int taken = 0;
            while (pool.TryAllocate(4000, out _))
                taken++;
            Assert.True(taken > 100, $"only {taken} objects found room");
        }
    }

    [Fact]
    public void A_new_part_of_the_slot_table_reclaims_too()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20 });
        long stored = 0;
        while (store.Write(stored, Compressible((ulong)stored, 0.6)) != StoreOutcome.Full)
            stored++;
        // Half of everything goes, and what came back as whole frames is taken by others: what is left to get lies in holes.
        for (long page = 0; page < stored; page += 2)
            store.Discard(page);
        while (store.Index.Heap.Arena.TryAllocate(out _))
            continue;
        for (int i = 0; i < 20; i++)
            Assert.NotEqual(StoreOutcome.Full, store.Write(1_000_000L * (i + 1), Compressible((ulong)i, 0.1)));
    }

    [Fact]
    public void Parts_of_the_tables_that_hold_nothing_any_more_go_back()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20 });
        byte[] page = new byte[PageSize];
        long first = 0;
        for (int round = 0; round < 6; round++)
        {
            // Each page in a leaf of its own, with a word of its own, and all of it forgotten again; each round elsewhere.
            long accepted = 0;
            for (long i = 0; ; i++, accepted++)
            {
                Fill(page, 0x0123456789ABCDEF * (ulong)(i + 1));
                byte[] content = i % 2 == 0 ? page : Compressible((ulong)i, 0.3);
                long place = (round * 3000L + i) * 512;
                // Tables are cleared while nobody else is inside, the background included, which may stay a while.
                if (!SpinWait.SpinUntil(() => store.Write(place, content) != StoreOutcome.Full, 300))
                    break;
            }
            first = round == 0 ? accepted : first;
            Assert.InRange(accepted, first * 9 / 10, first * 11 / 10);
            store.Discard(0, PageStore.MaxPage + 1);
        }
        store.Compact();
        Assert.True(store.GetStatistics().TotalBytes < 300_000, $"an empty store holds {store.GetStatistics().TotalBytes} bytes");
    }

    [Fact]
    public void Refused_writes_leave_nothing_behind()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 2 << 20 });
        long stored = 0;
        while (store.Write(stored, Compressible((ulong)stored, 1)) != StoreOutcome.Full)
            stored++;
        for (long i = 0; i < 500; i++)
        {
            // One frame comes back and is taken by a page elsewhere, or not; in the end the first pages find their place again.
            store.Discard(i % stored);
            store.Write(1_000_000 + i * 5000, Compressible((ulong)i, 1));
            store.Discard(1_000_000 + i * 5000);
            Assert.NotEqual(StoreOutcome.Full, store.Write(i % stored, Compressible((ulong)i, 1)));
        }
    }

    [Fact]
    public void Of_classes_with_equally_much_to_spare_each_is_asked()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 2 << 20 });
        ZsHandle[] held = [.. Enumerable.Range(0, 120).Select(_ => pool.Allocate(1000))];
        ZsHandle[] other = [.. Enumerable.Range(0, 120).Select(_ => pool.Allocate(1008))];
        while (pool.TryAllocate(4096, out _))
            continue;
        for (int i = 0; i < 120; i++)
        {
            if (i % 3 == 0)
                continue;
            pool.Free(held[i]);
            pool.Free(other[i]);
        }
        Hold(pool, held, 0);

        static void Hold(ZsPool pool, ZsHandle[] held, int next)
        {
            if (next < held.Length)
            {
                using ZsReadView view = pool.ViewRead(held[next]);
                Hold(pool, held, next + 3);
                return;
            }
            int taken = 0;
            while (pool.TryAllocate(4096, out _))
                taken++;
            Assert.True(taken > 8, $"only {taken} objects found room");
        }
    }

    [Fact]
    public void Another_word_takes_the_place_of_a_word_that_only_this_page_has()
    {
        using PageStore store = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 512 << 10 });
        byte[] page = new byte[PageSize];
        // Until neither a new word nor anything else finds room.
        long stored = 0;
        for (; ; stored++)
        {
            Fill(page, 0x0123456789ABCDEF * (ulong)(stored + 1));
            if (store.Write(stored, page) != StoreOutcome.SameFilled)
                break;
            if (stored == 62)
            {
                for (long raw = 1000; store.Write(raw, Compressible((ulong)raw, 1)) != StoreOutcome.Full; raw++)
                    continue;
            }
        }
        store.Discard(stored);
        for (long raw = 2000; store.Write(raw, Compressible((ulong)raw, 0.01)) != StoreOutcome.Full; raw++)
            continue;
        for (int i = 0; i < 40; i++)
        {
            Fill(page, 0xFEDCBA9876543210 + (ulong)i);
            Assert.Equal(StoreOutcome.SameFilled, store.Write(i, page));
            byte[] read = new byte[PageSize];
            Assert.True(store.TryRead(i, read));
            Assert.Equal(page, read);
        }
    }

    [Fact]
    public void Compaction_ends_though_everything_is_pinned()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 8 << 20 });
        ZsHandle[] handles = [.. Enumerable.Range(0, 300).Select(_ => pool.Allocate(3000))];
        for (int i = 0; i < handles.Length; i += 3)
            pool.Free(handles[i]);
        Hold(pool, handles, 1);

        static void Hold(ZsPool pool, ZsHandle[] handles, int next)
        {
            if (next < handles.Length)
            {
                using ZsReadView view = pool.ViewRead(handles[next]);
                Hold(pool, handles, next % 3 == 2 ? next + 2 : next + 1);
                return;
            }
            Assert.Equal(0, pool.Compact().ObjectsMoved);
        }
    }

    [Fact]
    public void Each_class_of_the_table_finds_its_own_size() =>
        Assert.All(SizeClasses.For(4096, 64).Geometries, (geometry, number) =>
            Assert.Equal(number, SizeClasses.For(4096, 64).IndexFor(geometry.ObjectSize)));

    private static byte[] Compressible(ulong key, double share)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, key, share);
        return page;
    }

    private static void Fill(byte[] page, ulong word) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(word);
}

/// <inheritdoc/>
public sealed class CompactionAtTheLimitTestsByCopy() : CompactionAtTheLimitTests(MappingKind.Copy);

/// <inheritdoc/>
public sealed class CompactionAtTheLimitTestsThroughWindows() : CompactionAtTheLimitTests(MappingKind.Window);
