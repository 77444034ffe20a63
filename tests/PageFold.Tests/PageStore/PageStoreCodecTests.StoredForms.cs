using PageFold.Store.Index;

namespace PageFold.Tests.Store;

// Pages in the form in which they are stored, from one store to another.
public partial class PageStoreCodecTests
{
    [Fact]
    public void Stored_forms_go_from_one_store_to_another_and_give_the_same_pages()
    {
        using PageStore source = Make();
        using PageStore target = Make();
        PageCodec zstd = PageCodec.Zstd(3);
        target.UseCodec(PageCodec.Zstd(3));
        byte[] page = new byte[PageSize];
        byte[] stored = new byte[PageSize];
        byte[] read = new byte[PageSize];
        Assert.Equal(StoredKind.Absent, source.Reader.ReadStored(7_000_000, stored).Kind);
        for (uint number = 0; number < 300; number++)
        {
            source.UseCodec(number % 2 == 0 ? PageCodec.Lz4 : zstd);
            Fill(page, number);
            StoreOutcome outcome = source.Write(number, page);
            StoredPage form = source.Reader.ReadStored(number, stored);
            Assert.Equal(outcome, target.Writer.WriteStored(number, form, stored.AsSpan(0, form.Size)));
            Assert.Equal(form, target.Reader.ReadStored(number, read));
            Assert.True(target.TryRead(number, read));
            Assert.True(read.AsSpan().SequenceEqual(page));
        }
        Assert.Equal(source.GetStatistics().CompressedBytes, target.GetStatistics().CompressedBytes);
        Assert.Equal(source.Codecs.Select(use => use.Pages), target.Codecs.Select(use => use.Pages));
    }

    [Fact]
    public unsafe void A_stored_form_that_is_damaged_or_impossible_changes_nothing()
    {
        using PageStore store = Make();
        store.Write(1, Compressible(1));
        byte[] stored = new byte[PageSize];
        StoredPage form = store.Reader.ReadStored(1, stored);
        byte[] bytes = stored[..form.Size];
        bytes[5] ^= 1;
        Assert.Equal(1, Assert.Throws<PageCorruptException>(() => store.Writer.WriteStored(1, form, bytes)).Page);
        bytes[5] ^= 1;
        Assert.Throws<PageCorruptException>(() => store.Writer.WriteStored(2, form, bytes));
        Assert.Throws<ArgumentException>(() => store.Writer.WriteStored(1, form, bytes.AsSpan(1)));
        Assert.Throws<ArgumentException>(() => store.Writer.WriteStored(1, form with { Codec = 2 }, bytes));
        Assert.Throws<ArgumentException>(() => store.Writer.WriteStored(1, form with { Codec = -1 }, bytes));
        Assert.Throws<ArgumentException>(() => store.Writer.WriteStored(1, form with { Kind = StoredKind.Incompressible }, bytes));
        Assert.Throws<ArgumentException>(() => store.Writer.WriteStored(1, default, default));
        Assert.Throws<ArgumentException>(() => store.Reader.ReadStored(1, new byte[100]));
        AssertHolds(store, 1);
        *store.Index.Heap.View(*store.Index.Slots.Find(1)).First ^= 1;
        Assert.Throws<PageCorruptException>(() => store.Reader.ReadStored(1, stored));
        Assert.False(stored.AsSpan().ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void At_the_limit_a_stored_form_is_refused_like_a_page_and_the_old_content_stays()
    {
        using PageStore source = Make();
        using PageStore target = new(new PageStoreOptions { MemoryLimit = 1 << 20 });
        byte[] page = new byte[PageSize];
        byte[] stored = new byte[PageSize];
        target.Write(0, Compressible(0));
        uint number = 1;
        for (; ; number++)
        {
            Pages.Fill(page, number);
            source.Write(number, page);
            StoredPage form = source.Reader.ReadStored(number, stored);
            if (target.Writer.WriteStored(number, form, stored) == StoreOutcome.Full)
                break;
        }
        Assert.InRange(number, 150u, 256u);
        Pages.Fill(page, 0);
        source.Write(0, page);
        Assert.Equal(StoreOutcome.Full, target.Writer.WriteStored(0, source.Reader.ReadStored(0, stored), stored));
        AssertHolds(target, 0);
        Assert.True(target.Index.Budget.Peak <= 1 << 20);
    }
}
