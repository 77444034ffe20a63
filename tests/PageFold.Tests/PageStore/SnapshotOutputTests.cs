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
