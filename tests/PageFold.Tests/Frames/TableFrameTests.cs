using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>Frames of tables lie together, so that huge pages can back them, and cost nobody a frame.</summary>
public class TableFrameTests
{
    private const int PageSize = 4096;
    private const int PagesPerLeaf = PageSize / sizeof(ulong);

    // More leaves than one block of 2 MiB has frames.
    private const int Leaves = 700;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_block_of_tables_is_merged_and_its_slots_stay()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 128L << 20 });
        byte[] page = new byte[PageSize];
        for (int leaf = 0; leaf < Leaves; leaf++)
        {
            page.AsSpan().Fill((byte)leaf);
            store.Write((long)leaf * PagesPerLeaf, page);
        }
        long held = store.GetStatistics().TotalBytes;
        WaitForHugePages(store.Index.Heap.Arena);
        Assert.Equal(held, store.GetStatistics().TotalBytes);
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentBytes(), 1, store.Index.Heap.Arena.CommittedBytes);
        for (int leaf = 0; leaf < Leaves; leaf++)
        {
            Assert.True(store.TryRead((long)leaf * PagesPerLeaf, page));
            Assert.Equal(-1, page.AsSpan().IndexOfAnyExcept((byte)leaf));
        }
        // A leaf in a huge page goes back like any other, and its neighbours stay.
        for (int leaf = 0; leaf < Leaves; leaf += 2)
            Assert.Equal(1, store.Discard((long)leaf * PagesPerLeaf));
        store.Compact();
        Assert.Equal(0, store.Index.Heap.Arena.HugeBytes);
        Assert.InRange(store.GetStatistics().TotalBytes, 1, held - (Leaves / 2 - 1) * PageSize);
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentBytes(), 1, store.Index.Heap.Arena.CommittedBytes);
        for (int leaf = 1; leaf < Leaves; leaf += 2)
        {
            Assert.True(store.TryRead((long)leaf * PagesPerLeaf, page));
            Assert.Equal(-1, page.AsSpan().IndexOfAnyExcept((byte)leaf));
        }
    }

    [Fact]
    public void Frames_that_are_set_aside_for_tables_are_for_anybody_when_no_others_are_left()
    {
        const long Limit = 32L << 20;
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = Limit });
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out uint table));
        HashSet<uint> frames = [table];
        while (arena.TryAllocate(out uint frame))
            Assert.True(frames.Add(frame), $"frame {frame} was handed out twice");
        // What is missing are the arena's own tables and part of a batch.
        Assert.InRange(frames.Count, Limit / PageSize - 64, Limit / PageSize);
        // And tables take any frame.
        arena.Free(frames.First(frame => frame != table));
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out _));
        Assert.False(arena.TryAllocateForTable(ReserveUse.None, out _));
    }

    [Fact]
    public void Frames_of_tables_are_neighbours_whatever_else_is_taken_in_between()
    {
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 64L << 20 });
        Assert.SkipUnless(OperatingSystem.IsLinux()
            && File.Exists("/sys/kernel/mm/transparent_hugepage/enabled"), "Frames are set aside where the kernel has huge pages.");
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out uint before));
        for (int i = 0; i < 100; i++)
        {
            Assert.True(arena.TryAllocate(out _));
            Assert.True(arena.TryAllocateForTable(ReserveUse.None, out uint next));
            Assert.Equal(before + 1, next);
            before = next;
        }
    }

    [Fact]
    public void A_table_that_comes_and_goes_commits_no_memory_again()
    {
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 64L << 20 });
        arena.DeferUpkeep(static () => { });
        for (int i = 0; i < 100; i++)
            Assert.True(arena.TryAllocate(out _));
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out uint first));
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out uint second));
        long held = arena.CommittedBytes;
        for (int i = 0; i < 1000; i++)
        {
            arena.Free(first);
            arena.Free(second);
            Assert.True(arena.TryAllocateForTable(ReserveUse.None, out first));
            Assert.True(arena.TryAllocateForTable(ReserveUse.None, out second));
        }
        Assert.Equal(held, arena.CommittedBytes);
    }

    [Fact]
    public void Tables_take_frames_that_are_free_before_memory_is_committed_for_them()
    {
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 64L << 20 });
        arena.DeferUpkeep(static () => { });
        uint[] frames = [.. Enumerable.Range(0, 60).Select(_ => arena.TryAllocate(out uint frame) ? frame : FrameArena.NoFrame)];
        Array.ForEach(frames, arena.Free);
        long held = arena.CommittedBytes;
        for (int i = 0; i < 30; i++)
            Assert.True(arena.TryAllocateForTable(ReserveUse.None, out _));
        Assert.Equal(held, arena.CommittedBytes);
    }

    [Fact]
    public void A_small_arena_sets_nothing_aside()
    {
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 4L << 20 });
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out uint table));
        Assert.True(arena.TryAllocate(out uint other));
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out uint second));
        Assert.Equal((0u, 1u, 2u), (table, other, second));
    }

    private static void WaitForHugePages(FrameArena arena)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux()
            && File.Exists("/sys/kernel/mm/transparent_hugepage/enabled"), "Huge pages are made on Linux, where the kernel has them.");
        long until = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (arena.HugeBytes == 0 && Environment.TickCount64 < until)
            Task.Delay(20).Wait();
        Assert.SkipWhen(arena.HugeBytes == 0, "The system has no huge page to spare, or may not merge any.");
    }
}
