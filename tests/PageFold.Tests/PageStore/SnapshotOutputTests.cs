using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>
/// Snapshots and images to outputs of the caller's own: the same bytes as in a file, and a store that goes on whatever an output does.
/// </summary>
public class SnapshotOutputTests
{
    private const int PageSize = 4096;

    [Fact]
    public void An_output_gets_the_bytes_that_a_file_would_hold()
    {
        using SnapshotFolder folder = new();
        using PageStore store = Filled();
        store.SaveImage(folder.File, 64 * PageSize);
        using MemoryOutput image = new();
        using (SnapshotSession session = store.BeginImageTo(image, 64 * PageSize))
            Assert.Equal(64 * PageSize, session.Save(cancellationToken: TestContext.Current.CancellationToken).FileBytes);
        Assert.Equal(File.ReadAllBytes(folder.File), image.Bytes);
        Assert.True(image.IsComplete && image.IsDisposed);

        using MemoryOutput snapshot = new();
        using (SnapshotSession session = store.BeginSnapshotTo(snapshot))
            session.Save(cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(snapshot.IsSequential);
        File.WriteAllBytes(folder.File, snapshot.Bytes);
        using PageStore restored = new(new PageStoreOptions { PageSize = PageSize, MemoryLimit = 16 << 20 });
        restored.LoadSnapshot(folder.File, cancellationToken: TestContext.Current.CancellationToken);
        byte[] expected = new byte[PageSize];
        byte[] actual = new byte[PageSize];
        for (long page = 0; page < 64; page++)
        {
            Assert.Equal(store.TryRead(page, expected), restored.TryRead(page, actual));
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void An_output_that_fails_ends_the_snapshot_and_not_the_store()
    {
        using PageStore store = Filled();
        long held = store.GetStatistics().TotalBytes;
        foreach (bool raw in (bool[])[false, true])
        {
            using MemoryOutput output = new() { Fails = true };
            using SnapshotSession session = raw ? store.BeginImageTo(output, 64 * PageSize) : store.BeginSnapshotTo(output);
            Assert.Throws<IOException>(() => session.Save(cancellationToken: TestContext.Current.CancellationToken));
            Assert.True(output.IsDisposed && !output.IsComplete);
        }
        Assert.Equal(held, store.GetStatistics().TotalBytes);
        Assert.Equal(StoreOutcome.Stored, store.Write(1, new byte[PageSize - 1].Append((byte)1).ToArray()));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_session_is_saved_by_one_thread_and_ends_without_a_result_when_it_is_disposed_meanwhile(bool raw, bool atEnd)
    {
        using PageStore store = Filled();
        long held = store.GetStatistics().TotalBytes;
        SnapshotSession? session = null;
        bool isDisposed = false;
        using ActingOutput output = new(isEnd =>
        {
            if (isDisposed || isEnd != atEnd)
                return;
            Assert.Contains("fixed", Assert.Throws<InvalidOperationException>(() => session!.TakePoint()).Message,
                StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => session!.Save());
            isDisposed = true;
            session!.Dispose();
        });
        session = raw ? store.BeginImageTo(output, 64 * PageSize) : store.BeginSnapshotTo(output);
        OperationCanceledException ended = Assert.ThrowsAny<OperationCanceledException>(
            () => session.Save(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("abandoned", ended.Message, StringComparison.Ordinal);
        Assert.True(isDisposed && !output.IsComplete && output.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => session.Save(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(held, store.GetStatistics().TotalBytes);
        using MemoryOutput next = new();
        using (SnapshotSession again = store.BeginSnapshotTo(next))
            again.Save(cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(next.IsComplete);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_store_that_is_disposed_while_it_is_saved_gives_its_memory_back_and_the_file_is_whole_or_none(bool raw, bool atEnd)
    {
        PageStore store = Filled();
        MemoryBudget budget = store.Index.Budget;
        using MemoryOutput expected = new();
        using (SnapshotSession before = raw ? store.BeginImageTo(expected, 64 * PageSize) : store.BeginSnapshotTo(expected))
            before.Save(cancellationToken: TestContext.Current.CancellationToken);
        SnapshotSession? session = null;
        using ActingOutput output = new(isEnd =>
        {
            if (isEnd == atEnd)
                store.Dispose();
        });
        session = raw ? store.BeginImageTo(output, 64 * PageSize) : store.BeginSnapshotTo(output);
        Exception? ended = Record.Exception(() => session.Save(cancellationToken: TestContext.Current.CancellationToken));
        Assert.True(output.IsDisposed);
        Assert.Equal(ended is null, output.IsComplete);
        if (raw && output.IsComplete)
            Assert.Equal(expected.Bytes.AsSpan().TrimEnd((byte)0), output.Bytes.AsSpan().TrimEnd((byte)0));
        Assert.True(ended is null or ObjectDisposedException, ended?.ToString());
        Assert.Equal(0, budget.Used);
        Assert.Equal(0, budget.BlockCount);
    }

    [Fact]
    public void A_page_that_its_codec_no_longer_reads_fails_the_image_with_its_number()
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, 1, 0.5);
        page[0] = 1;
        using PageStore store = new(new PageStoreOptions { PageSize = PageSize, MemoryLimit = 16 << 20, Codec = new FailingCodec(2) });
        store.Write(1, page);
        page[0] = 2;
        store.Write(2, page);
        Assert.Equal(2, store.Codecs[0].Pages);
        using MemoryOutput image = new();
        using SnapshotSession session = store.BeginImageTo(image, 3 * PageSize);
        Assert.Equal(2, Assert.Throws<PageCorruptException>(
            () => session.Save(cancellationToken: TestContext.Current.CancellationToken)).Page);
        Assert.True(image.IsDisposed && !image.IsComplete);
    }

    [Fact]
    public void A_file_that_was_abandoned_leaves_its_name_to_the_next_however_often_it_is_disposed()
    {
        using SnapshotFolder folder = new();
        SnapshotOutput abandoned = SnapshotOutput.ToFile(folder.File);
        abandoned.Write(0, "abandoned"u8);
        abandoned.Dispose();
        folder.AssertOnly();
        using (SnapshotOutput next = SnapshotOutput.ToFile(folder.File))
        {
            next.Write(0, "whole"u8);
            abandoned.Dispose();
            folder.AssertOnly("disk.snapshot.pagefold-partial");
            next.Complete(TestContext.Current.CancellationToken);
        }
        folder.AssertOnly("disk.snapshot");
        Assert.Equal("whole", File.ReadAllText(folder.File));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_output_stays_the_callers_where_no_session_begins(bool raw)
    {
        // No room for the buffers of a snapshot.
        using PageStore small = new(new PageStoreOptions { PageSize = PageSize, MemoryLimit = 1 << 20 });
        long held = small.Index.Budget.Used;
        MemoryOutput output = new();
        Assert.Throws<MemoryLimitException>(() => raw ? small.BeginImageTo(output, 64 * PageSize) : small.BeginSnapshotTo(output));
        Assert.False(output.IsDisposed);
        Assert.Equal(held, small.Index.Budget.Used);

        using PageStore store = Filled();
        using (store.BeginSnapshotTo(new MemoryOutput()))
        {
            Assert.Throws<InvalidOperationException>(
                () => raw ? store.BeginImageTo(output, 64 * PageSize) : store.BeginSnapshotTo(output));
        }
        Assert.False(output.IsDisposed);
        // So the caller can use it once more.
        using (SnapshotSession session = raw ? store.BeginImageTo(output, 64 * PageSize) : store.BeginSnapshotTo(output))
            session.Save(cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(output.IsComplete && output.IsDisposed);
    }

    private static PageStore Filled()
    {
        PageStore store = new(new PageStoreOptions { PageSize = PageSize, MemoryLimit = 16 << 20 });
        byte[] page = new byte[PageSize];
        Random random = new(1);
        for (int number = 0; number < 64; number += 3)
        {
            random.NextBytes(page.AsSpan(0, number * 60));
            store.Write(number, page);
        }
        return store;
    }

    /// <summary>Does not decompress pages that begin with a byte.</summary>
    private sealed class FailingCodec(byte first) : PageCodec
    {
        public override string Name => "failing";

        public override int MaxCompressedLength(int pageSize) => Lz4Managed.MaxCompressedLength(pageSize);

        public override PageCodecContext CreateContext(int pageSize) => new Context(first, Lz4Managed.CreateContext(pageSize));

        private sealed class Context(byte first, PageCodecContext inner) : PageCodecContext
        {
            public override long Bytes => inner.Bytes;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written) =>
                inner.TryCompress(page, destination, out written);

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) =>
                inner.TryDecompress(source, page) && page[0] != first;

            protected override void Dispose(bool disposing)
            {
                inner.Dispose();
                base.Dispose(disposing);
            }
        }
    }

    /// <summary>Does something whenever bytes come, or at the end, and does not ask how much there will be.</summary>
    private sealed class ActingOutput(Action<bool> act) : SnapshotOutput
    {
        private readonly MemoryStream _bytes = new();

        public byte[] Bytes => _bytes.ToArray();

        public bool IsComplete { get; private set; }

        public bool IsDisposed { get; private set; }

        public override void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            _bytes.Position = offset;
            _bytes.Write(bytes);
            act(false);
        }

        public override void Complete(CancellationToken cancellationToken)
        {
            act(true);
            cancellationToken.ThrowIfCancellationRequested();
            IsComplete = true;
        }

        protected override void Dispose(bool disposing) => IsDisposed = true;
    }

    private sealed class MemoryOutput : SnapshotOutput
    {
        private readonly MemoryStream _bytes = new();

        public bool Fails { get; init; }

        public bool IsSequential { get; private set; } = true;

        public bool IsComplete { get; private set; }

        public bool IsDisposed { get; private set; }

        public byte[] Bytes => _bytes.ToArray();

        public override void Begin(long length) => _bytes.SetLength(length);

        public override void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            if (Fails)
                throw new IOException("no room");
            IsSequential &= offset == _bytes.Length;
            _bytes.Position = offset;
            _bytes.Write(bytes);
        }

        public override void Complete(CancellationToken cancellationToken) => IsComplete = true;

        protected override void Dispose(bool disposing) => IsDisposed = true;
    }
}
