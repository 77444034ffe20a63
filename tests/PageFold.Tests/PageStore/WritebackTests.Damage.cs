using PageFold.Frames;
using PageFold.Store.Log;

namespace PageFold.Tests.Store;

// Damage in memory and in the file, and a system that fails.
public sealed partial class WritebackTests
{
    [Fact]
    public unsafe void A_page_that_is_damaged_in_memory_stays_there_and_others_go()
    {
        using PageStore store = Make(File1);
        for (int i = 0; i < 10; i++)
            store.Write(i, Noise(i));
        *store.Index.Heap.View(*store.Index.Slots.Find(4)).First ^= 1;
        WritebackResult result = store.WriteBack();
        Assert.Equal((WritebackStop.Finished, 9, 1), (result.Stopped, result.Pages, result.Skipped));
        Assert.Equal(4, Assert.Throws<PageCorruptException>(() => store.TryRead(4, new byte[PageSize])).Page);
        Assert.Equal(PageState.Incompressible, store.StateOf(4));
        store.Write(4, Noise(4));
        Assert.Equal(1, store.WriteBack().Pages);
        for (int i = 0; i < 10; i++)
            AssertHolds(store, i, Noise(i));
    }

    [Fact]
    public void Every_damaged_byte_of_a_record_is_found_and_never_returned()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20, Writeback = new() { Path = File1 } });
        store.Write(0, Text(1));
        store.Write(1, Noise(2));
        store.WriteBack();
        byte[] read = new byte[PageSize];
        Assert.True(store.TryGetPageInfo(0, out PageInfo info));
        int records = RecordFormat.Bytes(info.StoredBytes) + RecordFormat.Bytes(PageSize);
        int found = 0;
        for (int at = 0; at < records; at++)
        {
            Flip(store, at);
            foreach (int page in (int[])[0, 1])
            {
                try
                {
                    Assert.True(store.TryRead(page, read));
                    Assert.True(read.AsSpan().SequenceEqual(page == 0 ? Text(1) : Noise(2)));
                }
                catch (PageCorruptException error)
                {
                    Assert.Equal(page, error.Page);
                    Assert.False(read.AsSpan().ContainsAnyExcept((byte)0));
                    Assert.Throws<PageCorruptException>(() => store.Reader.ReadStored((uint)page, read));
                    found++;
                }
            }
            Flip(store, at);
        }
        Assert.Equal(info.StoredBytes + PageSize + 2 * RecordFormat.HeaderBytes, found);
        Flip(store, 20);
        store.Write(0, Text(1));
        AssertHolds(store, 0, Text(1));
    }

    [Fact]
    public void A_page_that_the_file_no_longer_has_or_gives_is_named_and_can_be_written_again()
    {
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20, Writeback = new() { Path = File1, Faults = faults } });
        store.Write(5, Noise(5));
        store.Write(6, Noise(6));
        store.WriteBack();
        byte[] read = new byte[PageSize];
        faults.Refuse(1);
        WritebackReadException failed = Assert.Throws<WritebackReadException>(() => store.TryRead(5, read));
        Assert.Equal((5, File1), (failed.Page, failed.Path));
        Assert.IsType<IOException>(failed.InnerException);
        faults.Clear();
        AssertHolds(store, 5, Noise(5));
        RandomAccess.SetLength(store.Index.Log!.File.Handle, WritebackFile.HeaderBytes + 6000);
        AssertHolds(store, 5, Noise(5));
        Assert.Contains("page 6", Assert.Throws<WritebackReadException>(() => store.TryRead(6, read)).Message,
            StringComparison.OrdinalIgnoreCase);
        Assert.Throws<WritebackReadException>(() => store.Reader.ReadStored(6, read));
        store.Write(6, Text(6));
        AssertHolds(store, 6, Text(6));
    }

    [Fact]
    public void Where_the_system_fails_at_any_point_of_a_writeback_every_page_stays_whole()
    {
        for (int nth = 1; nth < 30; nth++)
        {
            AllocationFaults faults = new();
            using PageStore store =
                new(new PageStoreOptions { MemoryLimit = 32 << 20,
                Writeback = new() { Path = Path.Combine(_folder, "faults" + nth), MaxBytes = 4 << 20, Faults = faults } });
            for (int round = 0; round < 3; round++)
            {
                for (int i = round; i < 900; i += 1 + round)
                    store.Write(i, Noise(i + round));
                faults.Refuse(nth, 2);
                WritebackResult result = store.WriteBack();
                Assert.True(result.Stopped is WritebackStop.FileFull || result.Stopped is WritebackStop.IOError
                    && result.Error is IOException, result.ToString());
                faults.Clear();
            }
            Assert.Equal(WritebackStop.FileFull, store.WriteBack().Stopped);
            for (int i = 2; i < 900; i++)
                AssertHolds(store, i, Noise(i + ((i - 2) % 3 == 0 ? 2 : (i - 1) % 2 == 0 ? 1 : 0)));
            store.Discard(0, 900);
            Assert.Equal((0, 0, 0),
                (store.GetStatistics().WrittenBackBytes, store.GetStatistics().PoolBytes, store.GetStatistics().CompressedBytes));
            Assert.InRange(store.GetStatistics().WritebackFileBytes, 0, 1 << 20);
        }
    }

    [Fact]
    public void Cleaning_leaves_what_is_damaged_where_it_is_and_goes_on()
    {
        using PageStore store =
            new(new PageStoreOptions { MemoryLimit = 32 << 20, Writeback = new() { Path = File1, MaxBytes = 4 << 20 } });
        for (int i = 0; i < 700; i++)
            store.Write(i, Noise(i));
        Assert.Equal(WritebackStop.FileFull, store.WriteBack().Stopped);
        // The number of page 1, and a byte of page 3.
        int record = RecordFormat.Bytes(PageSize);
        Flip(store, record);
        Flip(store, 3 * record + 100);
        for (int i = 4; i < 300; i++)
            store.Write(i, Noise(i));
        for (int round = 0; round < 5; round++)
        {
            _ = store.WriteBack();
            for (int i = 300 - round * 50; i < 300; i++)
                store.Write(i, Noise(i));
        }
        for (int i = 0; i < 700; i++)
        {
            if (i is 1 or 3)
                Assert.Throws<PageCorruptException>(() => store.TryRead(i, new byte[PageSize]));
            else
                AssertHolds(store, i, Noise(i));
        }
        store.Discard(0, 700);
        Assert.InRange(store.GetStatistics().WritebackFileBytes, 0, 1 << 20);
    }
}
