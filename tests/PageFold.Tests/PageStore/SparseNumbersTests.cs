namespace PageFold.Tests.Store;

/// <summary>Pages whose numbers lie far apart take parts of the tables each; those come back with the pages.</summary>
public class SparseNumbersTests
{
    private const long Limit = 16L << 20;
    private const long Apart = 1 << 19;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tables_of_sparse_numbers_are_gone_when_their_pages_are_discarded(bool trackAccess)
    {
        using PageStore store = Make(trackAccess);
        store.Compact();
        long empty = store.GetStatistics().TotalBytes;
        for (int round = 0; round < 2; round++)
        {
            WriteSparsely(store);
            Assert.True(store.GetStatistics().TotalBytes > 8 << 20);
            store.Discard(0, PageStore.MaxPage + 1);
            // The background may be inside, and the tables go back only while no other thread is.
            Assert.True(SpinWait.SpinUntil(
                () =>
                {
                    store.Compact();
                    return store.GetStatistics().TotalBytes <= empty;
                },
                TimeSpan.FromSeconds(30)));
            Assert.Equal(0, store.GetStatistics().SlotTableBytes);
            Assert.Equal(0, store.GetStatistics().AccessTableBytes);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_store_full_of_tables_takes_pages_again_once_it_is_discarded(bool trackAccess)
    {
        using PageStore store = Make(trackAccess);
        byte[] page = new byte[4096];
        int fresh = FillWithRandom(store, page);
        store.Discard(0, PageStore.MaxPage + 1);
        WriteSparsely(store);
        store.Discard(0, PageStore.MaxPage + 1);
        Assert.InRange(FillWithRandom(store, page), fresh * 9 / 10, int.MaxValue);
    }

    [Fact]
    public void A_run_ends_with_its_part_of_the_table_where_the_next_part_is_missing()
    {
        using PageStore store = Make(trackAccess: false);
        long part = store.Index.Slots.LeafLength;
        byte[] page = new byte[4096];
        Pages.Fill(page, 1);
        foreach (long number in (long[])[part - 3, part - 2, part - 1, 5 * part])
            store.Write(number, page);
        Assert.Equal((3, PageState.Incompressible), RunAt(part - 3));
        Assert.Equal((4 * part, null), RunAt(part));
        Assert.Equal((1, PageState.Incompressible), RunAt(5 * part));
        Assert.Equal((PageStore.MaxPage - 5 * part, null), RunAt(5 * part + 1));

        (long, PageState?) RunAt(long first)
        {
            PageRun run = store.RunAt(first, PageStore.MaxPage + 1 - first);
            return (run.Count, run.State);
        }
    }

    private static PageStore Make(bool trackAccess) => new(new PageStoreOptions { MemoryLimit = Limit, TrackAccess = trackAccess });

    private static void WriteSparsely(PageStore store)
    {
        byte[] page = new byte[4096];
        for (long number = 0; number <= PageStore.MaxPage; number += Apart)
        {
            page.AsSpan().Fill((byte)(number / Apart));
            if (store.Write(number, page) == StoreOutcome.Full)
                return;
        }
    }

    private static int FillWithRandom(PageStore store, byte[] page)
    {
        for (int number = 0; ; number++)
        {
            Pages.Fill(page, (ulong)number);
            if (store.Write(number, page) == StoreOutcome.Full)
                return number;
        }
    }
}
