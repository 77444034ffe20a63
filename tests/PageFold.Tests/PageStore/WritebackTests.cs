using PageFold.Frames;
using PageFold.Store.Index;
using PageFold.Store.Log;

namespace PageFold.Tests.Store;

/// <summary>Pages that leave memory for a file, and what the file may do.</summary>
public sealed partial class WritebackTests : IDisposable
{
    private const int PageSize = 4096;

    private readonly string _folder = Directory.CreateTempSubdirectory("pagefold-writeback-").FullName;

    private string File1 => Path.Combine(_folder, "one");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Pages_written_back_are_read_from_the_file_and_take_no_memory(int pageSize)
    {
        using PageStore store =
            new(new PageStoreOptions { PageSize = pageSize, MemoryLimit = 128 << 20, Writeback = new() { Path = File1 } });
        store.AddCodec(PageCodec.Zstd(1));
        PageCodec[] codecs = [PageCodec.Lz4, PageCodec.Zstd(2)];
        byte[][] pages = [.. Enumerable.Range(0, 600).Select(i => Page(i, pageSize))];
        for (int i = 0; i < pages.Length; i++)
        {
            store.UseCodec(codecs[i % 2]);
            store.Write(i, pages[i]);
        }
        PageStoreStatistics before = store.GetStatistics();
        StoredPage[] forms = [.. Enumerable.Range(0, 600).Select(i => store.Reader.ReadStored((uint)i, new byte[pageSize]))];
        WritebackResult result = store.WriteBack();
        PageStoreStatistics after = store.GetStatistics();
        Assert.Equal((WritebackStop.Finished, before.Pages - before.SameFilledPages, before.CompressedBytes, 0L),
            (result.Stopped, result.Pages, result.Bytes, result.Skipped));
        Assert.Equal((0, 0, 0, before.SameFilledPages),
            (after.CompressedBytes, after.IncompressiblePages, after.PoolBytes, after.SameFilledPages));
        Assert.Equal((result.Pages, result.Bytes, result.Pages, 0),
            (after.WrittenBackPages, after.WrittenBackBytes, after.WritebackWrites, after.WritebackReads));
        Assert.InRange(after.WritebackFileBytes, result.Bytes, result.Bytes + (3 << 20));
        Assert.Equal(before.PagesByCodec, after.PagesByCodec);
        byte[] read = new byte[pageSize];
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < pages.Length; i++)
            {
                Assert.True(store.TryRead(i, read));
                Assert.True(read.AsSpan().SequenceEqual(pages[i]));
                Assert.Equal(forms[i], store.Reader.ReadStored((uint)i, read));
                Assert.Equal(forms[i].Kind == StoredKind.SameFilled ? PageState.SameFilled : PageState.WrittenBack, store.StateOf(i));
                Assert.True(store.TryGetPageInfo(i, out PageInfo info));
                Assert.Equal((forms[i].Size, forms[i].Codec), (info.StoredBytes, info.Codec));
            }
        }
        Assert.Equal(4 * result.Pages, store.GetStatistics().WritebackReads);
        Assert.Equal(0, store.WriteBack().Pages);
        Assert.Equal(0, store.Recompress(new RecompressionOptions { Codec = codecs[1] }).Examined);
        // An overwrite brings a page back to memory, a discard is the end of it; the records are dead then.
        for (int i = 0; i < 300; i++)
            store.Write(i, pages[i]);
        store.Discard(300, 300);
        PageStoreStatistics end = store.GetStatistics();
        Assert.Equal((0, 0), (end.WrittenBackPages, end.WrittenBackBytes));
        Assert.InRange(end.WritebackFileBytes, 0, 1 << 20);
        for (int i = 0; i < 300; i++)
        {
            Assert.True(store.TryRead(i, read));
            Assert.True(read.AsSpan().SequenceEqual(pages[i]));
        }
    }

    [Fact]
    public void Conditions_choose_the_pages()
    {
        ManualTime time = new();
        using PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = 32 << 20,
            TrackAccess = true,
            TimeProvider = time,
            Writeback = new() { Path = File1 },
        });
        for (int i = 0; i < 100; i++)
            store.Write(i, i < 50 ? Noise(i) : Text(i));
        time.Advance(TimeSpan.FromMinutes(10));
        byte[] read = new byte[PageSize];
        for (int i = 0; i < 100; i += 2)
            store.TryRead(i, read);
        WritebackResult idle = store.WriteBack(new WritebackSelection { MinAge = TimeSpan.FromMinutes(9), OnlyIncompressible = true });
        Assert.Equal(25, idle.Pages);
        Assert.Equal(Enumerable.Range(0, 25).Select(i => 2L * i + 1),
            Enumerable.Range(0, 100).Select(i => (long)i).Where(i => store.StateOf(i) == PageState.WrittenBack));
        WritebackResult some = store.WriteBack(new WritebackSelection { MaxBytes = 10 * PageSize + 5 });
        Assert.Equal((WritebackStop.MaxBytes, 10L), (some.Stopped, some.Pages));
        Assert.Equal(25, store.WriteBack(new WritebackSelection { MinAge = TimeSpan.FromMinutes(9) }).Pages);
        Assert.Equal((WritebackStop.MaxBytes, 0L), Of(store.WriteBack(new WritebackSelection { MaxBytes = 0 })));
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.Equal(WritebackStop.Cancelled, store.WriteBack(null, null, cancelled.Token).Stopped);
        Assert.True(store.TryGetPageInfo(99, out PageInfo info) && info.Age > TimeSpan.FromMinutes(9));
    }

    [Fact]
    public void The_budget_of_a_day_holds_for_24_hours_whatever_happens_to_the_date()
    {
        Calendar time = new() { Now = new DateTimeOffset(2030, 1, 1, 23, 0, 0, TimeSpan.Zero) };
        using PageStore store =
            new(new PageStoreOptions { MemoryLimit = 32 << 20, TimeProvider = time,
            Writeback = new() { Path = File1, DailyBudget = 100_000 } });
        for (int i = 0; i < 100; i++)
            store.Write(i, Noise(i));
        WritebackResult first = store.WriteBack();
        Assert.Equal((WritebackStop.DailyBudget, 24L), Of(first));
        Assert.InRange(first.FileBytesWritten, 90_000, 100_000);
        Assert.Equal((WritebackStop.DailyBudget, 0L), Of(store.WriteBack()));
        foreach (int days in (int[])[1, -3, 400, -400])
        {
            time.Now = time.Now.AddDays(days);
            Assert.Equal((WritebackStop.DailyBudget, 0L), Of(store.WriteBack()));
        }
        time.Elapsed = TimeSpan.FromHours(23.9);
        Assert.Equal((WritebackStop.DailyBudget, 0L), Of(store.WriteBack()));
        time.Elapsed = TimeSpan.FromHours(24.1);
        Assert.Equal((WritebackStop.DailyBudget, 24L), Of(store.WriteBack()));
        // A clock of the caller's that goes back does not bring the day before back.
        time.Elapsed = TimeSpan.FromHours(1);
        Assert.Equal((WritebackStop.DailyBudget, 0L), Of(store.WriteBack()));
        time.Elapsed = TimeSpan.FromHours(30);
        Assert.Equal((WritebackStop.DailyBudget, 0L), Of(store.WriteBack()));
    }

    [Fact]
    public void Cleaning_keeps_to_the_budget_of_a_day_and_goes_on_the_next()
    {
        const int First = 500;
        Calendar time = new();
        long record = RecordFormat.Bytes(PageSize);
        using PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = 32 << 20,
            TimeProvider = time,
            // What the first pages take, and then less than cleaning a segment of which a part lives would.
            Writeback = new() { Path = File1, MaxBytes = 4 << 20, DailyBudget = First * record + 50_000 },
        });
        for (int i = 0; i < First; i++)
            store.Write(i, Noise(i));
        Assert.Equal((WritebackStop.Finished, (long)First), Of(store.WriteBack()));
        for (int i = 0; i < First; i++)
        {
            if (i % 4 != 0)
                store.Discard(i);
        }
        for (int i = First; i < 2 * First; i++)
            store.Write(i, Noise(i));
        WritebackResult refused = store.WriteBack();
        Assert.Equal(WritebackStop.DailyBudget, refused.Stopped);
        Assert.InRange(refused.FileBytesWritten, 0, 50_000);
        AssertHoldAll();
        time.Elapsed = TimeSpan.FromHours(25);
        Assert.NotEqual(0, store.WriteBack().Pages);
        AssertHoldAll();

        void AssertHoldAll()
        {
            for (int i = 0; i < 2 * First; i += i < First ? 4 : 1)
                AssertHolds(store, i, Noise(i));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Writing_back_needs_no_memory(bool isDirect)
    {
        const int Count = 2000;
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20, Faults = faults,
            Writeback = new() { Path = File1, DirectReclaim = isDirect } });
        for (int i = 0; i < Count; i++)
            store.Write(i, Noise(i));
        faults.Refuse(1, count: long.MaxValue / 2);
        Assert.Equal((WritebackStop.Finished, (long)Count), Of(store.WriteBack()));
        for (int i = 0; i < Count; i++)
            AssertHolds(store, i, Noise(i));
        faults.Clear();
        for (int i = 0; i < Count; i++)
            AssertHolds(store, i, Noise(i));
    }

    [Fact]
    public void A_full_file_is_an_outcome_and_nothing_is_lost()
    {
        using PageStore store =
            new(new PageStoreOptions { MemoryLimit = 32 << 20, Writeback = new() { Path = File1, MaxBytes = 4 << 20 } });
        for (int i = 0; i < 1000; i++)
            store.Write(i, Noise(i));
        WritebackResult result = store.WriteBack();
        Assert.Equal(WritebackStop.FileFull, result.Stopped);
        Assert.InRange(result.Pages, 400, 520);
        Assert.Equal((WritebackStop.FileFull, 0L), Of(store.WriteBack()));
        for (int i = 0; i < 1000; i++)
            AssertHolds(store, i, Noise(i));
        Assert.True(new FileInfo(File1).Length <= 4 << 20);
        // Holes are filled again by cleaning.
        for (int i = 0; i < 500; i += 2)
            store.Discard(i);
        Assert.InRange(store.WriteBack().Pages, 150, 260);
        for (int i = 1; i < 500; i += 2)
            AssertHolds(store, i, Noise(i));
        for (int i = 500; i < 1000; i++)
            AssertHolds(store, i, Noise(i));
        Assert.True(new FileInfo(File1).Length <= 4 << 20);
    }

    [Fact]
    public void A_page_that_changes_while_it_is_written_stays_in_memory_though_it_lies_where_it_lay()
    {
        PageStore? store = null;
        WritebackOptions options = new()
        {
            Path = File1,
            Written = () =>
            {
                for (int i = 0; i < 10; i++)
                    store!.Write(i, Noise(i + 1000));
                store!.Discard(10, 10);
                store.Compact();
            },
        };
        using (store = new PageStore(new PageStoreOptions { MemoryLimit = 32 << 20, Writeback = options }))
        {
            for (int i = 0; i < 40; i++)
                store.Write(i, Noise(i));
            WritebackResult result = store.WriteBack();
            Assert.Equal((20, 20), (result.Pages, result.Skipped));
            for (int i = 0; i < 10; i++)
                AssertHolds(store, i, Noise(i + 1000));
            for (int i = 20; i < 40; i++)
                AssertHolds(store, i, Noise(i));
            Assert.Equal(30, store.GetStatistics().Pages);
        }
    }

    [Fact]
    public void A_record_whose_page_is_written_or_discarded_while_it_is_moved_in_the_file_is_dead()
    {
        PageStore? store = null;
        bool meddle = false;
        WritebackOptions options = new() { Path = File1, MaxBytes = 4 << 20, Written = () =>
        {
            for (int i = 1; meddle && i < 400; i += 6)
            {
                store!.Write(i, Noise(i + 1000));
                store.Discard(i + 2);
            }
        } };
        using (store = new PageStore(new PageStoreOptions { MemoryLimit = 32 << 20, Writeback = options }))
        {
            for (int i = 0; i < 700; i++)
                store.Write(i, Noise(i));
            _ = store.WriteBack();
            for (int i = 0; i < 400; i += 2)
                store.Discard(i);
            meddle = true;
            Assert.True(store.WriteBack().Pages > 0);
            meddle = false;
            _ = store.WriteBack();
            for (int i = 1; i < 400; i += 2)
            {
                if (i % 6 == 3)
                    Assert.False(store.Contains(i));
                else
                    AssertHolds(store, i, Noise(i % 6 == 1 ? i + 1000 : i));
            }
            for (int i = 400; i < 700; i++)
                AssertHolds(store, i, Noise(i));
            store.Discard(0, 700);
            Assert.InRange(store.GetStatistics().WritebackFileBytes, 0, 1 << 20);
            Assert.Equal(0, store.GetStatistics().WrittenBackBytes);
        }
    }

    [Fact]
    public void A_refused_same_filled_overwrite_leaves_the_page_in_the_file()
    {
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20, Faults = faults, Writeback = new() { Path = File1 } });
        store.Write(1, Noise(1));
        store.WriteBack();
        byte[] filled = new byte[PageSize];
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(filled.AsSpan()).Fill(0x0123456789ABCDEF);
        faults.Refuse(1, 1_000_000);
        Assert.Equal(StoreOutcome.Full, store.Write(1, filled));
        faults.Clear();
        AssertHolds(store, 1, Noise(1));
        Assert.Equal(StoreOutcome.SameFilled, store.Write(1, filled));
        AssertHolds(store, 1, filled);
    }

    [Fact]
    public void A_full_store_has_room_again_and_its_limit_holds()
    {
        const long Limit = 4 << 20;
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit, Writeback = new() { Path = File1 } });
        int stored = 0;
        for (int round = 0; round < 5; round++)
        {
            while (store.Write(stored, stored % 3 == 0 ? Noise(stored) : Text(stored)) != StoreOutcome.Full)
                stored++;
            WritebackResult result = store.WriteBack();
            Assert.Equal(WritebackStop.Finished, result.Stopped);
            Assert.True(result.Pages > 500, result.ToString());
        }
        for (int i = 0; i < stored; i++)
            AssertHolds(store, i, i % 3 == 0 ? Noise(i) : Text(i));
        Assert.True(store.Index.Budget.Peak <= Limit);
    }

    private static PageStore Make(string path) => new(new PageStoreOptions { MemoryLimit = 32 << 20, Writeback = new() { Path = path } });

    private static (WritebackStop Stopped, long Pages) Of(WritebackResult result) => (result.Stopped, result.Pages);

    private static byte[] Page(int key, int pageSize)
    {
        byte[] page = new byte[pageSize];
        if (key % 5 == 0)
            page.AsSpan().Fill((byte)key);
        else
            Pages.FillCompressible(page, (ulong)key, key % 11 / 10.0);
        return page;
    }

    private static byte[] Noise(int key)
    {
        byte[] page = new byte[PageSize];
        Pages.Fill(page, (ulong)key);
        return page;
    }

    private static byte[] Text(int key)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, (ulong)key, 0.4);
        return page;
    }

    private static void Flip(PageStore store, long at)
    {
        byte[] value = new byte[1];
        store.Index.Log!.File.Read(value, at);
        value[0] ^= 0x40;
        store.Index.Log.File.Write(value, at);
    }

    private static void AssertHolds(PageStore store, int page, byte[] expected)
    {
        byte[] read = new byte[PageSize];
        Assert.True(store.TryRead(page, read));
        Assert.True(read.AsSpan().SequenceEqual(expected), $"page {page} differs");
    }

    private sealed class Calendar : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public TimeSpan Elapsed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => Elapsed.Ticks;
    }
}
