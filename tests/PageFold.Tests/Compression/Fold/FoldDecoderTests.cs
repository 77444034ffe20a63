using PageFold.Compression.Fold;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Texts that no encoder writes: what lies beyond a stream belongs to other pages, and must not become part of this one.</summary>
public class FoldDecoderTests
{
    private const int Most = 4096;

    /// <summary>Literals of which the stream has only some: in one, three and seven streams, the last regions empty or not.</summary>
    [Theory]
    [InlineData(20)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(159)]
    [InlineData(160)]
    [InlineData(4096)]
    public void Literals_beyond_the_packed_bytes_are_refused_or_the_same_for_every_context(int length)
    {
        byte[] packed = new byte[Most + FoldHeader.MaxBytes];
        // More than two streams have in a region, but for the one that is empty.
        int full = 2 * (length / 7 + 9) * PrefixCode.MaxBits / 8;
        int[][] regionLengths = [[0, 0, 0, 0], [0, 8, 8, 8], [0, 40, 0, 0], [0, 0, 40, 0], [0, 0, 0, 40], [0, 0, full, full],
            [0, full, 0, full], [0, full, full, 0]];
        int refused = 0;
        foreach (InstructionPath path in FoldSubjects.Paths)
        {
            using PageCodecContext context = FoldSubjects.Codec(FoldLevel.Dense, FoldSubjects.BuiltIn, path).CreateContext(Most);
            for (int code = 1; code <= 15; code++)
            {
                foreach (int[] regions in regionLengths)
                {
                    FoldStream stream = new() { PrefixCode = code, Literals = length, LiteralRegions = regions };
                    foreach (int rest in (int[])[0, 1, 8, 24, 40, length / 20, length / 4, 3 * full])
                        refused += ReadTwice(context, packed, length, stream, rest) ? 0 : 1;
                }
            }
        }
        Assert.True(refused > 100);
    }

    /// <summary>The same for tokens, of which the regions are behind the header.</summary>
    [Theory]
    [InlineData(20)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(159)]
    [InlineData(160)]
    [InlineData(1200)]
    public void Tokens_beyond_the_packed_bytes_are_refused_or_the_same_for_every_context(int tokens)
    {
        byte[] packed = new byte[Most + FoldHeader.MaxBytes];
        int full = 2 * (tokens / 7 + 9) * PrefixCode.MaxBits / 8;
        int refused = 0;
        foreach (InstructionPath path in FoldSubjects.Paths)
        {
            // The tokens that a decoder with these tables reads are matches of three bytes, so every number of tokens is a text.
            using PageCodecContext context = new FoldCodec(FoldLevel.Dense, MakeShortTables(), path).CreateContext(Most);
            foreach (int[] regions in (int[][])[[0, 0, 0, 0], [8, 8, 8, 8], [40, 0, 0, 0], [full, full, full, 0], [full, full, 0, full],
                [full, 0, full, full], [0, full, full, full]])
            {
                FoldStream stream = new() { TokenCode = 1, Tokens = tokens, TokenRegions = regions };
                foreach (int rest in (int[])[0, 1, 9, 33, tokens / 10, tokens / 4, 4 * full + 1, 4 * full + 2])
                    refused += ReadTwice(context, packed, 3 * tokens + 1, stream, rest) ? 0 : 1;
            }
        }
        Assert.True(refused > 10);
    }

    /// <summary>The literals are whole, and the tokens name so many extra bits that these reach beyond the header.</summary>
    [Fact]
    public void Extra_bits_that_are_not_there_are_refused()
    {
        FoldTables tables = MakeWideTables();
        byte[] packed = new byte[200];
        byte[] page = new byte[Most];
        foreach (InstructionPath path in FoldSubjects.Paths)
        {
            using PageCodecContext context = new FoldCodec(FoldLevel.Dense, tables, path).CreateContext(Most);
            for (int tokens = 1; tokens <= 60; tokens++)
            {
                // Each token is a match of three bytes after no literals, and 16 bits of zeros, which name the distance 1.
                for (int code = 0; code <= 1; code++)
                {
                    int length = 1 + 3 * tokens;
                    packed.AsSpan().Clear();
                    FoldStream stream = new() { PrefixCode = code, Tokens = tokens, Literals = 1 };
                    int header = stream.WriteHeader(packed, length);
                    int whole = header + tokens + 1 + 2 * tokens;
                    // The token 1 takes its literal; all others are zero.
                    packed[header] = 1;
                    Assert.True(context.TryDecompress(packed.AsSpan(0, whole), page.AsSpan(0, length)), $"{tokens} tokens, code {code}");
                    for (int cut = 1; cut <= 2 * tokens; cut++)
                    {
                        // The byte of a coded literal may as well be one of extra bits: both are zeros.
                        bool read = context.TryDecompress(packed.AsSpan(0, whole - cut), page.AsSpan(0, length));
                        Assert.False(read && cut > 1, $"{tokens} tokens, code {code}, {cut} bytes less");
                    }
                }
            }
        }
        GC.KeepAlive(tables);
    }

    [Theory]
    [InlineData(FoldLevel.Fast)]
    [InlineData(FoldLevel.Dense)]
    public void Other_lengths_and_other_tables_are_refused_or_give_some_page(FoldLevel level)
    {
        byte[] text = new byte[Most];
        byte[] page = new byte[Most];
        byte[] packed = new byte[Most + FoldHeader.MaxBytes];
        int refused = 0;
        foreach (string tables in FoldSubjects.TableNames)
        {
            using PageCodecContext writer = FoldSubjects.Codec(level, tables, InstructionPaths.Best).CreateContext(Most);
            for (int kind = 0; kind < Contents.Kinds.Length; kind++)
            {
                Contents.Fill(text, kind, 3, FoldSubjects.Dictionary(tables));
                Assert.True(writer.TryCompress(text, packed, out int written));
                for (int length = 0; length < Most; length += 1 + length / 9)
                    refused += writer.TryDecompress(packed.AsSpan(0, written), page.AsSpan(0, length)) ? 0 : 1;
                foreach (string others in FoldSubjects.TableNames)
                {
                    using PageCodecContext other = FoldSubjects.Codec(level, others, InstructionPaths.Best).CreateContext(Most);
                    bool read = other.TryDecompress(packed.AsSpan(0, written), page);
                    Assert.True(read || others != tables);
                    refused += read ? 0 : 1;
                }
            }
        }
        Assert.True(refused > 1000);
    }

    /// <summary>A text that does not fit the context, and one that is empty, are refused.</summary>
    [Fact]
    public void Lengths_that_a_context_does_not_have_are_refused()
    {
        using PageCodecContext context = PageCodec.Fold().CreateContext(100);
        byte[] packed = new byte[300];
        Assert.False(context.TryCompress(default, packed, out int written));
        Assert.Equal(0, written);
        Assert.False(context.TryCompress(new byte[101], packed, out written));
        Assert.Equal(0, written);
        Assert.False(context.TryDecompress(packed, default));
        Assert.False(context.TryDecompress(default, new byte[100]));
        Assert.False(context.TryDecompress(packed.AsSpan(0, 3), new byte[101]));
        Assert.True(context.TryCompress(new byte[100], packed, out written));
        Assert.True(context.TryDecompress(packed.AsSpan(0, written), new byte[100]));
    }

    /// <summary>Reads a stream after other texts, and after others again; false if it is refused.</summary>
    private static bool ReadTwice(PageCodecContext context, byte[] packed, int length, FoldStream stream, int rest)
    {
        packed.AsSpan().Fill(0x55);
        int bytes = stream.WriteHeader(packed, length);
        Span<byte> source = packed.AsSpan(0, Math.Min(bytes + rest, length + FoldHeader.MaxBytes));
        byte[] first = new byte[length];
        byte[] second = new byte[length];
        bool read = ReadAfter(context, source, 0x00, first);
        Assert.Equal(read, ReadAfter(context, source, 0xFF, second));
        Assert.True(!read || first.AsSpan().SequenceEqual(second));
        return read;
    }

    /// <summary>Reads a stream when all of the workspace's bytes for a packed text have been others.</summary>
    private static bool ReadAfter(PageCodecContext context, ReadOnlySpan<byte> packed, byte before, Span<byte> page)
    {
        // The encoder's parts lie where the decoder's copy has its room in front.
        byte[] text = new byte[Most];
        Contents.Fill(text, Array.IndexOf(Contents.Kinds, "skewed"), before, default);
        Assert.True(context.TryCompress(text, new byte[Most + FoldHeader.MaxBytes], out _));
        byte[] earlier = new byte[Most + FoldHeader.MaxBytes];
        earlier.AsSpan().Fill(before);
        _ = context.TryDecompress(earlier, text);
        return context.TryDecompress(packed, page);
    }

    /// <summary>
    /// Tables in which the token 0 is a match of 3 bytes without literals, at a distance of 16 bits, and 1 the same with a literal.
    /// </summary>
    private static FoldTables MakeWideTables()
    {
        Box match = new(0, 0, Box.MinMatch, 0, 0, Box.MaxBits, 0, IsRepeat: false);
        Box[] boxes = [.. Enumerable.Repeat(Wide, FoldTables.Boxes)];
        (boxes[0], boxes[1], boxes[2]) = (match, match with { LiteralBase = 1 }, WideRepeat);
        return Make(boxes, default);
    }

    /// <summary>
    /// Tables in which nearly every token is a match of 3 bytes at the last distance; with a dictionary, so that there is one.
    /// </summary>
    private static FoldTables MakeShortTables()
    {
        Box[] boxes = [.. Enumerable.Repeat(new Box(0, 0, Box.MinMatch, 0, 0, 0, 0, IsRepeat: true), FoldTables.Boxes)];
        (boxes[7], boxes[8]) = (Wide, WideRepeat);
        for (int i = 100; i < 200; i++)
            boxes[i] = boxes[i] with { DistanceBase = (ushort)i, IsRepeat = false };
        return Make(boxes, new byte[1000].Select((_, i) => (byte)(i * 7)).ToArray());
    }

    private static Box Wide => new(0, Box.MaxBits, Box.MinMatch, Box.MaxBits - 1, 0, Box.MaxBits, 0, IsRepeat: false);

    private static Box WideRepeat => Wide with { DistanceBits = 0, IsRepeat = true };

    private static FoldTables Make(Box[] boxes, ReadOnlyMemory<byte> dictionary)
    {
        FoldDefinition builtIn = BuiltInTables.For(Most).Definition;
        return new FoldTables(FoldDefinition.TryMake(Most, boxes, builtIn.LiteralLengths, builtIn.TokenLengths, dictionary)!);
    }
}
