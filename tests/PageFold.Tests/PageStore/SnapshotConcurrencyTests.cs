using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PageFold.Tests.Store;

/// <summary>What is restored is, page by page, what was there at one point in time, whatever others did meanwhile.</summary>
public class SnapshotConcurrencyTests
{
    private const int PageSize = 4096;
    private const System.Threading.ThreadState WaitsOrHasEnded =
        System.Threading.ThreadState.WaitSleepJoin | System.Threading.ThreadState.Stopped;

    [Fact]
    public void A_pair_that_is_written_in_turn_is_never_apart_by_more_than_one()
    {
        using SnapshotFolder folder = new();
        using PageStore store = Make();
        // Content between the two, so that the walker meets them at different times, and more writers for it to contend with.
        const int Between = 3000;
        for (int page = 1; page < Between; page++)
            store.Write(page, SnapshotFolder.MakePage(PageSize, 3 + page % 2, (ulong)page));
        // A pair of neighbours lies within the content; it has numbers too before its writer comes to it.
        WriteNumber(store, 5, 0, new byte[PageSize]);
        WriteNumber(store, 6, 0, new byte[PageSize]);
        using CancellationTokenSource done = new();
        Task[] writers = [.. Enumerable.Range(0, 3).Select(pair => Pages.OnItsOwnThread(() =>
        {
            byte[] page = new byte[PageSize];
            // One pair around everything, one the other way round, one of neighbours.
            (long a, long b) = pair switch { 0 => (0L, Between), 1 => (Between + 1000, 1_000_000), _ => (5L, 6L) };
            for (long n = 1; !done.IsCancellationRequested; n++)
            {
                WriteNumber(store, a, n, page);
                WriteNumber(store, b, n, page);
            }
        }))];
        byte[] read = new byte[PageSize];
        long last = -1;
        for (int round = 0; round < Rounds.Of(12); round++)
        {
            SnapshotResult result = store.SaveSnapshot(folder.File);
            using PageStore restored = Make();
            restored.LoadSnapshot(folder.File);
            Assert.Equal(result.Pages, restored.GetStatistics().Pages);
            foreach ((long a, long b) in new[] { (0L, (long)Between), (Between + 1000, 1_000_000), (5L, 6L) })
                Assert.InRange(ReadNumber(restored, a, read) - ReadNumber(restored, b, read), 0, 1);
            long now = ReadNumber(restored, 0, read);
            Assert.True(now >= last);
            last = now;
        }
        done.Cancel();
        Task.WaitAll(writers, TestContext.Current.CancellationToken);
        Assert.True(last > 100, $"The pair was written {last} times before the last snapshot.");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_page_is_as_it_was_at_the_point_in_time(bool image) =>
        Gen.Int.Sample(seed => RunAroundThePoint(seed, image), iter: Rounds.Of(6), threads: 1);

    [Fact]
    public void Writers_allocate_nothing_while_a_snapshot_is_taken()
    {
        using SnapshotFolder folder = new();
        using PageStore store = Make();
        const int Count = 6000;
        byte[][] pages = [.. Enumerable.Range(0, 50).Select(i => SnapshotFolder.MakePage(PageSize, i % 5, (ulong)i))];
        for (int i = 0; i < Count; i++)
            store.Write(i, pages[i % 50]);
        long allocated = long.MaxValue;
        long saved = 0;
        for (int round = 0; round < 30; round++)
        {
            using SnapshotSession session = store.BeginSnapshot(folder.File);
            session.TakePoint();
            Thread? thread = null;
            Task<long> writer = Task.Factory.StartNew(() =>
            {
                Volatile.Write(ref thread, Thread.CurrentThread);
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = Count - 1; i >= 0; i--)
                {
                    store.Write(i, pages[(i + round) % 50]);
                    if (i % 7 == 0)
                        store.Discard(i);
                }
                return GC.GetAllocatedBytesForCurrentThread() - before;
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            // Until the buffers are full and the writer waits, or it has ended.
            Assert.True(SpinWait.SpinUntil(
                () => (Volatile.Read(ref thread)?.ThreadState & WaitsOrHasEnded) > 0,
                TimeSpan.FromMinutes(1)));
            saved = Math.Max(saved, session.Save().PagesSavedByWriters);
            allocated = Math.Min(allocated, writer.GetAwaiter().GetResult());
        }
        Assert.True(saved > 500);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_killed_process_leaves_the_old_snapshot_or_the_new_one()
    {
        using SnapshotFolder folder = new();
        // A process that is killed removes nothing of what it has made for its time.
        string temporary = Directory.CreateDirectory(folder.In("temporary")).FullName;
        Random random = new(5);
        long last = 0;
        int whole = 0;
        for (int round = 0; round < 10 || whole < 3 && round < 40; round++)
        {
            // A process that saves again and again.
            ProcessStartInfo start = OwnProcess.Of(nameof(SnapshotConcurrencyTests));
            start.Environment["PAGEFOLD_SNAPSHOT"] = folder.File;
            start.Environment["PAGEFOLD_SNAPSHOT_FIRST"] = (last + 1).ToString();
            start.Environment["TMPDIR"] = temporary;
            start.Environment["TMP"] = temporary;
            using Process process = Process.Start(start)!;
            _ = process.StandardOutput.ReadToEndAsync();
            _ = process.StandardError.ReadToEndAsync();
            Assert.True(SpinWait.SpinUntil(() => File.Exists(folder.File + ".ready") || process.HasExited, 60_000) && !process.HasExited);
            // At any moment of some versions; where they take long, later and later.
            Assert.False(process.WaitForExit(random.Next(200 + 50 * round)));
            process.Kill();
            process.WaitForExit();
            File.Delete(folder.File + ".ready");
            if (!File.Exists(folder.File))
                continue;
            using PageStore restored = Make();
            long version = restored.LoadSnapshot(folder.File).Length;
            Assert.True(version >= last);
            byte[] read = new byte[PageSize];
            for (int page = 0; page < 2000; page++)
                Assert.Equal(version, ReadNumber(restored, page, read));
            whole += version > last ? 1 : 0;
            last = version;
        }
        Assert.True(whole > 0);
    }

    [Fact]
    public void Snapshots_replace_each_other()
    {
        using SnapshotFolder folder = new();
        SaveVersions(folder.File, 1, version => version <= 3);
    }

    /// <summary>Saves ever newer versions, in a process that the test of killed processes has started.</summary>
    internal static void SaveUntilKilled()
    {
        string file = Environment.GetEnvironmentVariable("PAGEFOLD_SNAPSHOT")!;
        long deadline = Environment.TickCount64 + 20_000;
        SaveVersions(file, long.Parse(Environment.GetEnvironmentVariable("PAGEFOLD_SNAPSHOT_FIRST")!), version =>
        {
            File.WriteAllBytes(file + ".ready", []);
            return Environment.TickCount64 < deadline;
        });
    }

    private static void SaveVersions(string file, long first, Func<long, bool> goOn)
    {
        using PageStore store = Make();
        byte[] page = new byte[PageSize];
        for (long version = first; ; version++)
        {
            for (int i = 0; i < 2000; i++)
                WriteNumber(store, i, version, page);
            if (!goOn(version))
                return;
            store.SaveSnapshot(file, new SnapshotOptions { Length = version });
            Assert.Equal(version, Snapshot.ReadInfo(file).Length);
        }
    }

    /// <summary>Waits until so many more writes have begun.</summary>
    private static void AwaitWrites(long[] begun, int more)
    {
        long before = Sum();
        Assert.True(SpinWait.SpinUntil(() => Sum() >= before + more, TimeSpan.FromMinutes(1)), "the writers stand still");

        long Sum()
        {
            long sum = 0;
            foreach (ref long count in begun.AsSpan())
                sum += Volatile.Read(ref count);
            return sum;
        }
    }

    /// <summary>
    /// Writers that own a page in three each, write ever newer versions of theirs, discard and recompress, and note what they begin and
    /// what they have ended. The point in time is taken between two readings of those notes, and each restored page has to be a version
    /// that could be the one at that point; while the writers are held, exactly that one.
    /// </summary>
    private static void RunAroundThePoint(int seed, bool image)
    {
        const int Count = 900;
        const int Writers = 3;
        using SnapshotFolder folder = new();
        using PageStore store = Make();
        long[] begun = new long[Count];
        long[] ended = new long[Count];
        bool exact = seed % 2 == 0;
        using ReaderWriterLockSlim held = new();
        using CancellationTokenSource done = new();
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(seed + thread);
            byte[] page = new byte[PageSize];
            while (!done.IsCancellationRequested)
            {
                int number = random.Next(Count / Writers) * Writers + thread;
                held.EnterReadLock();
                long version = begun[number] + 1;
                Volatile.Write(ref begun[number], version);
                if (version % 5 == 0)
                    store.Discard(PageOf(number));
                else
                    Assert.NotEqual(StoreOutcome.Full, store.Write(PageOf(number), MakeVersion(page, number, version)));
                Volatile.Write(ref ended[number], version);
                held.ExitReadLock();
            }
        }))];
        Task others = Pages.OnItsOwnThread(() =>
        {
            PageCodec dense = PageCodec.Zstd(1);
            store.AddCodec(dense);
            while (!done.IsCancellationRequested)
            {
                store.Recompress(new RecompressionOptions { Codec = dense });
                store.Compact();
            }
        });
        // So many that most pages hold something.
        AwaitWrites(begun, 4 * Count);
        long[] least = new long[Count];
        long[] most = new long[Count];
        Assert.True(SpinWait.SpinUntil(() => store.Codecs.Count == 2, TimeSpan.FromMinutes(1)), "recompression has not begun");
        using (SnapshotSession session = image
            ? store.BeginImage(folder.File, PageSize * (PageOf(Count) + 1)) : store.BeginSnapshot(folder.File))
        {
            if (exact)
                held.EnterWriteLock();
            for (int number = 0; number < Count; number++)
                least[number] = Volatile.Read(ref ended[number]);
            session.TakePoint();
            for (int number = 0; number < Count; number++)
                most[number] = Volatile.Read(ref begun[number]);
            if (exact)
                held.ExitWriteLock();
            // Sometimes saving begins late. Fewer writes than the session has room for.
            if (seed % 3 == 0)
                AwaitWrites(begun, 50);
            SnapshotResult result = session.Save();
            Assert.True(result.Pages > Count / 2);
        }
        done.Cancel();
        Task.WaitAll([.. writers, others]);
        using PageStore restored = Make();
        byte[]? bytes = image ? File.ReadAllBytes(folder.File) : null;
        if (!image)
            restored.LoadSnapshot(folder.File);
        byte[] read = new byte[PageSize];
        byte[] expected = new byte[PageSize];
        for (int number = 0; number < Count; number++)
        {
            if (image)
                bytes.AsSpan((int)PageOf(number) * PageSize, PageSize).CopyTo(read);
            else if (!restored.TryRead(PageOf(number), read))
                read.AsSpan().Clear();
            if (exact)
                Assert.Equal(least[number], most[number]);
            bool found = false;
            for (long version = least[number]; version <= most[number] && !found; version++)
                found = read.AsSpan().SequenceEqual(MakeVersion(expected, number, version));
            Assert.True(found, $"page {PageOf(number)} is no version from {least[number]} to {most[number]}");
        }
    }

    // Several leaves, and parts of them that nothing is stored in.
    private static long PageOf(int number) => number * 7L;

    /// <summary>A version's bytes: of all kinds, zeros where the page is discarded.</summary>
    private static byte[] MakeVersion(byte[] page, int number, long version)
    {
        if (version % 5 == 0)
            page.AsSpan().Clear();
        else
            SnapshotFolder.MakePage(PageSize, 1 + (int)(version % 5 + number) % 4, (ulong)(version * 10_000 + number)).CopyTo(page, 0);
        return page;
    }

    private static void WriteNumber(PageStore store, long page, long number, byte[] buffer)
    {
        // Compressible, so that the page has an object to be copied.
        Pages.FillCompressible(buffer, (ulong)number * 31 + (ulong)page, 0.3);
        MemoryMarshal.Write(buffer, in number);
        Assert.NotEqual(StoreOutcome.Full, store.Write(page, buffer));
    }

    private static long ReadNumber(PageStore store, long page, byte[] buffer) =>
        store.TryRead(page, buffer) ? MemoryMarshal.Read<long>(buffer) : 0;

    private static PageStore Make() => new(new PageStoreOptions { MemoryLimit = 64 << 20 });
}
