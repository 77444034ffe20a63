using PageFold.Store.Index;
namespace PageFold.Tests.Store;

/// <summary>Walks over ranges agree with a look at each page, and cost by what is stored in the range.</summary>
public class WalkTests
{
    private const long Everything = PageStore.MaxPage + 1;

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void An_empty_store_is_one_run_and_each_walk_looks_at_its_one_leaf(int pageSize)
    {
        using PageStore store = Make(pageSize);
        long before = PageIndex.LeavesWalked;
        Assert.Equal(new PageRun { Count = Everything, State = null, ReadsAsZeros = true }, store.RunAt(0, Everything));
        Assert.False(store.TryFindNext(0, out _));
        Assert.Equal(0, store.Discard(0, Everything));
        Assert.Empty(store.EnumeratePages());
        Assert.InRange(PageIndex.LeavesWalked - before, 0, 4);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Few_pages_far_apart_cost_a_few_leaves(int pageSize)
    {
        const int Count = 16;
        using PageStore store = Make(pageSize);
        byte[] page = new byte[pageSize];
        long[] numbers = [.. Enumerable.Range(0, Count).Select(i => i * (Everything / Count) + i * 7)];
        foreach (long number in numbers)
            Assert.Equal(StoreOutcome.SameFilled, store.Write(number, page));
        long before = PageIndex.LeavesWalked;
        Assert.Equal(numbers, store.EnumeratePages());
        long at = 0;
        List<long> found = [];
        while (at < Everything)
        {
            PageRun run = store.RunAt(at, Everything - at);
            if (run.State is not null)
                found.Add(at);
            at += run.Count;
        }
        Assert.Equal(numbers, found);
        Assert.Equal(Count, store.Discard(0, Everything));
        Assert.InRange(PageIndex.LeavesWalked - before, Count, 12 * Count);
    }

    [Fact]
    public void A_walk_over_a_part_looks_at_no_leaf_behind_it()
    {
        using PageStore store = Make(4096);
        for (long number = 1 << 20; number < 2 << 20; number += 512)
            store.Write(number, new byte[4096]);
        store.Write(5, new byte[4096]);
        long before = PageIndex.LeavesWalked;
        Assert.False(store.TryFindNext(6, 100_000, out _));
        Assert.True(store.TryFindNext(0, 100_000, out long page));
        Assert.Equal(5, page);
        Assert.Equal(new PageRun { Count = 99_994, State = null, ReadsAsZeros = true }, store.RunAt(6, 99_994));
        Assert.InRange(PageIndex.LeavesWalked - before, 1, 6);
    }

    [Fact]
    public void A_table_that_was_emptied_is_looked_at_once_a_leaf()
    {
        const int Leaves = 200;
        using PageStore store = Make(4096);
        for (long number = 0; number < Leaves * 512; number += 3)
            store.Write(number, new byte[4096]);
        store.Discard(0, Leaves * 512);
        long before = PageIndex.LeavesWalked;
        Assert.Empty(store.EnumeratePages());
        Assert.Equal(Everything, store.RunAt(0, Everything).Count);
        Assert.InRange(PageIndex.LeavesWalked - before, 0, 2 * Leaves + 4);
    }

    [Fact]
    public void Runs_agree_with_a_look_at_each_page() => Gen.Int.Sample(
        seed =>
        {
            Random random = new(seed);
            using PageStore store = Make(4096);
            long origin = random.Next(2) == 0 ? 0 : Everything - 3000;
            for (int i = 0; i < 400; i++)
            {
                long number = origin + random.Next(3000);
                int run = random.Next(1, 60);
                for (long page = number; page < Math.Min(number + run, origin + 3000); page++)
                    store.Write(page, SnapshotFolder.MakePage(4096, i % 5, (ulong)i));
                if (random.Next(3) == 0)
                    store.Discard(number, Math.Min(100, origin + 3000 - number));
            }
            long at = origin + random.Next(500);
            while (at < origin + 3000)
            {
                long count = random.Next(1, (int)(origin + 3000 - at) + 1);
                PageRun run = store.RunAt(at, count);
                Assert.InRange(run.Count, 1, count);
                for (long page = at; page < at + run.Count; page++)
                    Assert.Equal((run.State, run.ReadsAsZeros), (store.StateOf(page), store.ReadsAsZeros(page)));
                at += run.Count;
                if (run.Count < count)
                    Assert.NotEqual((run.State, run.ReadsAsZeros), (store.StateOf(at), store.ReadsAsZeros(at)));
                bool any = store.TryFindNext(at < origin + 3000 ? at : at - 1, 1, out long next);
                Assert.Equal(any, store.Contains(at < origin + 3000 ? at : at - 1));
                Assert.Equal(any ? at < origin + 3000 ? at : at - 1 : 0, next);
            }
        },
        iter: 6);

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 0)]
    [InlineData(0, -1)]
    [InlineData(5, Everything)]
    [InlineData(Everything, 1)]
    public void Runs_outside_the_table_are_refused(long first, long count)
    {
        using PageStore store = Make(4096);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.RunAt(first, count));
        if (count != 0)
            Assert.Throws<ArgumentOutOfRangeException>(() => store.TryFindNext(first, count, out _));
    }

    private static PageStore Make(int pageSize) => new(new PageStoreOptions { PageSize = pageSize, MemoryLimit = 64 << 20 });
}
