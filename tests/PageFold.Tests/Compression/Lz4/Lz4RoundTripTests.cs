using PageFold.Compression.Lz4;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Lz4;

/// <summary>What is encoded comes back, for every length and kind of text, on every path, with and without a dictionary.</summary>
public class Lz4RoundTripTests
{
    private const int MaxLength = ManagedLz4Codec.MaxPageSize;

    public static TheoryData<string> Paths() =>
        [.. Enum.GetValues<InstructionPath>().Where(InstructionPaths.Supports).Select(path => path.ToString())];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_short_length_comes_back(string path)
    {
        for (int length = 1; length <= 600; length++)
        {
            for (int key = 0; key < 16; key++)
                AssertComesBack(Make(path), Texts.Make(length, key), length);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Any_length_comes_back_and_a_longer_one_is_refused(string path) =>
        Gen.Select(Gen.OneOf(Gen.Int[1, 1100], Gen.Int[4000, 4200], Gen.Int[1, 70_000]), Texts.Keys).Sample((length, key) =>
        {
            ManagedLz4Codec codec = Make(path);
            if (length > MaxLength)
                Assert.Contains($"{length}", Assert.Throws<ArgumentOutOfRangeException>(() => codec.CreateContext(length)).Message);
            else
                AssertComesBack(codec, Texts.Make(length, key), length);
        }, iter: 1500);

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_context_has_no_memory_of_earlier_texts(string path)
    {
        foreach (int maxLength in (int[])[4096, MaxLength])
        {
            ManagedLz4Codec codec = Make(path);
            using PageCodecContext used = codec.CreateContext(maxLength);
            byte[] block = new byte[codec.MaxCompressedLength(maxLength)];
            byte[] other = new byte[block.Length];
            // More texts than generations.
            Gen.Select(Gen.Int[1, maxLength], Texts.Keys).Sample((length, key) =>
            {
                byte[] text = Texts.Make(length, key);
                using PageCodecContext fresh = codec.CreateContext(maxLength);
                Assert.True(used.TryCompress(text, block, out int written));
                Assert.True(fresh.TryCompress(text, other, out int same));
                Content.AssertSame(other.AsSpan(0, same), block.AsSpan(0, written), $"{length} bytes of key {key}");
            }, iter: 400, threads: 1);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void All_paths_write_the_same_and_read_it(string path) =>
        Gen.Select(Gen.OneOf(Gen.Int[1, 4096], Gen.Int[1, MaxLength]), Texts.Keys, Gen.Int[0, 3]).Sample((length, key, dictionary) =>
        {
            byte[] text = Texts.Make(length, key);
            byte[] content = Dictionary(dictionary, key);
            byte[] expected = Encode(new ManagedLz4Codec("lz4", content, InstructionPath.Scalar), text);
            ManagedLz4Codec codec = new("lz4", content, Enum.Parse<InstructionPath>(path));
            Content.AssertSame(expected, Encode(codec, text), $"{length} bytes of key {key}");
            byte[] back = new byte[length];
            using PageCodecContext context = codec.CreateContext(length);
            Assert.True(context.TryDecompress(expected, back));
            Content.AssertSame(text, back, $"{length} bytes of key {key}");
        }, iter: 600);

    [Fact]
    public void A_block_is_written_if_and_only_if_it_fits_and_nothing_behind_it() =>
        Gen.Select(Gen.OneOf(Gen.Int[1, 200], Gen.Int[1, 9000]), Texts.Keys, Gen.Double[0, 1]).Sample((length, key, share) =>
        {
            ManagedLz4Codec codec = new("lz4");
            byte[] text = Texts.Make(length, key);
            byte[] whole = Encode(codec, text);
            using PageCodecContext context = codec.CreateContext(length);
            // Nothing is written behind the block, whatever room there is.
            byte[] wide = new byte[whole.Length + 100];
            wide.AsSpan().Fill(0xA5);
            Assert.True(context.TryCompress(text, wide, out _));
            Assert.True(wide.AsSpan(whole.Length).IndexOfAnyExcept((byte)0xA5) < 0);
            byte[] exact = new byte[whole.Length];
            Assert.True(context.TryCompress(text, exact, out int written));
            Assert.Equal(whole.Length, written);
            Content.AssertSame(whole, exact, "a block without a byte to spare");
            foreach (int room in (int[])[whole.Length - 1, (int)(share * (whole.Length - 1))])
            {
                Assert.False(context.TryCompress(text, exact.AsSpan(0, room), out written));
                Assert.Equal(0, written);
            }
        }, iter: 1000);

    [Fact]
    public void A_dictionary_shortens_what_resembles_it()
    {
        byte[] content = Texts.Make(20_000, 0);
        byte[] text = content[7000..11_096];
        Assert.InRange(Encode(new ManagedLz4Codec("lz4", content, InstructionPaths.Best), text).Length, 1, 200);
        Assert.InRange(Encode(new ManagedLz4Codec("lz4"), text).Length, text.Length, int.MaxValue);
    }

    [Fact]
    public void Texts_that_a_context_is_not_made_for_are_refused()
    {
        using PageCodecContext context = new ManagedLz4Codec("lz4").CreateContext(100);
        byte[] block = new byte[200];
        Assert.False(context.TryCompress([], block, out _));
        Assert.False(context.TryCompress(new byte[101], block, out _));
        Assert.True(context.TryCompress(new byte[100], block, out int written));
        Assert.False(context.TryDecompress(block.AsSpan(0, written), new byte[101]));
        Assert.False(context.TryDecompress(block.AsSpan(0, written), new byte[99]));
        Assert.False(context.TryDecompress([0], []));
        Assert.False(context.TryDecompress([], block));
    }

    [Fact]
    public void A_context_holds_what_the_codec_says_that_it_will_hold() =>
        Gen.Select(Gen.Int[1, MaxLength], Gen.Int[0, 3]).Sample((length, kind) =>
        {
            ManagedLz4Codec codec = new("lz4", Dictionary(kind, length), InstructionPaths.Best);
            using PageCodecContext context = codec.CreateContext(length);
            Assert.Equal(context.Bytes, codec.MaxContextBytes(length));
        }, iter: 200);

    [Fact]
    public void A_disposed_context_says_so()
    {
        PageCodecContext context = new ManagedLz4Codec("lz4").CreateContext(100);
        context.Dispose();
        Assert.Throws<ObjectDisposedException>(() => context.TryCompress(new byte[100], new byte[200], out _));
        Assert.Throws<ObjectDisposedException>(() => context.TryDecompress(new byte[100], new byte[100]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30_000)]
    public void Nothing_is_allocated_in_steady_state(int dictionaryLength)
    {
        ManagedLz4Codec codec = new("lz4", Texts.Make(dictionaryLength, 6), InstructionPaths.Best);
        using PageCodecContext context = codec.CreateContext(4096);
        byte[][] texts = [.. Enumerable.Range(0, 40).Select(key => Texts.Make(4096, key))];
        byte[] block = new byte[codec.MaxCompressedLength(4096)];
        byte[] back = new byte[4096];
        Assert.Equal(0, Allocations.Least(GC.GetAllocatedBytesForCurrentThread, () =>
        {
            foreach (byte[] text in texts)
            {
                context.TryCompress(text, block, out int written);
                context.TryDecompress(block.AsSpan(0, written), back);
            }
        }));
    }

    internal static byte[] Encode(PageCodec codec, byte[] text)
    {
        using PageCodecContext context = codec.CreateContext(text.Length);
        byte[] block = new byte[codec.MaxCompressedLength(text.Length)];
        Assert.True(context.TryCompress(text, block, out int written));
        return block[..written];
    }

    /// <summary>No dictionary, a short one, one that resembles the text, or one that is longer than counts.</summary>
    internal static byte[] Dictionary(int kind, int key) => kind switch
    {
        0 => [],
        1 => Texts.Make(1 + key % 30, key + 1),
        2 => Texts.Make(10_000, key),
        _ => Texts.Make(70_000, key),
    };

    private static ManagedLz4Codec Make(string path) => new("lz4", default, Enum.Parse<InstructionPath>(path));

    private static void AssertComesBack(ManagedLz4Codec codec, byte[] text, int maxLength)
    {
        using PageCodecContext context = codec.CreateContext(maxLength);
        byte[] block = new byte[codec.MaxCompressedLength(text.Length)];
        byte[] back = new byte[text.Length];
        Assert.True(context.TryCompress(text, block, out int written));
        Assert.True(context.TryDecompress(block.AsSpan(0, written), back));
        Content.AssertSame(text, back, $"{text.Length} bytes");
    }
}
