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
        long[] begun = new long[Count];
        Crew crew = new(Rounds.Of(1000));
        Tally discards = crew.Require("discards", 50);
        Tally conflicts = crew.Require("reads that a write or discard of their page met", 20);
        crew.Add("writes", 3, 3000, thread =>
        {
            Random random = new(thread);
            byte[] page = new byte[PageSize];
            return () =>
            {
                // Each page has one writer, so that its versions rise.
                int number = random.Next(Count / 3) * 3 + thread;
                long version = begun[number] + 1;
                Make(page, number, version, random.Next(4));
                Volatile.Write(ref begun[number], version);
                bool stored = store.Write(number, page) != StoreOutcome.Full;
                if (random.Next(50) == 0)
                {
                    store.Discard(random.Next(Count));
                    discards.Add();
                }
                return stored;
            };
        });
        crew.Add("reads of whole pages", 3, 3000, thread =>
        {
            Random random = new(100 + thread);
            byte[] page = new byte[PageSize];
            return () =>
            {
                int number = random.Next(Count);
                long before = Volatile.Read(ref begun[number]);
                if (!store.TryRead(number, page))
                    return false;
                Check(page, number);
                if (Volatile.Read(ref begun[number]) != before)
                    conflicts.Add();
                return true;
            };
        });
        crew.Add("compactions", 1, 5, _ => () =>
        {
            store.Compact();
            return true;
        });
        crew.Run();
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
        long begun = 0;
        Crew crew = new(Rounds.Of(600));
        Tally conflicts = crew.Require("reads that a write met", 100);
        crew.Add("writes", 2, 1000, thread =>
        {
            byte[] page = new byte[PageSize];
            long version = thread;
            return () =>
            {
                Make(page, 5, version += 2, (int)(version % 4));
                Interlocked.Increment(ref begun);
                Assert.NotEqual(StoreOutcome.Full, store.Write(5, page));
                return true;
            };
        });
        crew.Add("reads", 2, 1000, _ =>
        {
            byte[] page = new byte[PageSize];
            return () =>
            {
                long before = Volatile.Read(ref begun);
                if (!store.TryRead(5, page))
                    return false;
                Check(page, 5);
                if (Volatile.Read(ref begun) != before)
                    conflicts.Add();
                return true;
            };
        });
        crew.Run();
    }

    [Fact]
    public void A_page_never_shows_the_repeated_word_of_another()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 1 << 20 });
        ulong round = 0;
        Crew crew = new(Rounds.Of(800));
        Tally conflicts = crew.Require("reads that a write or discard met", 100);
        crew.Add("rounds of writes", 1, 1000, _ =>
        {
            // Words come and go, so that their places are given from one page to the other and back.
            byte[] page = new byte[PageSize];
            return () =>
            {
                ulong now = Interlocked.Increment(ref round);
                for (uint number = 0; number < 2; number++)
                {
                    MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(now << 33 | number);
                    Assert.Equal(StoreOutcome.SameFilled, store.Write(number, page));
                    store.Discard(1 - number);
                }
                return true;
            };
        });
        crew.Add("reads of words", 2, 1000, number =>
        {
            byte[] page = new byte[PageSize];
            return () =>
            {
                ulong before = Volatile.Read(ref round);
                if (!store.TryRead(number, page))
                    return false;
                Assert.Equal((uint)number, (uint)BitConverter.ToUInt64(page));
                if (Volatile.Read(ref round) != before)
                    conflicts.Add();
                return true;
            };
        });
        crew.Run();
    }

    [Fact]
    public void Disposing_under_load_ends_every_thread_cleanly_and_frees_everything()
    {
        const int Threads = 4;
        for (int round = 0; round < 30; round++)
        {
            PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
            MemoryBudget budget = store.Index.Budget;
            int refused = 0;
            using CountdownEvent working = new(Threads);
            Crew.OnThreads(Threads + 1, thread =>
            {
                if (thread == Threads)
                {
                    // Every thread has stored a page, and goes on.
                    working.Wait(TestContext.Current.CancellationToken);
                    store.Dispose();
                    return;
                }
                byte[] page = new byte[PageSize];
                try
                {
                    for (long i = 0; ; i++)
                    {
                        Make(page, thread, i, 1);
                        store.Write(i % 1000, page);
                        store.TryRead(i % 777, page);
                        store.Discard(i % 333);
                        if (i == 0)
                            working.Signal();
                    }
                }
                catch (ObjectDisposedException)
                {
                    // What a closed store says.
                    Interlocked.Increment(ref refused);
                }
            });
            Assert.Equal(Threads, refused);
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
