using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PageFold.Tests.Linearizability;

/// <summary>
/// One round of the check: threads write, read and discard a few pages of a store under a tight limit, while others compact, recompress,
/// write back and take snapshots. Each page has a history, to which every thread adds. The seed decides the store's options and the kinds
/// of content.
/// </summary>
/// <remarks>
/// Every write has a version of its own, which fills the page in one of five forms. A read compares the whole page with what the version
/// that it finds must look like, so a mixture of two versions is no version at all. A snapshot reads every page between the beginning and
/// the end of fixing its point in time. A refused write either leaves the page alone and is no operation, or invalidates it and is a
/// discard.
/// </remarks>
internal sealed class StoreRound(int seed, int milliseconds)
{
    private const int PageSize = 4096;
    private const int Pages = 40;
    private const int Writers = 3;
    private const int Readers = 3;

    // What frames and tables have of the limit, so that writes are refused now and then.
    private const int MinRoom = 64 << 10;
    private const int MaxRoom = 220 << 10;

    private readonly List<RegisterOperation>[] _histories = [.. Enumerable.Range(0, Pages).Select(_ => new List<RegisterOperation>())];
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly int _room = new Random(seed).Next(MinRoom, MaxRoom);

    /// <summary>Operations whose histories were checked.</summary>
    public long Operations => _histories.Sum(history => (long)history.Count);

    /// <summary>Operations that were under way together with another on the same page, of which one is a read.</summary>
    public long Conflicts { get; private set; }

    public Tally Refused { get; private set; } = new("", 0);

    public Tally Snapshots { get; private set; } = new("", 0);

    /// <summary>Runs the round and checks it. Throws with the history of the first page that no order explains.</summary>
    public void Run()
    {
        string folder = Directory.CreateTempSubdirectory("pagefold-").FullName;
        try
        {
            using (PageStore store = Make(folder))
                Work(store, Path.Combine(folder, "snapshot"));
            for (int page = 0; page < Pages; page++)
            {
                RegisterCheck check = RegisterCheck.Run(_histories[page]);
                Assert.True(check.Problem is null, $"Seed {seed}, page {page}. {check.Problem}");
                Conflicts += check.Conflicts;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private PageStore Make(string folder)
    {
        PageStore store = new(new PageStoreOptions
        {
            Codec = PageCodec.Lz4,
            MemoryLimit = 16 << 20,
            SnapshotReserve = SnapshotOptions.ReserveBytes(PageSize, Pages),
            TrackAccess = seed % 2 == 0,
            MaxChain = seed % 3 == 0 ? 1 : 64,
            Writeback = new WritebackOptions
            {
                Path = Path.Combine(folder, "writeback"), MaxBytes = 4 << 20, DirectReclaim = seed % 4 == 3,
            },
        });
        store.AddCodec(PageCodec.Zstd(1));
        store.AddCodec(PageCodec.Lz4Managed);
        store.AddCodec(PageCodec.Fold(FoldLevel.Dense));
        // Every codec stream is ready before the room is taken away; the rest of the limit belongs to the owner.
        Crew.OnThreads(4, thread => store.Write(thread, Content(new byte[PageSize], 1, thread, 4)));
        store.Discard(0, Pages);
        store.Compact();
        Assert.True(store.TrySetOwnerBytes(store.Index.Budget.Available - _room));
        return store;
    }

    private void Work(PageStore store, string snapshot)
    {
        Crew crew = new(milliseconds);
        Refused = crew.Require("refused writes", 0);
        Tally discards = crew.Require("discards", 20);
        crew.Add("writes", Writers, 500, thread => Writer(store, thread, discards));
        crew.Add("reads", Readers, 500, thread => Reader(store, Writers + thread));
        crew.Add("compactions and recompressions", 1, 2, _ =>
        {
            int round = 0;
            return () =>
            {
                store.Compact();
                PageCodec codec = (++round % 4) switch
                {
                    0 => PageCodec.Zstd(1),
                    1 => PageCodec.Lz4Managed,
                    2 => PageCodec.Fold(FoldLevel.Dense),
                    _ => PageCodec.Lz4,
                };
                store.Recompress(new RecompressionOptions { Codec = codec, RetryWithoutGain = round % 2 == 0 });
                return true;
            };
        });
        crew.Add("writebacks", 1, 2, _ => () =>
        {
            store.WriteBack(new WritebackSelection { MaxBytes = 40_000 });
            return true;
        });
        Snapshots = crew.Require("snapshots", 1);
        crew.Add("attempts at a snapshot", 1, 1, _ => () => TrySnapshot(store, snapshot, Writers + Readers));
        crew.Run();
        Assert.InRange(store.GetStatistics().PeakBytes, 0, 16 << 20);
    }

    private Func<bool> Writer(PageStore store, int thread, Tally discards)
    {
        Random random = new(seed * 31 + thread);
        byte[] page = new byte[PageSize];
        long version = thread;
        return () =>
        {
            int number = Choose(random);
            if (random.Next(12) == 0)
            {
                // Sometimes several at once: each of them is discarded at some moment of the call.
                int count = random.Next(4) == 0 ? Math.Min(3, Pages - number) : 1;
                long from = Now();
                store.Discard(number, count);
                long to = Now();
                for (int i = 0; i < count; i++)
                    Note(number + i, new RegisterOperation(false, RegisterOperation.Absent, from, to, thread));
                discards.Add();
                return false;
            }
            version += Writers;
            RefusalPolicy refusal = random.Next(4) == 0 ? RefusalPolicy.Invalidate : RefusalPolicy.Keep;
            Content(page, number, version + Writers, random.Next(5));
            long begun = Now();
            StoreOutcome outcome = store.Write(number, page, refusal);
            long ended = Now();
            if (outcome == StoreOutcome.Full)
                Refused.Add();
            if (outcome != StoreOutcome.Full || refusal == RefusalPolicy.Invalidate)
            {
                long written = outcome == StoreOutcome.Full ? RegisterOperation.Absent : version + Writers;
                Note(number, new RegisterOperation(false, written, begun, ended, thread));
            }
            return outcome != StoreOutcome.Full;
        };
    }

    private Func<bool> Reader(PageStore store, int thread)
    {
        Random random = new(seed * 31 + thread);
        byte[] page = new byte[PageSize];
        byte[] expected = new byte[PageSize];
        return () =>
        {
            int number = Choose(random);
            long begun = Now();
            bool found = store.TryRead(number, page);
            long ended = Now();
            Note(number, new RegisterOperation(true, found ? VersionOf(page, number, expected) :
                RegisterOperation.Absent, begun, ended, thread));
            return found;
        };
    }

    /// <summary>Takes a snapshot, restores it elsewhere and notes what each page was at the point in time.</summary>
    private bool TrySnapshot(PageStore store, string file, int thread)
    {
        long begun;
        long ended;
        try
        {
            using SnapshotSession session = store.BeginSnapshot(file);
            begun = Now();
            session.TakePoint();
            ended = Now();
            session.Save();
        }
        catch (MemoryLimitException)
        {
            // The writers have left no room for the notes of a snapshot.
            return true;
        }
        using PageStore restored = new(new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 16 << 20 });
        restored.LoadSnapshot(file);
        byte[] page = new byte[PageSize];
        byte[] expected = new byte[PageSize];
        for (int number = 0; number < Pages; number++)
        {
            long version = restored.TryRead(number, page) ? VersionOf(page, number, expected) : RegisterOperation.Absent;
            Note(number, new RegisterOperation(true, version, begun, ended, thread));
        }
        Snapshots.Add();
        return true;
    }

    private void Note(int page, RegisterOperation operation)
    {
        List<RegisterOperation> history = _histories[page];
        lock (history)
            history.Add(operation);
    }

    private long Now() => Stopwatch.GetTimestamp() - _start;

    /// <summary>Four pages have half of all operations, so that threads meet.</summary>
    private static int Choose(Random random) => random.Next(2) == 0 ? random.Next(4) : random.Next(Pages);

    /// <summary>
    /// A version's content: one word, another word in each half, compressible, half noise, noise. Its first word tells all.
    /// </summary>
    private static byte[] Content(byte[] page, int number, long version, int kind)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page.AsSpan());
        ulong stamp = (ulong)version << 20 | (uint)kind << 16 | (uint)number;
        if (kind > 1)
            Tests.Pages.FillCompressible(page, stamp, kind switch { 2 => 0.15, 3 => 0.5, _ => 1 });
        else
            words.Fill(stamp);
        if (kind == 1)
            words[(words.Length / 2)..].Fill(~stamp);
        words[0] = stamp;
        return page;
    }

    private static long VersionOf(byte[] page, int number, byte[] expected)
    {
        ulong stamp = MemoryMarshal.Cast<byte, ulong>(page.AsSpan())[0];
        long version = (long)(stamp >> 20);
        Content(expected, number, version, (int)(stamp >> 16 & 15));
        return version > 0 && page.AsSpan().SequenceEqual(expected) ? version : RegisterOperation.Torn;
    }
}
