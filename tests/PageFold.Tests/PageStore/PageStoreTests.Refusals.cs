using PageFold.Frames;

namespace PageFold.Tests.Store;

// What a store refuses: arguments, options and limits.
public partial class PageStoreTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(PageStore.MaxPage + 1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Refuses_a_page_out_of_range(long page)
    {
        using PageStore store = Make();
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Write(page, new byte[PageSize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.TryRead(page, new byte[PageSize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Discard(page));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.TryFindNext(page, out _));
    }

    [Fact]
    public void Refuses_a_range_beyond_the_last_page_and_a_buffer_that_is_no_page()
    {
        using PageStore store = Make();
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Discard(10, PageStore.MaxPage));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Discard(10, -1));
        Assert.Contains("4095 bytes", Assert.Throws<ArgumentException>(() => store.Write(0, new byte[4095])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => store.TryRead(0, new byte[4097]));
        Assert.Equal("refusal", Assert.Throws<ArgumentOutOfRangeException>(
            () => store.Write(0, new byte[4096], (RefusalPolicy)9)).ParamName);
        Assert.Equal(0, store.Discard(PageStore.MaxPage, 1));
        Assert.Equal(0, store.Discard(5, 0));
    }

    [Fact]
    public void Refuses_options_that_do_not_fit_each_other()
    {
        ArgumentException frame = Assert.Throws<ArgumentOutOfRangeException>(() =>
            new PageStore(new PageStoreOptions { PageSize = 16384, FrameSize = 4096 }));
        Assert.Contains("FrameSize is 4096, smaller than PageSize (16384); choose 16384, 32768 or 65536 bytes", frame.Message,
            StringComparison.Ordinal);
        Assert.Contains("PageSize is 5000", Assert.Throws<ArgumentOutOfRangeException>(() =>
            new PageStore(new PageStoreOptions { PageSize = 5000 })).Message, StringComparison.Ordinal);
        Assert.Contains("IncompressibleAbove is 9000", Assert.Throws<ArgumentOutOfRangeException>(() =>
            new PageStore(new PageStoreOptions { IncompressibleAbove = 9000 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new PageStore(new PageStoreOptions { Codec = null! }));
        Assert.Throws<ArgumentNullException>(() => new PageStore(null!));
    }

    [Fact]
    public void A_limit_too_small_for_a_page_is_refused_by_name()
    {
        foreach (long limit in (long[])[1, 4096, 8191, 12_000, 20_000])
            Assert.Contains("MemoryLimit", Assert.Throws<ArgumentOutOfRangeException>(() =>
                new PageStore(new PageStoreOptions { MemoryLimit = limit })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_is_refused_by_name_or_has_room_for_a_page_whatever_else_it_is_for()
    {
        string folder = Directory.CreateTempSubdirectory("pagefold-limit-").FullName;
        try
        {
            Gen.Select(Gen.Int[14, 24], Gen.Double[1, 2], Gen.Double[0, 1.2], Gen.Double[0, 1.2], Gen.Int[0, 3], Gen.Bool, Gen.Bool)
                .Sample((shift, factor, owner, reserve, writeback, isZstd, tracks) =>
                {
                    long limit = (long)((1L << shift) * factor);
                    PageStoreOptions options = new()
                    {
                        MemoryLimit = limit,
                        OwnerBytes = (long)(owner * owner * owner * owner * limit),
                        SnapshotReserve = (long)(reserve * reserve * reserve * reserve * limit),
                        TrackAccess = tracks,
                        Codec = isZstd ? PageCodec.Zstd(1) : PageCodec.Lz4Managed,
                        Writeback = writeback == 0 ? null : new()
                        {
                            Path = Path.Combine(folder, "writeback"),
                            DirectReclaim = writeback > 1,
                            MaxBytes = writeback > 2 ? WritebackOptions.MaxFileBytes : null,
                        },
                    };
                    PageStore store;
                    try
                    {
                        store = new PageStore(options);
                    }
                    catch (ArgumentException refused)
                    {
                        Assert.True(OptionMessage.Of(refused)!.Names("MemoryLimit"), refused.Message);
                        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
                        return;
                    }
                    MemoryBudget budget = store.Index.Budget;
                    using (store)
                    {
                        Assert.InRange(budget.Peak, 1, limit);
                        Assert.Equal(StoreOutcome.Incompressible, store.Write(5, Compressible(5, 1)));
                    }
                    Assert.Equal(0, budget.Used);
                }, iter: Rounds.Of(1500), threads: 1);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
