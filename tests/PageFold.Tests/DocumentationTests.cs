using PageFold.Frames;
using PageFold.Tests.Store;

namespace PageFold.Tests;

/// <summary>
/// Every exception that a public member throws, of a store, pool or arena that lives or is disposed, is in its documentation.
/// </summary>
public sealed class DocumentationTests : IDisposable
{
    private const long Limit = 4 << 20;

    private readonly SnapshotFolder _folder = new();
    private readonly List<IDisposable> _made = [];
    private readonly DocumentedExceptions _documented;

    public DocumentationTests()
    {
        using (PageStore store = new(new PageStoreOptions { MemoryLimit = Limit }))
            store.SaveSnapshot(_folder.In("good"));
        File.WriteAllText(_folder.In("bad"), "no snapshot");
        _documented = new DocumentedExceptions([typeof(PageStore).Assembly], new Dictionary<Type, object?[]>
        {
            [typeof(int)] = [4096, 1, -1, 0, int.MaxValue],
            [typeof(long)] = [1L, 0L, -1L, long.MaxValue, PageStore.MaxPage],
            [typeof(uint)] = [0u, uint.MaxValue],
            [typeof(ZsHandle)] = [default(ZsHandle)],
            [typeof(string)] = [_folder.In("good"), null, string.Empty, _folder.In("bad"), _folder.In("no/folder"), _folder.In("."), "\0"],
            [typeof(PageCodec)] = [PageCodec.Lz4Managed, null, new Claiming(-1), new Claiming(long.MaxValue)],
            [typeof(CancellationToken)] = [CancellationToken.None, new CancellationToken(canceled: true)],
            [typeof(PageStoreOptions)] = [new PageStoreOptions { MemoryLimit = Limit }, null, new PageStoreOptions { MemoryLimit = 1 },
                new PageStoreOptions { MemoryLimit = long.MaxValue }, new PageStoreOptions { PageSize = 5 },
                new PageStoreOptions { MemoryLimit = Limit, SnapshotReserve = -1 },
                    new PageStoreOptions { MemoryLimit = Limit, Codec = new Claiming(-1) },
                new PageStoreOptions { MemoryLimit = Limit, Writeback = new WritebackOptions { Path = _folder.In("no/file") } },
                new PageStoreOptions { MemoryLimit = Limit, Writeback = new WritebackOptions { Path = _folder.In(".") } },
                new PageStoreOptions { MemoryLimit = Limit, Writeback = new WritebackOptions { Path = _folder.In("bad") } },
                new PageStoreOptions { MemoryLimit = Limit, Backing = FrameBackingKind.Portable },
                new PageStoreOptions { MemoryLimit = Limit, Backing = (FrameBackingKind)9 }],
            [typeof(ZsPoolOptions)] = [new ZsPoolOptions { MemoryLimit = Limit }, null, new ZsPoolOptions { MemoryLimit = 0 },
                new ZsPoolOptions { MemoryLimit = Limit, Mapping = MappingKind.Window, FrameSize = 8192 },
                new ZsPoolOptions { MemoryLimit = long.MaxValue }, new ZsPoolOptions { FrameSize = 5 }],
            [typeof(FrameArenaOptions)] = [new FrameArenaOptions { MemoryLimit = Limit }, null, new FrameArenaOptions { MemoryLimit = 0 },
                new FrameArenaOptions { MemoryLimit = long.MaxValue }, new FrameArenaOptions { FrameSize = 5 }],
            [typeof(RecompressionOptions)] = [new RecompressionOptions { Codec = PageCodec.Lz4Managed }, null,
                new RecompressionOptions { Codec = null! }, new RecompressionOptions { Codec = PageCodec.Lz4, MinAge = TimeSpan.Zero },
                new RecompressionOptions { Codec = PageCodec.Zstd(22), RetireOthers = true },
                    new RecompressionOptions { Codec = PageCodec.Lz4, MaxPages = -1 },
                new RecompressionOptions { Codec = new Claiming(-1) }],
            [typeof(CodecRetirementOptions)] = [null, new CodecRetirementOptions { MaxPages = -1 },
                new CodecRetirementOptions { Target = new Claiming(long.MaxValue) }],
            [typeof(WritebackSelection)] =
                [null, new WritebackSelection { MinAge = TimeSpan.Zero }, new WritebackSelection { MaxBytes = -1 }],
            [typeof(SnapshotOptions)] = [null, new SnapshotOptions { Label = null! }, new SnapshotOptions { Length = -1 }],
            [typeof(SnapshotOutput)] = [new Nowhere(), null],
        });
    }

    public void Dispose()
    {
        _made.ForEach(made => made.Dispose());
        _folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_a_member_throws_is_documented(bool isDisposed)
    {
        List<string> missing =
        [
            .. _documented.Missing(typeof(PageStore), () => Made(MakeStore(writeback: false))),
            .. _documented.Missing(typeof(PageStore), () => Made(MakeStore(writeback: true))),
            .. _documented.Missing(typeof(ZsPool), () => Made(new ZsPool(new ZsPoolOptions { MemoryLimit = Limit }))),
            .. _documented.Missing(typeof(FrameArena), () => Made(new FrameArena(new FrameArenaOptions { MemoryLimit = Limit }))),
            .. _documented.Missing(typeof(SnapshotSession), () =>
                Made(Kept(MakeStore(writeback: false)).BeginSnapshot(_folder.In(Path.GetRandomFileName())))),
            .. _documented.Missing(typeof(SnapshotSession), MakeFixedSession),
            .. _documented.Missing(typeof(Snapshot), make: null),
            .. _documented.Missing(typeof(SnapshotOptions), () => new SnapshotOptions()),
            .. _documented.Missing(typeof(WritebackOptions), make: null),
            .. _documented.Missing(typeof(SnapshotOutput), make: null),
        ];
        Assert.True(missing.Count == 0, string.Join("\n", missing.Distinct()));

        object Made(IDisposable made)
        {
            if (isDisposed)
                made.Dispose();
            return Kept(made);
        }

        object MakeFixedSession()
        {
            SnapshotSession session = Kept(MakeStore(writeback: false)).BeginSnapshot(_folder.In(Path.GetRandomFileName()));
            session.TakePoint();
            return Made(session);
        }
    }

    [Fact]
    public void Whatever_a_member_that_takes_or_returns_a_span_throws_is_documented()
    {
        byte[] page = new byte[4096];
        List<string?> missing = [];
        foreach (bool isDisposed in (bool[])[false, true])
        {
            PageStore store = Kept(MakeStore(writeback: false));
            ZsPool pool = Kept(new ZsPool(new ZsPoolOptions { MemoryLimit = Limit }));
            FrameArena arena = Kept(new FrameArena(new FrameArenaOptions { MemoryLimit = Limit }));
            ZsHandle live = pool.Allocate(100);
            ZsHandle other = Kept(new ZsPool(new ZsPoolOptions { MemoryLimit = Limit })).Allocate(100);
            if (isDisposed)
                _made.ForEach(made => made.Dispose());
            foreach (long number in (long[])[1, -1, PageStore.MaxPage + 1])
            {
                foreach (int length in (int[])[4096, 0, 100])
                {
                    missing.Add(_documented.Missing("M:PageFold.PageStore.Write(System.Int64,System.ReadOnlySpan", () =>
                        store.Write(number, page.AsSpan(0, length))));
                    missing.Add(_documented.Missing("M:PageFold.PageStore.Write(System.Int64,System.ReadOnlySpan", () =>
                        store.Write(number, page.AsSpan(0, length), (RefusalPolicy)9)));
                    missing.Add(_documented.Missing("M:PageFold.PageStore.TryRead(", () => store.TryRead(number, page.AsSpan(0, length))));
                }
            }
            foreach (ZsHandle handle in (ZsHandle[])[live, other, default])
            {
                foreach (int offset in (int[])[0, -1, 101, int.MaxValue])
                {
                    missing.Add(_documented.Missing("M:PageFold.ZsPool.Read(", () => pool.Read(handle, offset, page.AsSpan(0, 10))));
                    missing.Add(_documented.Missing("M:PageFold.ZsPool.Write(", () => pool.Write(handle, offset, page.AsSpan(0, 10))));
                }
                foreach (MapMode mode in (MapMode[])[MapMode.Write, 0, (MapMode)9])
                    missing.Add(_documented.Missing("M:PageFold.ZsPool.Map(", () => pool.Map(handle, mode).Dispose()));
                missing.Add(_documented.Missing("M:PageFold.ZsPool.MapRead(", () => pool.MapRead(handle).Dispose()));
                missing.Add(_documented.Missing("M:PageFold.ZsPool.View(", () => pool.View(handle).Dispose()));
                missing.Add(_documented.Missing("M:PageFold.ZsPool.ViewRead(", () => pool.ViewRead(handle).Dispose()));
            }
            foreach (int length in (int[])[100, 0, 5000])
            {
                byte[] content = new byte[length];
                missing.Add(_documented.Missing("M:PageFold.ZsPool.Allocate(System.ReadOnlySpan", () => pool.Allocate(content)));
                missing.Add(_documented.Missing("M:PageFold.ZsPool.TryAllocate(System.ReadOnlySpan", () =>
                    pool.TryAllocate(content, out _)));
            }
            missing.Add(_documented.Missing("M:PageFold.Frames.FrameArena.GetSpan(", () => arena.GetSpan(uint.MaxValue)));
        }
        missing.Add(_documented.Missing("M:PageFold.PageCodec.Zstd(", () => PageCodec.Zstd(40)));
        Assert.True(missing.All(line => line is null), string.Join("\n", missing.Distinct()));
    }

    [Fact]
    public void What_a_codec_is_told_that_calls_its_own_store_is_documented()
    {
        Calling codec = new();
        byte[] page = new byte[4096];
        new Random(1).NextBytes(page);
        List<string> missing = [.. _documented.Missing(
            typeof(PageStore),
            () => Kept(new PageStore(new PageStoreOptions { MemoryLimit = Limit, Codec = codec,
                Writeback = new WritebackOptions { Path = _folder.In(Path.GetRandomFileName()) } })),
            (store, call) =>
            {
                codec.Call = call;
                ((PageStore)store).Write(7, page);
            })];
        Assert.True(missing.Count == 0, string.Join("\n", missing.Distinct()));
    }

    private T Kept<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }

    private PageStore MakeStore(bool writeback)
    {
        PageStore store = new(new PageStoreOptions { MemoryLimit = Limit,
            Writeback = writeback ? new WritebackOptions { Path = _folder.In(Path.GetRandomFileName()) } : null });
        store.Write(1, new byte[store.PageSize]);
        return store;
    }

    /// <summary>A codec that says of its memory what cannot be.</summary>
    private sealed class Claiming(long bytes) : PageCodec
    {
        public override string Name => "claiming";

        public override long SharedBytes => bytes;

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize) => PageCodec.None.CreateContext(pageSize);
    }

    /// <summary>A codec that calls when a page is compressed, once.</summary>
    private sealed class Calling : PageCodec
    {
        public Action? Call { get; set; }

        public override string Name => "calling";

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize) => new Context(this);

        private sealed class Context(Calling codec) : PageCodecContext
        {
            public override long Bytes => 0;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                written = 0;
                (Action? call, codec.Call) = (codec.Call, null);
                call?.Invoke();
                return false;
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => false;
        }
    }

    private sealed class Nowhere : SnapshotOutput
    {
        public override void Write(long offset, ReadOnlySpan<byte> bytes)
        {
        }

        public override void Complete(CancellationToken cancellationToken)
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
