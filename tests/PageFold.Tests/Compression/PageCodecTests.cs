using PageFold.Tests.Compression.Fold;

namespace PageFold.Tests.Compression;

public class PageCodecTests
{
    public static TheoryData<string> Codecs() =>
        ["lz4", "lz4-managed", "none", "zstd -7", "zstd 1", "zstd 3", "zstd 19", "zstd dictionary", "fold", "fold dense", "fold tables"];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Gives_back_what_was_put_in_for_every_page_size(string name)
    {
        PageCodec codec = Make(name);
        foreach (int size in (int[])[4096, 8192, 16384, 32768, 65536])
        {
            using PageCodecContext context = codec.CreateContext(size);
            byte[] packed = new byte[codec.MaxCompressedLength(size)];
            byte[] back = new byte[size];
            Gen.Select(Gen.ULong, Gen.Double[0, 1]).Sample((key, share) =>
            {
                byte[] page = new byte[size];
                Pages.FillCompressible(page, key, share);
                Assert.True(context.TryCompress(page, packed, out int written));
                Assert.InRange(written, 1, packed.Length);
                Assert.True(context.TryDecompress(packed.AsSpan(0, written), back));
                Assert.Equal(page, back);
            }, iter: 60, threads: 1);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_context_takes_texts_of_any_length_up_to_its_page_size(string name)
    {
        PageCodec codec = Make(name);
        foreach (int size in (int[])[1000, 4096, 65536])
        {
            using PageCodecContext context = codec.CreateContext(size);
            using PageCodecContext other = codec.CreateContext(size);
            byte[] packed = new byte[codec.MaxCompressedLength(size)];
            byte[] back = new byte[size + 2];
            Gen.Select(Gen.Int[1, size], Gen.ULong, Gen.Double[0, 1]).Sample((length, key, share) =>
            {
                byte[] text = new byte[length];
                Pages.FillCompressible(text, key, share);
                Assert.True(context.TryCompress(text, packed.AsSpan(0, codec.MaxCompressedLength(length)), out int written));
                back.AsSpan().Fill(0x5A);
                Assert.True(other.TryDecompress(packed.AsSpan(0, written), back.AsSpan(1, length)));
                Assert.Equal(text, back.AsSpan(1, length));
                Assert.True(back[0] == 0x5A && back[length + 1] == 0x5A);
                // The length belongs to the text: another one is refused, or gives another text, and nothing is written beside it.
                other.TryDecompress(packed.AsSpan(0, written), back.AsSpan(1, length - 1));
                Assert.True(back[0] == 0x5A && back[length + 1] == 0x5A);
            }, iter: 60, threads: 1);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Every_codec_but_Zstandard_is_fast(string name) =>
        Assert.Equal(!name.StartsWith("zstd", StringComparison.Ordinal), Make(name).IsFast);

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Says_so_when_the_result_does_not_fit(string name)
    {
        using PageCodecContext context = Make(name).CreateContext(4096);
        byte[] page = new byte[4096];
        Pages.Fill(page, 1);
        foreach (int room in (int[])[0, 1, 100, 3000])
        {
            Assert.False(context.TryCompress(page, new byte[room], out int written));
            Assert.Equal(0, written);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Refuses_garbage_or_gives_some_page_but_never_harms_memory(string name)
    {
        using PageCodecContext context = Make(name).CreateContext(4096);
        byte[] guarded = new byte[3 * 4096];
        Gen.Byte.Array[0, 5000].Sample(garbage =>
        {
            guarded.AsSpan().Fill(0x5A);
            context.TryDecompress(garbage, guarded.AsSpan(4096, 4096));
            Assert.True(guarded.AsSpan(0, 4096).IndexOfAnyExcept((byte)0x5A) < 0);
            Assert.True(guarded.AsSpan(8192).IndexOfAnyExcept((byte)0x5A) < 0);
        }, iter: 3000, threads: 1);
    }

    [Fact]
    public void A_dictionary_makes_similar_pages_smaller()
    {
        // Records that have nothing in common with each other, so that a page by itself repeats little.
        byte[] typical = new byte[16384];
        Pages.Fill(typical, 1);
        byte[] page = new byte[4096];
        for (int i = 0; i < 16; i++)
            typical.AsSpan(i * 7 % 16 * 1024, 256).CopyTo(page.AsSpan(i * 256));
        Assert.True(Length(PageCodec.Zstd(3, typical)) < Length(PageCodec.Zstd(3)));
        Assert.True(PageCodec.Zstd(3, typical).SharedBytes > 0);

        int Length(PageCodec codec)
        {
            using PageCodecContext context = codec.CreateContext(4096);
            Assert.True(context.TryCompress(page, new byte[codec.MaxCompressedLength(4096)], out int written));
            return written;
        }
    }

    [Fact]
    public void Either_lz4_reads_what_the_other_wrote()
    {
        using PageCodecContext one = PageCodec.Lz4.CreateContext(4096);
        using PageCodecContext other = PageCodec.Lz4Managed.CreateContext(4096);
        byte[] packed = new byte[PageCodec.Lz4.MaxCompressedLength(4096)];
        byte[] page = new byte[4096];
        byte[] back = new byte[4096];
        for (ulong key = 0; key < 500; key++)
        {
            Pages.FillCompressible(page, key, key % 10 / 10.0);
            foreach ((PageCodecContext writer,
                PageCodecContext reader) in (ReadOnlySpan<(PageCodecContext, PageCodecContext)>)[(one, other), (other, one)])
            {
                Assert.True(writer.TryCompress(page, packed, out int written));
                Assert.True(reader.TryDecompress(packed.AsSpan(0, written), back));
                Assert.Equal(page, back);
            }
        }
    }

    [Fact]
    public void Names_the_library_behind_each_codec()
    {
        Assert.Equal("PageFold LZ4", PageCodec.Lz4Managed.Implementation);
        Assert.Equal("lz4", PageCodec.Lz4.Name);
        Assert.Equal("fold", PageCodec.Fold().Name);
        Assert.Matches("^PageFold (avx2-bmi2|avx2|vector128|scalar)$", PageCodec.Fold().Implementation);
        Assert.Matches("^(liblz4 [0-9]+[.][0-9]+[.][0-9]+|PageFold LZ4)$", PageCodec.Lz4.Implementation);
    }

    [Theory]
    [InlineData(-8)]
    [InlineData(23)]
    public void Refuses_a_level_that_does_not_exist(int level) =>
        Assert.Contains($"{level}", Assert.Throws<ArgumentOutOfRangeException>(() => PageCodec.Zstd(level)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Refuses_a_dictionary_that_says_it_was_trained_and_was_not()
    {
        byte[] dictionary = new byte[1000];
        dictionary.AsSpan().Fill(0xFF);
        BitConverter.TryWriteBytes(dictionary, 0xEC30A437);
        Assert.Contains("dictionary of 1000 bytes", Assert.Throws<ArgumentException>(() => PageCodec.Zstd(3, dictionary)).Message,
            StringComparison.Ordinal);
    }

    private static PageCodec Make(string name) => name switch
    {
        "lz4" => PageCodec.Lz4,
        "lz4-managed" => PageCodec.Lz4Managed,
        "none" => PageCodec.None,
        "fold" => PageCodec.Fold(),
        "fold dense" => PageCodec.Fold(FoldLevel.Dense),
        "fold tables" => PageCodec.Fold(FoldLevel.Dense, FoldSubjects.Tables("20000")!.Definition.ToArray()),
        "zstd dictionary" => PageCodec.Zstd(3, Enumerable.Range(0, 8000).Select(i => (byte)(i * i / 7)).ToArray()),
        _ => PageCodec.Zstd(int.Parse(name[5..])),
    };
}
