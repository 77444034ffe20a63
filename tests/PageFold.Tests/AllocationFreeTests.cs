using PageFold.Store.Index;
using PageFold.Tests.Mapping;

namespace PageFold.Tests;

/// <summary>In steady state nothing is allocated on the GC heap, neither by the pool's paths nor by the store's.</summary>
public class AllocationFreeTests
{
    [Theory]
    [InlineData(MappingKind.Copy)]
    [InlineData(MappingKind.Window)]
    public void Pool_operations_allocate_nothing(MappingKind mapping)
    {
        WindowTests.SkipUnlessPossible(mapping);
        using ZsPool pool = new(new ZsPoolOptions { Mapping = mapping, MemoryLimit = 64 << 20 });
        ZsHandle[] handles = new ZsHandle[500];
        byte[] buffer = new byte[4096];
        AssertAllocatesNothing(() =>
        {
            for (int i = 0; i < handles.Length; i++)
            {
                int size = 1 + i * 7919 % 4096;
                handles[i] = i % 2 == 0 ? pool.Allocate(size) : pool.Allocate(buffer.AsSpan(0, size));
                using (ZsMap map = pool.Map(handles[i], MapMode.Write))
                    map.Span.Fill(1);
                using (ZsReadMap map = pool.MapRead(handles[i]))
                    _ = map.Span[0];
                using (ZsReadView view = pool.ViewRead(handles[i]))
                    _ = view.Length;
                pool.Read(handles[i], 0, buffer.AsSpan(0, size));
                pool.Write(handles[i], 0, buffer.AsSpan(0, size));
                _ = pool.SizeOf(handles[i]);
            }
            foreach (ZsHandle handle in handles)
                pool.Free(handle);
        });
    }

    [Theory]
    [InlineData("lz4")]
    [InlineData("zstd")]
    [InlineData("fold")]
    [InlineData("fold dense")]
    [InlineData("none")]
    public void Store_operations_allocate_nothing(string codec)
    {
        using PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = 64 << 20,
            TrackAccess = true,
            Codec = codec switch
            {
                "lz4" => PageCodec.Lz4,
                "zstd" => PageCodec.Zstd(1),
                "fold" => PageCodec.Fold(),
                "fold dense" => PageCodec.Fold(FoldLevel.Dense),
                _ => PageCodec.None,
            },
        });
        byte[][] pages = [.. Enumerable.Range(0, 50).Select(i =>
        {
            byte[] page = new byte[4096];
            if (i % 5 == 0)
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill((ulong)i * 0x0123456789ABCDEF);
            else
                Pages.FillCompressible(page, (ulong)i, i / 50.0);
            return page;
        })];
        byte[] read = new byte[4096];
        int round = 0;
        AssertAllocatesNothing(() =>
        {
            round++;
            for (int i = 0; i < 1000; i++)
            {
                store.Write(i, pages[(i + round) % pages.Length]);
                store.TryRead(i, read);
                store.TryRead(i + 100_000, read);
                store.TryGetPageInfo(i, out _);
                store.Reader.ReadStored((uint)i, read);
                if (i % 3 == 0)
                    store.Discard(i);
            }
            store.Discard(0, 1000);
        });
    }

    [Fact]
    public void Reading_from_the_writeback_file_allocates_nothing()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Writeback = new() { Path = path } });
        byte[] page = new byte[4096];
        for (int i = 0; i < 500; i++)
        {
            Pages.FillCompressible(page, (ulong)i, i / 500.0);
            store.Write(i, page);
        }
        Assert.Equal(500, store.WriteBack().Pages);
        AssertAllocatesNothing(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                store.TryRead(i, page);
                store.Reader.ReadStored((uint)i, page);
            }
        });
    }

    [Fact]
    public void Writes_that_move_other_pages_to_the_file_allocate_nothing()
    {
        const int Count = 2048;
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = 4 << 20,
            Writeback = new() { Path = path, DirectReclaim = true, MaxBytes = WritebackOptions.BytesFor(Count * 4096L, 4096) },
        });
        byte[] page = new byte[4096];
        int round = 0;
        AssertAllocatesNothing(() =>
        {
            for (int i = 0; i < Count / 4; i++)
            {
                int number = (i + round * Count / 4) % Count;
                Pages.Fill(page, (ulong)(round + number));
                Assert.True(store.Write(number, page) == StoreOutcome.Incompressible);
            }
            round++;
        });
        Assert.True(store.GetStatistics().WritebackWrites > Count);
    }

    [Fact]
    public void Refused_writes_allocate_nothing_while_a_loan_does_not_come()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 4 << 20 });
        store.Index.Loans.Patience = TimeSpan.FromMilliseconds(1);
        using ManualResetEventSlim begun = new();
        using ManualResetEventSlim end = new();
        Thread borrower = new(() =>
        {
            using MemoryLoan loan = store.Index.Loans.Begin(() => new InvalidOperationException(), CancellationToken.None);
            begun.Set();
            end.Wait();
        });
        borrower.Start();
        begun.Wait(TestContext.Current.CancellationToken);
        // And one of the thread that writes, as that of a training whose callback does.
        using MemoryLoan own = store.Index.Loans.Begin(() => new InvalidOperationException(), CancellationToken.None);
        byte[] page = new byte[4096];
        int number = 0;
        do
            Pages.Fill(page, (ulong)++number);
        while (store.Write(number, page) != StoreOutcome.Full);
        AssertAllocatesNothing(() => Assert.True(store.Write(number, page) == StoreOutcome.Full));
        Assert.True(own.IsCalledIn && store.Index.Loans.IsAny);
        end.Set();
        borrower.Join();
    }

    private static void AssertAllocatesNothing(Action action)
    {
        // Tables, buffers and compiled code are made on the way to the steady state.
        for (int i = 0; i < 40; i++)
            action();
        long least = long.MaxValue;
        for (int i = 0; i < 5 && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }
}
