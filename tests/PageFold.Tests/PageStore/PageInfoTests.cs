using System.Runtime.CompilerServices;
using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>What a store tells about its pages without reading them, and how long ago they were accessed.</summary>
public class PageInfoTests
{
    private const int PageSize = 4096;

    private readonly ManualTime _time = new();

    [Fact]
    public void Tells_how_a_page_is_held()
    {
        using PageStore store = Make(track: false);
        PageCodec zstd = PageCodec.Zstd(1);
        store.Write(1, new byte[PageSize]);
        store.Write(2, Filled(1UL << 40));
        store.Write(3, Noise(3, 0.5));
        store.Write(4, Noise(4, 1));
        store.UseCodec(zstd);
        store.Write(5, Noise(5, 0.5));
        Assert.False(store.TryGetPageInfo(0, out _));
        Assert.False(store.TryGetPageInfo(4_000_000_000, out _));
        Assert.Equal(new PageInfo { State = PageState.SameFilled, StoredBytes = 0, Codec = 0 }, Info(store, 1));
        Assert.Equal(new PageInfo { State = PageState.SameFilled, StoredBytes = 0, Codec = 0 }, Info(store, 2));
        Assert.Equal(new PageInfo { State = PageState.Incompressible, StoredBytes = PageSize, Codec = 0 }, Info(store, 4));
        PageInfo lz4 = Info(store, 3);
        Assert.Equal((PageState.Compressed, 0), (lz4.State, lz4.Codec));
        Assert.InRange(lz4.StoredBytes, 2000, 2200);
        Assert.Equal((PageState.Compressed, 1), (Info(store, 5).State, Info(store, 5).Codec));
        Assert.Equal(
            [null, PageState.SameFilled, PageState.SameFilled, PageState.Compressed, PageState.Incompressible],
            Enumerable.Range(0, 5).Select(page => store.StateOf(page)));
        Assert.Equal([true, true, false, false, false], Enumerable.Range(0, 5).Select(page => store.ReadsAsZeros(page)));
        Assert.True(store.ReadsAsZeros(4_000_000_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.ReadsAsZeros(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.StateOf(PageStore.MaxPage + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.TryGetPageInfo(-1, out _));
        Assert.Equal(0, store.GetStatistics().AccessTableBytes);
    }

    [Fact]
    public void Ages_count_from_the_last_write_or_read_and_looking_is_no_access()
    {
        using PageStore store = Make();
        byte[] read = new byte[PageSize];
        for (int page = 0; page < 5; page++)
            store.Write(page, page == 4 ? new byte[PageSize] : Noise(page, 0.5));
        _time.Advance(TimeSpan.FromSeconds(100));
        store.TryRead(1, read);
        store.Write(2, Noise(2, 0.5));
        store.Reader.ReadStored(3, read);
        store.Compact();
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(
            [160, 60, 60, 160, 160], Enumerable.Range(0, 5).Select(page => (int)Info(store, page).Age!.Value.TotalSeconds / 20 * 20));
        // Written again in place, refilled with another word, and read while filled.
        store.Write(0, Noise(100, 0.5));
        store.Write(4, Filled(5));
        Assert.InRange(Info(store, 0).Age!.Value.TotalSeconds, 0, 19);
        Assert.InRange(Info(store, 4).Age!.Value.TotalSeconds, 0, 19);
        _time.Advance(TimeSpan.FromSeconds(60));
        store.TryRead(4, read);
        Assert.InRange(Info(store, 4).Age!.Value.TotalSeconds, 0, 19);
    }

    [Fact]
    public void Ages_stop_at_a_day_however_long_it_takes()
    {
        using PageStore store = Make();
        TimeSpan day = TimeSpan.FromHours(24);
        store.Write(1, Noise(1, 0.5));
        store.Write(PageStore.MaxPage, Noise(2, 0.5));
        for (int hour = 1; hour < 120; hour++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            Assert.Equal(Math.Min(24, hour), (int)Math.Round(Info(store, 1).Age!.Value.TotalHours));
            Assert.True(Info(store, PageStore.MaxPage).Age <= day);
        }
        store.Write(2, Noise(2, 0.5));
        _time.Advance(TimeSpan.FromDays(400));
        for (int page = 1; page < 3; page++)
            Assert.Equal(day, Info(store, page).Age);
    }

    [Fact]
    public void A_clock_that_goes_back_makes_no_age_negative()
    {
        ManualTime time = new() { Elapsed = TimeSpan.FromHours(10) };
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, TrackAccess = true, TimeProvider = time });
        foreach (int minutes in (int[])[1, -30, -1000, 0, 1])
        {
            time.Elapsed = TimeSpan.FromHours(10) + TimeSpan.FromMinutes(minutes);
            time.Fire();
            store.Write(minutes + 1000, Noise(1, 0.5));
            foreach (long page in store.EnumeratePages())
                Assert.InRange(Info(store, page).Age!.Value.TotalSeconds, 0, 62);
        }
        time.Elapsed += TimeSpan.FromHours(1);
        time.Fire();
        Assert.All(store.EnumeratePages(), page => Assert.InRange(Info(store, page).Age!.Value.TotalMinutes, 59, 62));
    }

    [Fact]
    public void The_table_takes_two_bytes_a_page_and_goes_with_the_pages()
    {
        using PageStore store = Make();
        const int Count = 100_000;
        for (int page = 0; page < Count; page++)
            store.Write(page, Filled(7));
        PageStoreStatistics full = store.GetStatistics();
        Assert.InRange((double)full.AccessTableBytes / Count, 2, 2.2);
        Assert.Equal(store.Index.Budget.Used, full.TotalBytes);
        store.Discard(0, Count);
        store.Compact();
        Assert.InRange(store.GetStatistics().AccessTableBytes, 0, 20_000);
    }

    [Fact]
    public void Without_memory_for_an_age_a_page_is_stored_all_the_same()
    {
        for (int nth = 1; nth < 12; nth++)
        {
            AllocationFaults faults = new();
            using PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20, TrackAccess = true, Faults = faults });
            store.Write(0, Noise(0, 0.5));
            faults.Refuse(nth);
            bool stored = store.Write(3_000_000, Noise(1, 0.5)) != StoreOutcome.Full;
            faults.Clear();
            Assert.Equal(stored, store.TryGetPageInfo(3_000_000, out PageInfo info));
            if (!stored)
                continue;
            Assert.True(info.Age is null || info.Age < TimeSpan.FromSeconds(10));
            byte[] read = new byte[PageSize];
            Assert.True(store.TryRead(3_000_000, read));
            Assert.Equal(Noise(1, 0.5), read);
            store.Write(3_000_001, Noise(1, 0.5));
            Assert.NotNull(Info(store, 3_000_001).Age);
        }
    }

    [Fact]
    public void A_page_of_unknown_age_counts_as_old()
    {
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20, TrackAccess = true, Faults = faults });
        store.Write(0, Noise(0, 0.5));
        for (int nth = 1; !store.TryGetPageInfo(3_000_000, out PageInfo info) || info.Age is not null; nth++)
        {
            Assert.True(nth < 20, "No refusal leaves a page without its age.");
            store.Discard(3_000_000);
            store.Compact();
            faults.Refuse(nth);
            store.Write(3_000_000, Noise(1, 0.5));
            faults.Clear();
        }
        RecompressionOptions options = new() { Codec = PageCodec.Zstd(4), MinAge = TimeSpan.FromHours(20) };
        Assert.Equal(1, store.Recompress(options).Examined);
    }

    [Fact]
    public void The_clock_advances_by_the_timer_of_the_given_time_provider_and_ends_with_the_store()
    {
        ManualTime time = new();
        PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20, TrackAccess = true, TimeProvider = time });
        store.Write(1, Noise(1, 0.5));
        time.Elapsed = TimeSpan.FromSeconds(30);
        Assert.Equal(TimeSpan.Zero, Info(store, 1).Age);
        time.Fire();
        Assert.Equal(TimeSpan.FromSeconds(30), Info(store, 1).Age);
        store.Dispose();
        Assert.True(time.Disposed);
        time.Fire();
        Assert.Throws<ArgumentException>(() => new PageStore(new PageStoreOptions { TimeProvider = null! }));
    }

    [Fact]
    public void A_forgotten_store_that_tracks_ages_is_collected()
    {
        WeakReference store = Forget();
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return !store.IsAlive;
            },
            TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void Ages_stay_whole_while_pages_come_and_go_and_the_clock_runs()
    {
        using PageStore store = Make();
        new Crew(Rounds.Of(600))
            .Add("ages looked at", 4, 1000, thread =>
            {
                Random random = new(thread);
                byte[] read = new byte[PageSize];
                byte[] page = Noise(thread, 0.3);
                return () =>
                {
                    int number = random.Next(5000);
                    store.Write(number, page);
                    store.TryRead(random.Next(5000), read);
                    store.Discard(random.Next(5000));
                    if (!store.TryGetPageInfo(number, out PageInfo info))
                        return false;
                    Assert.True(info.Age is null || info.Age <= TimeSpan.FromHours(24));
                    return info.Age is not null;
                };
            })
            .Add("advances of the clock", 1, 10, _ => () =>
            {
                _time.Advance(TimeSpan.FromHours(3));
                store.Compact();
                return true;
            })
            .Run();
        store.Discard(0, 5000);
        store.Compact();
        // An operation that came late has left no item behind.
        Assert.InRange(store.GetStatistics().AccessTableBytes, 0, 20_000);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Forget()
    {
        PageStore store = Make(track: true, TimeProvider.System);
        store.Write(1, new byte[PageSize]);
        return new WeakReference(store);
    }

    private static PageStore Make(bool track, TimeProvider time) =>
        new(new PageStoreOptions { MemoryLimit = 64 << 20, TrackAccess = track, TimeProvider = time });

    private PageStore Make(bool track = true) => Make(track, _time);

    private static PageInfo Info(PageStore store, long page)
    {
        Assert.True(store.TryGetPageInfo(page, out PageInfo info));
        return info;
    }

    private static byte[] Noise(int key, double share)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, (ulong)key, share);
        return page;
    }

    private static byte[] Filled(ulong word)
    {
        byte[] page = new byte[PageSize];
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(word);
        return page;
    }
}
