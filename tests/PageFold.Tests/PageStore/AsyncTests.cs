namespace PageFold.Tests.Store;

/// <summary>The operations that wait for a device, without the caller waiting; and what cancelling does to each.</summary>
public sealed class AsyncTests : IDisposable
{
    private const int PageSize = 4096;
    private const int Count = 2000;

    private readonly SnapshotFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_snapshot_is_saved_and_loaded_again()
    {
        using PageStore store = Make();
        SnapshotResult saved = await store.SaveSnapshotAsync(_folder.File, cancellationToken: TestContext.Current.CancellationToken);
        using PageStore other = new(new PageStoreOptions { MemoryLimit = 32 << 20 });
        SnapshotInfo info = await other.LoadSnapshotAsync(_folder.File, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((Count, Count), (saved.Pages, info.Pages));
        byte[] read = new byte[PageSize];
        for (int page = 0; page < Count; page++)
            Assert.True(other.TryRead(page, read) && read.AsSpan().SequenceEqual(Content(page)));
    }

    [Fact]
    public async Task An_image_is_saved()
    {
        using PageStore store = Make();
        await store.SaveImageAsync(_folder.File, Count * PageSize, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(Count * PageSize, new FileInfo(_folder.File).Length);
    }

    [Fact]
    public async Task Saving_does_not_run_on_the_thread_that_asks_nor_on_one_of_the_pool()
    {
        using PageStore store = Make();
        int? thread = null;
        bool isPools = true;
        Reports progress = new(() => (thread, isPools) = (Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread));
        int caller = Environment.CurrentManagedThreadId;
        await store.SaveSnapshotAsync(_folder.File, progress: progress, cancellationToken: TestContext.Current.CancellationToken);
        Assert.NotNull(thread);
        Assert.NotEqual(caller, thread);
        Assert.False(isPools);
    }

    [Fact]
    public async Task Cancelling_a_save_or_a_load_throws_and_leaves_things_as_they_were()
    {
        using PageStore store = Make();
        store.SaveSnapshot(_folder.File);
        byte[] before = File.ReadAllBytes(_folder.File);
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            store.SaveSnapshotAsync(_folder.File, cancellationToken: cancelled.Token));
        Assert.Equal(before, File.ReadAllBytes(_folder.File));
        using PageStore other = new(new PageStoreOptions { MemoryLimit = 32 << 20 });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            other.LoadSnapshotAsync(_folder.File, cancellationToken: cancelled.Token));
        Assert.Equal(0, other.GetStatistics().Pages);
    }

    [Fact]
    public async Task What_works_page_by_page_returns_what_it_did_and_that_it_was_cancelled()
    {
        using PageStore store = Make(_folder.In("writeback"));
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        RecompressionOptions dense = new() { Codec = PageCodec.Zstd(1) };
        WritebackResult written = await store.WriteBackAsync(cancellationToken: cancelled.Token);
        Assert.True(written.WasCancelled && written.Pages < Count);
        RecompressionResult recompressed = store.Recompress(dense, cancellationToken: cancelled.Token);
        Assert.True(recompressed.WasCancelled && recompressed.Recompressed == 0);
        Assert.True(store.Compact(cancelled.Token).WasCancelled);
        Assert.False(store.Compact(CancellationToken.None).WasCancelled);
        Assert.False(store.Recompress(dense, cancellationToken: CancellationToken.None).WasCancelled);
        int number = store.AddCodec(dense.Codec);
        store.UseCodec(dense.Codec);
        store.Write(0, Content(0));
        store.UseCodec(PageCodec.Lz4);
        CodecRetirement retirement = store.RetireCodec(number, cancellationToken: cancelled.Token);
        Assert.True(retirement is { WasCancelled: true, IsRetired: false });
        Assert.Equal(Count, store.GetStatistics().Pages);
    }

    private static PageStore Make(string? writeback = null)
    {
        PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = 32 << 20,
            Writeback = writeback is null ? null : new WritebackOptions { Path = writeback },
        });
        for (int page = 0; page < Count; page++)
            store.Write(page, Content(page));
        return store;
    }

    private static byte[] Content(int number)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, (ulong)number, 0.4);
        return page;
    }

    private sealed class Reports(Action report) : IProgress<double>
    {
        public void Report(double value) => report();
    }
}
