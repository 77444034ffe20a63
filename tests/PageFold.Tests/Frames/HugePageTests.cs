using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>Frames that are all in use are merged into huge pages and cut apart again, and only the TLB notices.</summary>
public class HugePageTests
{
    private const int PageSize = 4096;
    private const int Pages = 3000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void Content_stays_while_blocks_are_merged_and_cut_apart()
    {
        using PageStore store = Make();
        byte[][] pages = [.. Enumerable.Range(0, Pages).Select(Noise)];
        for (int page = 0; page < Pages; page++)
            store.Write(page, pages[page]);
        WaitForHugePages(store);
        Verify(store, pages, step: 1);
        // A hole in every block: what goes back must not take its neighbours along.
        for (int page = 0; page < Pages; page += 2)
            store.Discard(page);
        store.Index.Heap.Arena.Trim();
        Assert.Equal(0, store.Index.Heap.Arena.HugeBytes);
        Verify(store, pages, step: 2);
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentBytes(), 1, store.Index.Heap.Arena.CommittedBytes);
    }

    [Fact]
    public void Merging_holds_no_more_than_the_limit_even_for_a_moment()
    {
        const long Limit = 10L << 20;
        using PageStore store = Make(Limit);
        int stored = 0;
        while (store.Write(stored, Noise(stored)) != StoreOutcome.Full)
            stored++;
        // There is no room for a second copy of a block, so none may be merged.
        long huge = store.Index.Heap.Arena.HugeBytes;
        for (int i = 0; i < 20; i++)
            store.Index.Heap.Arena.CollapseBlocksNow();
        Assert.Equal(huge, store.Index.Heap.Arena.HugeBytes);
        Assert.InRange(store.GetStatistics().PeakBytes, 1, Limit);
    }

    [Fact]
    public void Without_huge_pages_none_are_made()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64L << 20 });
        for (int page = 0; page < Pages; page++)
            store.Write(page, Noise(page));
        Assert.False(store.Index.Heap.Arena.CollapseBlocks() || store.Index.Heap.Arena.CollapseBlocksNow());
        Assert.Equal(0, store.Index.Heap.Arena.HugeBytes);
    }

    [Fact]
    public void Threads_read_and_write_whole_pages_while_blocks_are_merged_and_cut_apart()
    {
        using PageStore store = Make();
        for (int page = 0; page < Pages; page++)
            store.Write(page, Noise(page));
        WaitForHugePages(store);
        using CancellationTokenSource end = new();
        int verified = 0;
        // What is merged while the threads work, and cut apart again.
        int changes = 0;
        Task merging = Tests.Pages.OnItsOwnThread(() =>
        {
            for (long before = -1; !end.IsCancellationRequested; before = store.Index.Heap.Arena.HugeBytes)
            {
                store.Index.Heap.Arena.CollapseBlocksNow();
                changes += store.Index.Heap.Arena.HugeBytes != before && before >= 0 ? 1 : 0;
                store.Index.Heap.Arena.Trim();
            }
        });
        Crew.OnThreads(4, worker =>
        {
            Random random = new(worker);
            byte[] buffer = new byte[PageSize];
            for (int i = 0; i < 20_000; i++)
            {
                // A page is written by one worker alone, always with the same content, and gone in between.
                int page = random.Next(Pages / 4) * 4 + worker;
                if (random.Next(4) == 0)
                    store.Discard(page);
                else if (random.Next(2) == 0)
                    store.Write(page, Noise(page));
                else if (store.TryRead(page, buffer))
                {
                    Assert.True(buffer.AsSpan().SequenceEqual(Noise(page)));
                    Interlocked.Increment(ref verified);
                }
            }
        });
        end.Cancel();
        merging.Wait(TestContext.Current.CancellationToken);
        Assert.InRange(verified, 4 * 2000, int.MaxValue);
        Assert.True(changes > 0, "No block was merged or cut apart while the threads worked.");
    }

    [Fact]
    public void Blocks_are_counted_as_frames_come_and_go()
    {
        HugeBlocks blocks = new(512);
        blocks.Watch(0, 4);
        blocks.Commit(new FrameRun(0, 511));
        Assert.False(blocks.HasCandidates);
        blocks.Commit(new FrameRun(511, 600));
        Assert.True(blocks.TryTakeCandidate(out FrameRun first));
        Assert.Equal(new FrameRun(0, 512), first);
        Assert.True(blocks.TryTakeCandidate(out FrameRun second));
        Assert.Equal(new FrameRun(512, 512), second);
        Assert.False(blocks.TryTakeCandidate(out _));
        blocks.SetHuge(first);
        Assert.True(blocks.IsHuge(new FrameRun(500, 20)));
        Assert.False(blocks.IsHuge(second));
        blocks.Decommit(new FrameRun(510, 4));
        Assert.Equal(0u, blocks.HugeCount);
        blocks.Commit(new FrameRun(510, 4));
        Assert.True(blocks.TryTakeCandidate(out _) && blocks.TryTakeCandidate(out _));
    }

    private static PageStore Make(long limit = 64L << 20) => new(new PageStoreOptions { MemoryLimit = limit, HugePages = true });

    private static byte[] Noise(int seed)
    {
        byte[] page = new byte[PageSize];
        new Random(seed).NextBytes(page);
        return page;
    }

    private static void Verify(PageStore store, byte[][] pages, int step)
    {
        byte[] buffer = new byte[PageSize];
        for (int page = step - 1; page < Pages; page += step)
            Assert.True(store.TryRead(page, buffer) && buffer.AsSpan().SequenceEqual(pages[page]), $"page {page}");
    }

    private static void WaitForHugePages(PageStore store)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/sys/kernel/mm/transparent_hugepage/enabled"),
            "Huge pages are made on Linux, where the kernel has them.");
        long until = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (store.Index.Heap.Arena.HugeBytes == 0 && Environment.TickCount64 < until)
            Task.Delay(20).Wait();
        Assert.SkipWhen(store.Index.Heap.Arena.HugeBytes == 0, "The system has no huge page to spare, or may not merge any.");
    }
}
