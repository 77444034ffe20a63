using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Writes that find frames and no memory for tables.</summary>
public sealed partial class ReclaimTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_write_that_lacks_other_memory_than_frames_leaves_most_pages_where_they_are(bool prefault)
    {
        Assert.SkipUnless(!prefault || OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        const int Count = 4000;
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 20 << 20, Faults = faults,
            Writeback = new() { Path = Target, DirectReclaim = true } });
        if (prefault)
            store.Prefault();
        byte[] page = new byte[4096];
        for (int i = 0; i < Count; i++)
            Write(store, page, i, 1, share: 1);
        // The system has no memory for anything, whatever is free.
        faults.Refuse(1, long.MaxValue);
        Assert.False(TryWrite(store, page, 1 << 30, 1, share: 1));
        faults.Clear();
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.Equal(1, statistics.RefusedWrites);
        Assert.InRange(statistics.WrittenBackPages, 0, Count / 4);
        for (int i = 0; i < Count; i++)
            AssertHolds(store, page, i, 1);
        Write(store, page, 1 << 30, 1, share: 1);
        AssertHolds(store, page, 1 << 30, 1);
    }

    [Theory]
    [InlineData(4096, 4096, false)]
    [InlineData(4096, 4096, true)]
    [InlineData(4096, 16384, false)]
    [InlineData(16384, 16384, true)]
    public void Tables_get_the_memory_of_frames_that_are_held_and_idle_and_no_new_page_is_refused(int pageSize, int frameSize, bool isFull)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        const long Limit = 16 << 20;
        const int Directories = 200;
        using PageStore store = new(new PageStoreOptions { PageSize = pageSize, FrameSize = frameSize, MemoryLimit = Limit,
            TrackAccess = true, Writeback = new() { Path = Target, DirectReclaim = true } });
        byte[] page = new byte[pageSize];
        int dense = (int)(Limit / pageSize) * 3 / 2;
        if (isFull)
        {
            for (int i = 0; i < dense; i++)
                Write(store, page, i, 1, share: 1);
        }
        store.Prefault();
        // What is left beside the frames is used up.
        Assert.True(store.TrySetOwnerBytes(store.Index.Budget.Available));
        for (int i = 0; i < dense; i++)
            Write(store, page, i, 2, share: 1);
        long written = store.GetStatistics().WritebackWrites;
        // Each of these needs a leaf of its own, and a block of the directory.
        long stride = store.Index.Slots.LeafLength * 1024L;
        for (int i = 1; i <= Directories; i++)
        {
            WriteSparse(store, page, (int)(i * stride), (ulong)i);
            AssertWithin();
        }
        // A batch makes room for many: the pages are not moved for nothing.
        written = store.GetStatistics().WritebackWrites - written;
        Assert.InRange(written * pageSize, 0, Directories * (4L * frameSize + pageSize) * 2 + (2 << 20));
        // Each word is another.
        for (int i = 0; i < 20_000; i++)
        {
            MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(0x9E3779B97F4A7C15 * (ulong)(i + 1));
            Assert.Equal(StoreOutcome.SameFilled, store.Write(dense + i, page));
        }
        AssertWithin();
        Assert.Equal(0, store.GetStatistics().RefusedWrites);
        for (int i = 0; i < dense; i++)
            AssertHolds(store, page, i, 2);
        for (int i = 1; i <= Directories; i++)
            Assert.True(store.TryRead((int)(i * stride), page) && Pages.Holds(page, (ulong)i), $"directory {i}");
        for (int i = 0; i < 20_000; i++)
        {
            Assert.True(store.TryRead(dense + i, page));
            Assert.False(MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).ContainsAnyExcept(0x9E3779B97F4A7C15 * (ulong)(i + 1)));
        }
        // When the tables are gone, as much as ever is held by pages.
        store.Discard(0, PageStore.MaxPage + 1);
        store.Compact();
        for (int i = 0; i < dense; i++)
            Write(store, page, i, 3, share: 1);
        AssertWithin();
        Assert.InRange(store.GetStatistics().TotalBytes, Limit - (1 << 20), Limit);

        void AssertWithin()
        {
            Assert.True(store.Index.Budget.Used + store.Index.Budget.Idle <= Limit && store.GetStatistics().PeakBytes <= Limit);
            FrameArena arena = store.Index.Heap.Arena;
            Assert.InRange(arena.MeasureResidentOf(Limit), 0, arena.CommittedBytes + store.Index.Budget.Idle);
        }

        static void WriteSparse(PageStore store, byte[] page, int number, ulong key)
        {
            Pages.Fill(page, key);
            Assert.True(store.Write(number, page) != StoreOutcome.Full, $"page {number}: {store.GetStatistics()}");
        }
    }

    [Fact]
    public void A_write_that_lacks_a_segment_of_large_frames_moves_pages()
    {
        const int Frame = 65536;
        const long Limit = 32 << 20;
        const int Count = 2 * (int)(Limit / Frame);
        const long Owner = 4 << 20;
        using PageStore store = new(new PageStoreOptions { PageSize = Frame, FrameSize = Frame, MemoryLimit = Limit,
            Backing = FrameBackingKind.Portable, OwnerBytes = Owner, Writeback = new() { Path = Target, DirectReclaim = true } });
        byte[] page = new byte[Frame];
        for (int i = 0; i < Count; i++)
            Write(store, page, i, 1, share: 1);
        Assert.True(store.GetStatistics().WrittenBackPages > 0);
        // A segment is sixteen frames and what the allocator puts around them: a little too much for what is free.
        const long Free = (1 << 20) + 2000;
        Assert.True(store.Index.Budget.Available < Free && store.TrySetOwnerBytes(Owner - (Free - store.Index.Budget.Available)));
        for (int i = 0; i < 2 * Count; i++)
            Write(store, page, i, 2, share: 1);
        Assert.Equal(0, store.GetStatistics().RefusedWrites);
    }

    [Fact]
    public async Task Threads_that_need_frames_and_tables_at_the_limit_are_all_served()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        const long Limit = 16 << 20;
        const int Threads = 3;
        const int Own = 2500;
        using PageStore store = new(
            new PageStoreOptions { MemoryLimit = Limit, Writeback = new() { Path = Target, DirectReclaim = true } });
        store.Prefault();
        // Enough for the codec streams of all threads.
        Assert.True(store.TrySetOwnerBytes(store.Index.Budget.Available - (256 << 10)));
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(thread);
            Dictionary<long, ulong> held = [];
            byte[] page = new byte[4096];
            for (ulong version = 1; version < (ulong)Rounds.Of(6000); version++)
            {
                // Some pages have a directory block of their own, and every third is filled with a word of its own.
                long index = random.Next(Own) * Threads + thread;
                long number = index % 41 == 0 ? index << 19 & PageStore.MaxPage : index;
                ulong key = version << 8 | (uint)thread;
                if (random.Next(8) == 0)
                {
                    store.Discard(number);
                    held.Remove(number);
                    continue;
                }
                Fill(page, number, key);
                Assert.True(store.Write(number, page) != StoreOutcome.Full, $"page {number}: {store.GetStatistics()}");
                held[number] = key;
            }
            byte[] read = new byte[4096];
            foreach ((long number, ulong key) in held)
            {
                Fill(page, number, key);
                Assert.True(store.TryRead(number, read) && read.AsSpan().SequenceEqual(page), $"page {number}");
            }
        })));
        Assert.True(store.GetStatistics().WrittenBackPages > 0);
        Assert.Equal(0, store.GetStatistics().RefusedWrites);
        Assert.InRange(store.GetStatistics().PeakBytes, Limit / 2, Limit);
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentOf(Limit), 0, store.Index.Heap.Arena.CommittedBytes + store.Index.Budget.Idle);

        static void Fill(byte[] page, long number, ulong key)
        {
            if (number % 3 == 0)
                MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(key * 0x9E3779B97F4A7C15);
            else
                Pages.Fill(page, key << 32 ^ (ulong)number);
        }
    }
}
