using PageFold.Frames;

namespace PageFold.Tests.Allocation;

/// <summary>The tables of handles that are not valid any more go back, and what was valid stays so; stale handles stay stale.</summary>
public class HandleTablesComeBackTests
{
    [Fact]
    public void A_pool_that_was_emptied_holds_what_an_empty_pool_holds()
    {
        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 64 << 20 });
        pool.Free(pool.Allocate(1));
        CompactUntil(pool, int.MaxValue);
        long empty = pool.GetStatistics().TotalBytes;
        List<ZsHandle> stale = [];
        for (int round = 0; round < 3; round++)
        {
            List<ZsHandle> live = [.. Enumerable.Range(0, 100_000).Select(_ => pool.Allocate(1))];
            Assert.True(pool.GetStatistics().TableBytes > 100_000 * 12);
            Assert.Equal(live.Count + stale.Count, live.Concat(stale).Distinct().Count());
            foreach (ZsHandle handle in live)
                pool.Free(handle);
            // What stays: 4 bytes for every 1,024 handles there were at once, in blocks of 4 KiB, and the way to them.
            CompactUntil(pool, empty + (8 << 10));
            stale.AddRange(live.Where((_, i) => i % 300 == 0));
            Assert.All(stale, handle => Assert.Throws<InvalidHandleException>(() => pool.SizeOf(handle)));
        }
    }

    [Fact]
    public void Handles_keep_their_meaning_whatever_parts_of_the_tables_come_and_go() =>
        Gen.Int[0, int.MaxValue].Sample(seed =>
        {
            Random random = new(seed);
            using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 64 << 20 });
            List<(ZsHandle Handle, int Size)> live = [];
            HashSet<ZsHandle> seen = [];
            List<ZsHandle> stale = [];
            for (int step = 0; step < 12; step++)
            {
                for (int count = random.Next(4000); count > 0; count--)
                {
                    int size = 1 + random.Next(40);
                    ZsHandle handle = pool.Allocate(size);
                    Assert.True(seen.Add(handle));
                    live.Add((handle, size));
                }
                // A few, most, or all but a stretch, so that some leaves are left with nothing.
                int from = random.Next(live.Count + 1);
                int to = Math.Min(live.Count, from + random.Next(3000));
                List<(ZsHandle Handle, int Size)> gone = random.Next(2) == 0 ? live[from..to] : [.. live[..from], .. live[to..]];
                foreach ((ZsHandle handle, _) in gone)
                {
                    pool.Free(handle);
                    if (random.Next(10) == 0)
                        stale.Add(handle);
                }
                live = [.. live.Except(gone)];
                if (random.Next(2) == 0)
                    pool.Compact();
                Assert.All(live, entry => Assert.Equal(entry.Size, pool.SizeOf(entry.Handle)));
                Assert.All(stale, handle => Assert.Throws<InvalidHandleException>(() => pool.Free(handle)));
                Assert.Equal(live.Count, pool.GetStatistics().Objects);
            }
        }, iter: 6, threads: 1);

    [Fact]
    public void A_pool_full_of_handles_takes_large_objects_again_once_they_are_freed()
    {
        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 8 << 20 });
        int fresh = FillWithLarge(pool);
        for (int round = 0; round < 3; round++)
        {
            List<ZsHandle> live = [];
            while (pool.TryAllocate(1, out ZsHandle handle))
                live.Add(handle);
            Assert.True(live.Count > 100_000);
            foreach (ZsHandle handle in live)
                pool.Free(handle);
            Assert.InRange(FillWithLarge(pool), fresh - 8, fresh + 8);
        }
    }

    [Fact]
    public void Tables_that_are_refused_their_memory_at_any_point_are_whole_afterwards()
    {
        for (int nth = 1; nth < 12; nth++)
        {
            AllocationFaults faults = new();
            using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 64 << 20, Faults = faults });
            List<ZsHandle> live = [.. Enumerable.Range(0, 5000).Select(_ => pool.Allocate(1))];
            foreach (ZsHandle handle in live[1000..])
                pool.Free(handle);
            pool.Compact();
            live.RemoveRange(1000, 4000);
            for (int i = 0; i < 5000; i++)
            {
                if (i % 50 == 0)
                    faults.Refuse(nth, 2);
                if (pool.TryAllocate(1, out ZsHandle handle))
                    live.Add(handle);
            }
            faults.Clear();
            Assert.Equal(live.Count, live.Distinct().Count());
            foreach (ZsHandle handle in live)
                pool.Free(handle);
            Assert.Equal(0, pool.GetStatistics().Objects);
        }
    }

    [Fact]
    public void Buffers_of_straddling_maps_go_back()
    {
        using ZsPool pool = new(new ZsPoolOptions { FrameSize = 65536, MemoryLimit = 64 << 20, NoNeighbours = true });
        ZsHandle[] handles = [.. Enumerable.Range(0, 20).Select(_ => pool.Allocate(40_000))];
        long before = CompactUntil(pool, long.MaxValue);
        foreach (ZsHandle handle in handles)
            pool.Map(handle, MapMode.Write).Dispose();
        Assert.True(pool.GetStatistics().TableBytes > before + 65536 - 4096);
        // The entries of mappings stay.
        CompactUntil(pool, before + (8 << 10));
        foreach (ZsHandle handle in handles)
            pool.Map(handle, MapMode.Write).Dispose();
    }

    private static int FillWithLarge(ZsPool pool)
    {
        List<ZsHandle> live = [];
        while (pool.TryAllocate(4096, out ZsHandle handle))
            live.Add(handle);
        foreach (ZsHandle handle in live)
            pool.Free(handle);
        return live.Count;
    }

    /// <summary>Compacts until the tables hold no more than that, which waits for the background to be elsewhere.</summary>
    private static long CompactUntil(ZsPool pool, long bytes)
    {
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                pool.Compact();
                return pool.GetStatistics().TableBytes <= bytes;
            },
            TimeSpan.FromSeconds(60)));
        return pool.GetStatistics().TableBytes;
    }
}
