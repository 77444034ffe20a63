using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Every page carries a version all through; a reader that finds two versions in one page has found a torn one.</summary>
public class PageStoreConcurrencyTests
{
    private const int PageSize = 4096;

    [Theory]
    [InlineData(64L << 20, false)]
    [InlineData(64L << 20, true)]
    [InlineData(2L << 20, false)]
    public void Readers_see_whole_versions_while_writers_overwrite_discard_and_compact(long limit, bool noNeighbours)
    {
        const int Count = 300;
        using PageStore store = new(new PageStoreOptions { MemoryLimit = limit, NoNeighbours = noNeighbours });
        long deadline = Environment.TickCount64 + 4000;
        long[] floor = new long[Count];
        Task[] writers = [.. Enumerable.Range(0, 3).Select(thread => Task.Run(() =>
        {
            Random random = new(thread);
            byte[] page = new byte[PageSize];
            while (Environment.TickCount64 < deadline)
            {
                // Each page has one writer, so that its versions rise.
                int number = random.Next(Count / 3) * 3 + thread;
                long version = floor[number] + 1;
                Make(page, number, version, random.Next(4));
                if (store.Write(number, page) != StoreOutcome.Full)
                    Volatile.Write(ref floor[number], version);
                if (random.Next(50) == 0)
                    store.Discard(random.Next(Count));
            }
        }))];
        Task[] readers = [.. Enumerable.Range(0, 3).Select(thread => Task.Run(() =>
        {
            Random random = new(100 + thread);
            byte[] page = new byte[PageSize];
            while (Environment.TickCount64 < deadline)
            {
                int number = random.Next(Count);
                if (store.TryRead(number, page))
                    Check(page, number);
            }
        }))];
        Task compactor = Task.Run(() =>
        {
            while (Environment.TickCount64 < deadline)
                store.Compact();
        });
        Task.WaitAll([.. writers, .. readers, compactor], TestContext.Current.CancellationToken);
        Assert.True(store.Index.Budget.Peak <= limit);
        long stored = store.EnumeratePages().Count();
        Assert.Equal(stored, store.GetStatistics().Pages);
        store.Discard(0, Count);
        PageStoreStatistics empty = store.GetStatistics();
        Assert.Equal((0, 0, 0, 0), (empty.Pages, empty.CompressedBytes, empty.SameFilledPages, empty.PoolBytes));
    }

    [Fact]
    public void One_page_with_two_readers_and_two_writers_is_never_torn()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 1 << 20 });
        long deadline = Environment.TickCount64 + 2000;
        Task[] tasks = [.. Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            byte[] page = new byte[PageSize];
            long version = thread;
            while (Environment.TickCount64 < deadline)
            {
                if (thread < 2)
                {
                    Make(page, 5, version += 2, (int)(version % 4));
                    Assert.NotEqual(StoreOutcome.Full, store.Write(5, page));
                }
                else if (store.TryRead(5, page))
                {
                    Check(page, 5);
                }
            }
        }))];
        Task.WaitAll(tasks, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_page_never_shows_the_repeated_word_of_another()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 1 << 20 });
        long deadline = Environment.TickCount64 + 3000;
        Task writer = Task.Run(() =>
        {
            // Words come and go, so that their places are given from one page to the other and back.
            byte[] page = new byte[PageSize];
            for (ulong i = 1; Environment.TickCount64 < deadline; i++)
            {
                for (uint number = 0; number < 2; number++)
                {
                    MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(i << 33 | number);
                    store.Write(number, page);
                    store.Discard(1 - number);
                }
            }
        });
        Task[] readers = [.. Enumerable.Range(0, 2).Select(number => Task.Run(() =>
        {
            byte[] page = new byte[PageSize];
            while (Environment.TickCount64 < deadline)
            {
                if (store.TryRead(number, page))
                    Assert.Equal((uint)number, (uint)BitConverter.ToUInt64(page));
            }
        }))];
        Task.WaitAll([writer, .. readers]);
    }

    [Fact]
    public void Disposing_under_load_ends_every_thread_cleanly_and_frees_everything()
    {
        for (int round = 0; round < 30; round++)
        {
            PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
            MemoryBudget budget = store.Index.Budget;
            Task[] tasks = [.. Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
            {
                byte[] page = new byte[PageSize];
                try
                {
                    for (long i = 0; ; i++)
                    {
                        Make(page, thread, i, 1);
                        store.Write(i % 1000, page);
                        store.TryRead(i % 777, page);
                        store.Discard(i % 333);
                    }
                }
                catch (ObjectDisposedException)
                {
                    // What a closed store says.
                }
            }))];
            Thread.Yield();
            store.Dispose();
            Assert.True(Task.WaitAll(tasks, TimeSpan.FromSeconds(30)));
            Assert.Equal(0, budget.Used);
        }
    }

    /// <summary>A page all of whose parts tell its number and version; of four kinds, so that it is held in each way.</summary>
    private static void Make(Span<byte> page, int number, long version, int kind)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        ulong stamp = (ulong)version << 16 | (uint)number;
        switch (kind)
        {
            case 0:
                words.Fill(stamp);
                break;
            case 1:
                for (int i = 0; i < words.Length; i++)
                    words[i] = stamp ^ (ulong)(i % 64) << 48;
                break;
            default:
                Random random = new((int)version * 4 + kind);
                random.NextBytes(page[..(kind == 2 ? PageSize / 2 : PageSize)]);
                for (int i = 0; i < words.Length; i += 4)
                    words[i] = stamp;
                if (kind == 2)
                    words[(words.Length / 2)..].Fill(stamp);
                break;
        }
    }

    private static void Check(ReadOnlySpan<byte> page, int number)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        const ulong StampMask = (1UL << 48) - 1;
        ulong stamp = words[0] & StampMask;
        Assert.Equal((ulong)number, stamp & 0xFFFF);
        for (int i = 0; i < words.Length; i += 4)
            Assert.True((words[i] & StampMask) == stamp, "two versions in one page");
    }
}
