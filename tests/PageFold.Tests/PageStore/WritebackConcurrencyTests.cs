using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Pages go to a small file and come back while everything else goes on; every page tells its version all through.</summary>
public class WritebackConcurrencyTests
{
    private const int PageSize = 4096;
    private const int Count = 900;

    [Theory]
    [InlineData(64L << 20)]
    [InlineData(3L << 20)]
    public void Readers_see_whole_versions_while_pages_leave_memory_and_the_file_is_cleaned(long limit)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = limit,
            TrackAccess = true,
            Writeback = new() { Path = path, MaxBytes = 4 << 20 },
        });
        store.AddCodec(PageCodec.Lz4Managed);
        long enough = Environment.TickCount64 + Rounds.Of(2000);
        long deadline = enough + 60_000;
        long[] written = new long[Count];
        long left = 0;
        long skipped = 0;
        long verified = 0;
        long overtaken = 0;
        long moved = 0;
        Task[] writers = [.. Enumerable.Range(0, 2).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(thread);
            byte[] page = new byte[PageSize];
            while (GoesOn())
            {
                // Few pages change often and many seldom, so that segments empty unevenly.
                int number = random.Next(random.Next(1, Count / 2)) * 2 + thread;
                long version = written[number] + 1;
                Make(page, number, version);
                if (store.Write(number, page) != StoreOutcome.Full)
                    Volatile.Write(ref written[number], version);
                if (random.Next(30) == 0)
                    store.Discard(number);
                if (random.Next(50) == 0)
                    Thread.Yield();
            }
        }))];
        Task[] readers = [.. Enumerable.Range(0, 3).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(50 + thread);
            byte[] page = new byte[PageSize];
            while (GoesOn())
            {
                int number = random.Next(Count);
                long before = Volatile.Read(ref written[number]);
                if (thread == 2)
                {
                    Assert.InRange(store.Reader.ReadStored((uint)number, page).Size, 0, PageSize);
                }
                else if (store.TryRead(number, page))
                {
                    Check(page, number);
                    Interlocked.Increment(ref verified);
                    Interlocked.Add(ref overtaken, Volatile.Read(ref written[number]) == before ? 0 : 1);
                }
            }
        }))];
        Task[] others = [.. Enumerable.Range(0, 3).Select(thread => Pages.OnItsOwnThread(() =>
        {
            for (int i = 0; GoesOn(); i++)
            {
                if (thread < 2)
                {
                    WritebackResult result = store.WriteBack(new WritebackSelection { OnlyIncompressible = i % 3 == 0,
                        MaxBytes = 300_000 });
                    Assert.True(result.Stopped is WritebackStop.Finished or WritebackStop.MaxBytes or WritebackStop.FileFull,
                        result.ToString());
                    Interlocked.Add(ref left, result.Pages);
                    Interlocked.Add(ref skipped, result.Skipped);
                }
                else
                {
                    moved += store.Compact().ObjectsMoved;
                    store.Recompress(new RecompressionOptions { Codec = PageCodec.Lz4Managed, MaxPages = 50, RetryWithoutGain = true });
                }
            }
        }))];
        Task.WaitAll([.. writers, .. readers, .. others]);
        Assert.True(verified > 1000 && overtaken > 0 && moved > 0,
            $"{verified} pages verified, {overtaken} of them overtaken by a write; {moved} objects moved");
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.True(statistics.WritebackWrites > left + skipped && left > 1500,
            $"{left} pages left memory, {skipped} did not, {statistics.WritebackWrites} were written: nothing was cleaned");
        Assert.True(store.Index.Budget.Peak <= limit);
        byte[] read = new byte[PageSize];
        for (int page = 0; page < Count; page++)
        {
            if (!store.TryRead(page, read))
                continue;
            Check(read, page);
            Assert.Equal(written[page], (long)(MemoryMarshal.Cast<byte, ulong>(read.AsSpan())[0] >> 16));
        }
        Assert.Equal(store.EnumeratePages().Count(), statistics.Pages);
        store.Discard(0, Count);
        statistics = store.GetStatistics();
        Assert.Equal((0, 0, 0, 0), (statistics.Pages, statistics.CompressedBytes, statistics.WrittenBackBytes, statistics.PoolBytes));
        Assert.InRange(statistics.WritebackFileBytes, 0, 1 << 20);
        store.Dispose();
        Assert.False(File.Exists(path));

        // Where there are few processors it takes longer until enough has happened.
        bool GoesOn() => Environment.TickCount64 is var now && (now < enough || now < deadline
            && (Volatile.Read(ref verified) <= 1000 || Volatile.Read(ref overtaken) == 0 || Volatile.Read(ref moved) == 0
                || Volatile.Read(ref left) <= 1500
                || store.GetStatistics().WritebackWrites <= Volatile.Read(ref left) + Volatile.Read(ref skipped)));
    }

    [Fact]
    public void Disposing_while_pages_leave_memory_ends_every_thread_cleanly()
    {
        for (int round = 0; round < 20; round++)
        {
            string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Writeback = new() { Path = path, MaxBytes = 4 << 20 } });
            MemoryBudget budget = store.Index.Budget;
            long writes = 0;
            int refused = 0;
            Task[] tasks = [.. Enumerable.Range(0, 4).Select(thread => Pages.OnItsOwnThread(() =>
            {
                byte[] page = new byte[PageSize];
                try
                {
                    for (long i = 0; ; i++)
                    {
                        Make(page, (int)(i % Count), i);
                        store.Write(i % Count, page);
                        store.TryRead(i * 7 % Count, page);
                        if (thread == 0)
                            store.WriteBack(new WritebackSelection { MaxBytes = 100_000 });
                        Interlocked.Increment(ref writes);
                    }
                }
                catch (ObjectDisposedException)
                {
                    // What a closed store says.
                    Interlocked.Increment(ref refused);
                }
            }))];
            // At another moment each time.
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref writes) >= 1 + round * 40, TimeSpan.FromMinutes(1)),
                "the writers stand still");
            store.Dispose();
            Assert.True(Task.WaitAll(tasks, TimeSpan.FromSeconds(30)));
            Assert.Equal(tasks.Length, refused);
            Assert.Equal(0, budget.Used);
            Assert.False(File.Exists(path));
        }
    }

    private static void Make(byte[] page, int number, long version)
    {
        Pages.FillCompressible(page, (ulong)version, version % 5 / 4.0);
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page.AsSpan());
        for (int i = 0; i < words.Length; i += 8)
            words[i] = (ulong)version << 16 | (uint)number;
    }

    private static void Check(ReadOnlySpan<byte> page, int number)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        Assert.Equal((ulong)number, words[0] & 0xFFFF);
        for (int i = 0; i < words.Length; i += 8)
            Assert.True(words[i] == words[0], "two versions in one page");
    }
}
