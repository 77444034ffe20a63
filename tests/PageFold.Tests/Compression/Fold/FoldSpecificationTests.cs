using System.Text;
using System.Text.RegularExpressions;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;

namespace PageFold.Tests.Compression.Fold;

/// <summary>docs/codec.md: its example is what the codec writes, and a decoder that follows it reads what the codec writes.</summary>
public partial class FoldSpecificationTests
{
    private const string Text = "one potato, two potato, six potato, ten";

    [Theory]
    [InlineData(FoldLevel.Fast, "### Literals as they are", 28)]
    [InlineData(FoldLevel.Dense, "### Coded literals", 21)]
    public void The_example_of_the_specification_is_what_the_codec_writes(FoldLevel level, string section, int length)
    {
        byte[] text = Encoding.ASCII.GetBytes(Text);
        byte[] packed = Pack(PageCodec.Fold(level, ExampleTables()), text);
        string document = DocumentedSnippets.Read("docs/codec.md");
        Assert.Contains($"`{Text}`", document, StringComparison.Ordinal);
        int start = document.IndexOf(section, StringComparison.Ordinal);
        Assert.True(start >= 0, section);
        int end = document.IndexOf("\n#", start + 1, StringComparison.Ordinal);
        string[] bytes =
        [
            .. HexRow().Matches(document[start..end])
                .SelectMany(row => row.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
        ];
        Assert.Equal(Convert.ToHexString(packed), string.Concat(bytes).ToUpperInvariant());
        Assert.Equal(length, packed.Length);
        Assert.Equal(text, new SpecifiedDecoder(ExampleTables()).Decode(packed, text.Length));
    }

    [Theory]
    [InlineData(FoldLevel.Fast)]
    [InlineData(FoldLevel.Dense)]
    public void A_decoder_that_follows_the_specification_reads_what_the_codec_writes(FoldLevel level)
    {
        SpecifiedDecoder[] decoders = [.. BuiltIn().Select(set => new SpecifiedDecoder(set))];
        PageCodec codec = PageCodec.Fold(level);
        Texts.Sample(
            text =>
            {
                int set = text.Length <= 4096 ? 0 : text.Length <= 16384 ? 1 : 2;
                return text.SequenceEqual(decoders[set].Decode(Pack(codec, text), text.Length) ?? []);
            },
            iter: 300);
    }

    [Fact]
    public void Both_decoders_agree_on_several_segments_of_coded_tokens_and_literals()
    {
        byte[] text = Lines(3000, i => $"{i * 7919 % 10007}: order {i * 31 % 977} of customer {i * 104729 % 99991}\n")[..65536];
        byte[] packed = Pack(PageCodec.Fold(FoldLevel.Dense), text);
        Assert.True((packed[0] & 15) != 0 && packed[0] >> 4 != 0, "literals and tokens are coded");
        Assert.True(packed.Length > 8 * 1015, "there are several segments");
        Assert.Equal(text, new SpecifiedDecoder(BuiltIn()[2]).Decode(packed, text.Length));
    }

    [Theory]
    [InlineData(FoldLevel.Fast)]
    [InlineData(FoldLevel.Dense)]
    public void Both_decoders_agree_on_a_dictionary(FoldLevel level)
    {
        byte[] dictionary = Lines(200, i => $"<item number=\"{i * 7919}\"/>\n");
        byte[] text = Lines(90, i => $"<item number=\"{i * 31}\" size=\"{i}\"/>\n");
        FoldDefinition trained = FoldTrainer.Train([text], 4096, dictionary, CancellationToken.None);
        byte[] packed = Pack(PageCodec.Fold(level, trained.ToArray()), text);
        Assert.Equal(text, new SpecifiedDecoder(trained.ToArray()).Decode(packed, text.Length));
    }

    [Fact]
    public void Both_decoders_refuse_the_same_changed_headers_tokens_and_extra_bits()
    {
        SpecifiedDecoder specified = new(BuiltIn()[0]);
        byte[] text = Lines(100, i => $"line {i * i}, {i % 7}\n");
        using PageCodecContext context = PageCodec.Fold().CreateContext(text.Length);
        byte[] packed = Pack(PageCodec.Fold(), text);
        byte[] page = new byte[text.Length];
        int refused = 0;
        for (int bit = 0; bit < 8 * packed.Length; bit++)
        {
            // A changed number of tokens, a token or an extra bit. A code, from bit 0 to 7, makes of all else something else.
            if (bit < 8)
                continue;
            packed[bit / 8] ^= (byte)(1 << bit % 8);
            byte[]? expected = specified.Decode(packed, text.Length);
            Assert.Equal(expected is not null, context.TryDecompress(packed, page));
            if (expected is not null)
                Assert.Equal(expected, page);
            refused += expected is null ? 1 : 0;
            packed[bit / 8] ^= (byte)(1 << bit % 8);
        }
        Assert.InRange(refused, 100, 8 * packed.Length - 100);
    }

    private static byte[] Lines(int count, Func<int, string> line) =>
        Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, count).Select(line)));

    /// <summary>Texts of many lengths: noise, runs and repetitions.</summary>
    private static Gen<byte[]> Texts { get; } =
        from length in Gen.Frequency((4, Gen.Int[1, 600]), (2, Gen.Int[601, 4096]), (1, Gen.Int[4097, 65536]))
        from values in Gen.Int[1, 256]
        from piece in Gen.Int[1, 200]
        from seed in Gen.Int
        select Make(length, values, piece, seed);

    private static byte[] Make(int length, int values, int piece, int seed)
    {
        Random random = new(seed);
        byte[] text = new byte[length];
        for (int i = 0; i < length;)
        {
            int count = Math.Min(length - i, random.Next(1, piece + 1));
            int from = i > 0 && random.Next(2) == 0 ? random.Next(i) : -1;
            for (int j = 0; j < count; j++, i++)
                text[i] = from >= 0 ? text[from + j] : (byte)(random.Next(values) * random.Next(values) / 256);
        }
        return text;
    }

    /// <summary>The tables of the example, as the document describes them.</summary>
    private static byte[] ExampleTables()
    {
        Box anyRepeat = new(0, 16, 3, 15, 0, 0, 0, IsRepeat: true);
        Box any = new(0, 16, 3, 15, 0, 16, 0, IsRepeat: false);
        Box near = new(0, 4, 3, 4, 0, 8, 0, IsRepeat: false);
        Box nearRepeat = new(0, 2, 3, 3, 0, 0, 0, IsRepeat: true);
        Box[] boxes = [anyRepeat, any, near, nearRepeat, .. Enumerable.Repeat(any, 252)];
        byte[] lengths = new byte[256];
        Array.Fill(lengths, (byte)9);
        foreach (char frequent in " ,aenopt")
            lengths[frequent] = 4;
        foreach (char less in "dhilrswx")
            lengths[less] = 8;
        return FoldDefinition.TryMake(4096, boxes, [lengths], [], default)!.ToArray();
    }

    private static byte[][] BuiltIn() =>
        [.. ((int[])[4096, 16384, 65536]).Select(length => BuiltInTables.For(length).Definition.ToArray())];

    private static byte[] Pack(PageCodec codec, byte[] text)
    {
        byte[] packed = new byte[codec.MaxCompressedLength(text.Length)];
        using PageCodecContext context = codec.CreateContext(text.Length);
        Assert.True(context.TryCompress(text, packed, out int written));
        return packed[..written];
    }

    // | 40 10 | what it says |
    [GeneratedRegex(@"^\| ((?:[0-9a-f]{2} ?)+) \|", RegexOptions.Multiline)]
    private static partial Regex HexRow();
}
