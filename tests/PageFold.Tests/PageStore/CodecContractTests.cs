namespace PageFold.Tests.Store;

/// <summary>Codecs that others bring along: a store keeps its promises whatever they do.</summary>
public class CodecContractTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(-7)]
    [InlineData(100_000)]
    [InlineData(int.MinValue)]
    public void A_codec_that_lies_about_its_output_does_no_harm(int claimed)
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 4 << 20, Codec = new FakeCodec { Claimed = claimed } });
        byte[] page = new byte[4096];
        byte[] read = new byte[4096];
        for (int i = 0; i < 300; i++)
        {
            Pages.Fill(page, (ulong)i);
            Assert.Equal(StoreOutcome.Incompressible, store.Write(i, page));
            Assert.True(store.TryRead(i, read));
            Assert.Equal(page, read);
        }
    }

    [Fact]
    public void A_codec_that_throws_leaves_the_store_as_it_was()
    {
        FakeCodec codec = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 4 << 20, Codec = codec });
        byte[] page = new byte[4096];
        Pages.Fill(page, 1);
        store.Write(1, page);
        codec.Throws = true;
        for (int i = 0; i < 100; i++)
            Assert.Throws<InvalidTimeZoneException>(() => store.Write(1, page));
        codec.Throws = false;
        byte[] read = new byte[4096];
        Assert.True(store.TryRead(1, read));
        Assert.Equal(page, read);
        Assert.Equal(1, store.GetStatistics().Pages);
    }

    [Fact]
    public void Contexts_are_charged_before_they_exist_and_not_made_in_vain()
    {
        FakeCodec codec = new() { ContextBytes = 1 << 20 };
        using (PageStore store = new(new PageStoreOptions { MemoryLimit = 3 << 20, Codec = codec }))
        {
            Crew.OnThreads(16, thread =>
            {
                byte[] page = new byte[4096];
                for (int i = 0; i < 500; i++)
                {
                    Pages.Fill(page, (ulong)i);
                    store.Write(thread, page);
                }
            });
            Assert.True(store.Index.Budget.Peak <= 3 << 20);
            Assert.InRange(codec.Alive, 1, 2);
            Assert.InRange(codec.Made, 1, 2);
        }
        Assert.Equal(0, codec.Alive);
    }

    [Fact]
    public void A_codec_without_contexts_left_makes_threads_wait_and_breaks_nothing()
    {
        FakeCodec codec = new() { MaxContexts = 1 };
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 4 << 20, Codec = codec });
        int thrown = 0;
        Crew.OnThreads(8, thread =>
        {
            byte[] page = new byte[4096];
            for (int i = 0; i < 300; i++)
            {
                Pages.Fill(page, (ulong)i);
                try
                {
                    store.Write(thread, page);
                }
                catch (NotSupportedException)
                {
                    Interlocked.Increment(ref thrown);
                }
            }
        });
        codec.MaxContexts = int.MaxValue;
        Assert.InRange(thrown, 0, 8 * 300 - 1);
        Crew.OnThreads(8, thread => Assert.Equal(StoreOutcome.Incompressible, store.Write(thread, Noise((ulong)thread))));
    }

    [Fact]
    public void A_context_is_not_collected_while_it_works()
    {
        new Crew(1000)
            .Add("collections", 1, 20, _ => () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return true;
            })
            .Add("pages compressed", 1, 200, _ =>
            {
                byte[] page = new byte[65536];
                byte[] packed = new byte[70000];
                Pages.FillCompressible(page, 1, 0.5);
                return () =>
                {
                    Assert.True(PageCodec.Zstd(1).CreateContext(65536).TryCompress(page, packed, out int _));
                    return true;
                };
            })
            .Run();
    }

    private static byte[] Noise(ulong key)
    {
        byte[] page = new byte[4096];
        Pages.Fill(page, key);
        return page;
    }

    private sealed class FakeCodec : PageCodec
    {
        private int _alive;
        private int _made;

        public int? Claimed { get; init; }

        public bool Throws { get; set; }

        public long ContextBytes { get; init; }

        public int MaxContexts { get; set; } = int.MaxValue;

        public int Alive => _alive;

        public int Made => _made;

        public override string Name => "fake";

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize)
        {
            if (_alive >= MaxContexts)
                throw new NotSupportedException();
            Interlocked.Increment(ref _alive);
            Interlocked.Increment(ref _made);
            return new Context(this);
        }

        private sealed class Context(FakeCodec codec) : PageCodecContext
        {
            public override long Bytes => codec.ContextBytes;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                if (codec.Throws)
                    throw new InvalidTimeZoneException();
                written = codec.Claimed ?? 0;
                return codec.Claimed is not null;
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => false;

            protected override void Dispose(bool disposing)
            {
                Interlocked.Decrement(ref codec._alive);
                base.Dispose(disposing);
            }
        }
    }
}
