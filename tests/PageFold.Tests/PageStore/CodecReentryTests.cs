namespace PageFold.Tests.Store;

/// <summary>
/// A codec that calls the store that it works for. Its thread holds a codec stream, so whatever may wait for streams or for the codecs'
/// lock is refused before it does anything.
/// </summary>
public sealed class CodecReentryTests : IDisposable
{
    private const int PageSize = 4096;

    private readonly SnapshotFolder _folder = new();
    private readonly CallingCodec _codec = new();
    private readonly PageStore _store;

    public CodecReentryTests() =>
        _store = new PageStore(new PageStoreOptions
        {
            MemoryLimit = 32 << 20,
            Codec = _codec,
            Writeback = new WritebackOptions { Path = _folder.In("writeback") },
        });

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Whatever_changes_codecs_pages_or_files_is_refused()
    {
        string saved = SaveSnapshot(pages: 10);
        Func<object?>[] calls =
        [
            () => _store.RetireCodec(0),
            () => _store.RetireCodec(3),
            () => _store.LoadSnapshot(saved),
            () => _store.LoadSnapshotAsync(saved),
            () => _store.SaveSnapshotAsync(_folder.In("other")),
            () => _store.WriteBack(),
            () => _store.WriteBackAsync(),
        ];
        foreach (Func<object?> call in calls)
        {
            _codec.Calls = () => call();
            InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => _store.Write(1, Content(1)));
            Assert.Contains("codec calls", refused.Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, _store.GetStatistics().Pages);
    }

    /// <summary>Helpers of the load are other threads, which hold no stream: they would have stored pages.</summary>
    [Fact]
    public void A_load_that_is_refused_leaves_the_store_empty()
    {
        string saved = SaveSnapshot(pages: 4000);
        _codec.Calls = () => _store.LoadSnapshot(saved);
        Assert.Throws<InvalidOperationException>(() => _store.Write(1, Content(1)));
        Assert.Equal(0, _store.GetStatistics().Pages);
    }

    [Fact]
    public void A_retirement_is_refused_also_while_another_thread_waits_for_the_codecs_stream()
    {
        Thread adding = new(() => _store.AddCodec(PageCodec.Zstd(1))) { IsBackground = true };
        _codec.Calls = () =>
        {
            _codec.Calls = null;
            adding.Start();
            // It has the codecs' lock, and waits for the stream that this thread holds.
            Assert.True(SpinWait.SpinUntil(IsCodecsLockHeld, TimeSpan.FromMinutes(1)));
            _store.RetireCodec(0);
        };
        Exception? thrown = null;
        Thread writing = new(() => thrown = Record.Exception(() => _store.Write(1, Content(1)))) { IsBackground = true };
        writing.Start();
        Assert.True(writing.Join(TimeSpan.FromSeconds(20)) && adding.Join(TimeSpan.FromSeconds(20)), "The threads wait for each other.");
        Assert.Contains("codec calls", Assert.IsType<InvalidOperationException>(thrown).Message, StringComparison.Ordinal);
        Assert.Equal(2, _store.Codecs.Count);
    }

    [Fact]
    public void A_point_in_time_is_refused_also_while_another_thread_waits_for_the_codecs_operation_to_leave()
    {
        using SnapshotSession session = _store.BeginImage(_folder.File, PageSize);
        Thread taking = new(() => session.TakePoint()) { IsBackground = true };
        _codec.Calls = () =>
        {
            _codec.Calls = null;
            taking.Start();
            Assert.True(SpinWait.SpinUntil(() => _store.Index.Gate.IsForOne, TimeSpan.FromMinutes(1)));
            session.TakePoint();
        };
        Exception? thrown = null;
        Thread writing = new(() => thrown = Record.Exception(() => _store.Write(1, Content(1)))) { IsBackground = true };
        writing.Start();
        Assert.True(writing.Join(TimeSpan.FromSeconds(20)) && taking.Join(TimeSpan.FromSeconds(20)), "The threads wait for each other.");
        Assert.Contains("codec calls", Assert.IsType<InvalidOperationException>(thrown).Message, StringComparison.Ordinal);
    }

    private bool IsCodecsLockHeld()
    {
        Lock changes = _store.KnownCodecs.Table.Changes;
        if (!changes.TryEnter())
            return true;
        changes.Exit();
        return false;
    }

    private string SaveSnapshot(int pages)
    {
        using PageStore other = new(new PageStoreOptions { MemoryLimit = 32 << 20 });
        for (int page = 0; page < pages; page++)
            other.Write(page, Content(page));
        other.SaveSnapshot(_folder.File);
        return _folder.File;
    }

    private static byte[] Content(int key)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, (ulong)key, 0.4);
        return page;
    }

    /// <summary>LZ4 that calls what it is told to while it compresses.</summary>
    private sealed class CallingCodec : PageCodec
    {
        public Action? Calls { get; set; }

        public override string Name => "calling";

        public override int MaxCompressedLength(int pageSize) => Lz4Managed.MaxCompressedLength(pageSize);

        public override PageCodecContext CreateContext(int pageSize) => new Context(this, Lz4Managed.CreateContext(pageSize));

        private sealed class Context(CallingCodec codec, PageCodecContext inner) : PageCodecContext
        {
            public override long Bytes => inner.Bytes;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                codec.Calls?.Invoke();
                return inner.TryCompress(page, destination, out written);
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => inner.TryDecompress(source, page);

            protected override void Dispose(bool disposing)
            {
                base.Dispose(disposing);
                if (disposing)
                    inner.Dispose();
            }
        }
    }
}
