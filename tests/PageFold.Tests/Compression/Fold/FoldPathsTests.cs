using PageFold.Compression.Fold;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Every instruction path writes the same bytes, and reads what each other path wrote.</summary>
public class FoldPathsTests
{
    private const int Most = 64 << 10;

    public static TheoryData<FoldLevel, string> Subjects()
    {
        TheoryData<FoldLevel, string> subjects = [];
        foreach (FoldLevel level in FoldSubjects.Levels)
        {
            foreach (string tables in FoldSubjects.TableNames)
                subjects.Add(level, tables);
        }
        return subjects;
    }

    [Fact]
    public void The_best_path_is_one_that_the_processor_has_and_no_better_one()
    {
        Assert.True(InstructionPaths.Supports(InstructionPaths.Best));
        Assert.Equal(FoldSubjects.Paths[0], InstructionPaths.Best);
        Assert.Equal(FoldSubjects.Paths.Length, FoldSubjects.Paths.Select(InstructionPaths.NameOf).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void All_paths_agree_on_every_short_length(FoldLevel level, string tables)
    {
        // One set of contexts is made for more than the texts; the other for exactly the length.
        using PathContexts larger = new(level, tables, 4096);
        for (int length = 1; length <= 70; length++)
        {
            using PathContexts exact = new(level, tables, length);
            byte[] text = new byte[length];
            for (int kind = 0; kind < Contents.Kinds.Length; kind++)
            {
                for (ulong key = 0; key < 6; key++)
                {
                    Contents.Fill(text, kind, key * 7919 + (ulong)length, FoldSubjects.Dictionary(tables));
                    byte[] packed = exact.AssertAgree(text);
                    if (FoldSubjects.Tables(tables) is not null)
                        Assert.Equal(packed, larger.AssertAgree(text));
                    else
                        larger.AssertAgree(text);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void All_paths_agree_on_lengths_where_a_size_changes(FoldLevel level, string tables)
    {
        int[] edges = [95, 96, 97, 126, 127, 128, 129, 159, 160, 161, 255, 256, 257, 319, 320, 321, 511, 512, 1015, 1016, 1024, 2030, 2031,
            2047, 2048, 2049, 4095, 4096, 4097, 8192, 16383, 16384, 16385, 32767, 32768, 32769, 65534, 65535, 65536];
        foreach (int length in edges)
        {
            using PathContexts exact = new(level, tables, length);
            byte[] text = new byte[length];
            for (int kind = 0; kind < Contents.Kinds.Length; kind++)
            {
                Contents.Fill(text, kind, (ulong)length, FoldSubjects.Dictionary(tables));
                exact.AssertAgree(text);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void All_paths_agree_on_random_texts(FoldLevel level, string tables)
    {
        using PathContexts small = new(level, tables, 4096);
        using PathContexts large = new(level, tables, Most);
        Gen<int> length = Gen.OneOf(Gen.Int[1, 300], Gen.Int[1, 4096], Gen.Int[1, Most]);
        Gen.Select(length, Gen.Int[0, Contents.Kinds.Length - 1], Gen.ULong).Sample((bytes, kind, key) =>
        {
            byte[] text = new byte[bytes];
            Contents.Fill(text, kind, key, FoldSubjects.Dictionary(tables));
            large.AssertAgree(text);
            if (bytes <= 4096)
                small.AssertAgree(text);
        }, iter: 150, threads: 1);
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void A_context_writes_the_same_whatever_it_did_before(FoldLevel level, string tables)
    {
        // More texts than generations of the finder's table, so that it is cleared in between.
        foreach ((int most, int texts) in (ReadOnlySpan<(int, int)>)[(4096, 300), (Most, 80)])
        {
            FoldCodec codec = FoldSubjects.Codec(level, tables, InstructionPaths.Best);
            using PageCodecContext used = codec.CreateContext(most);
            byte[] packed = new byte[codec.MaxCompressedLength(most)];
            byte[] again = new byte[packed.Length];
            byte[] back = new byte[most];
            Dice dice = new(17);
            for (int i = 0; i < texts; i++)
            {
                byte[] text = new byte[1 + dice.Below(i % 3 == 0 ? most : 600)];
                // Texts that share much with those before: what is left of these would be a match.
                Contents.Fill(text, dice.Below(Contents.Kinds.Length), (ulong)(i / 4), FoldSubjects.Dictionary(tables));
                Assert.True(used.TryCompress(text, packed, out int written));
                if (i % 5 == 0)
                {
                    Assert.True(used.TryDecompress(packed.AsSpan(0, written), back.AsSpan(0, text.Length)));
                    Assert.True(text.AsSpan().SequenceEqual(back.AsSpan(0, text.Length)));
                }
                using PageCodecContext fresh = codec.CreateContext(most);
                Assert.True(fresh.TryCompress(text, again, out int fromFresh));
                Assert.Equal(packed.AsSpan(0, written), again.AsSpan(0, fromFresh));
            }
        }
    }

    [Fact]
    public void Either_level_reads_what_the_other_wrote()
    {
        foreach (string tables in FoldSubjects.TableNames)
        {
            using PathContexts fast = new(FoldLevel.Fast, tables, 4096);
            using PathContexts dense = new(FoldLevel.Dense, tables, 4096);
            byte[] text = new byte[4096];
            for (int kind = 0; kind < Contents.Kinds.Length; kind++)
            {
                Contents.Fill(text, kind, 5, FoldSubjects.Dictionary(tables));
                fast.AssertReads(dense.AssertAgree(text), text);
                dense.AssertReads(fast.AssertAgree(text), text);
            }
        }
    }

    [Fact]
    public void The_dense_level_codes_literals_in_one_three_and_seven_streams()
    {
        FoldCodec codec = FoldSubjects.Codec(FoldLevel.Dense, FoldSubjects.BuiltIn, InstructionPaths.Best);
        using PageCodecContext context = codec.CreateContext(4096);
        byte[] packed = new byte[codec.MaxCompressedLength(4096)];
        foreach (int length in (int[])[60, 150, 4096])
        {
            byte[] text = new byte[length];
            int coded = 0;
            for (ulong key = 0; key < 50; key++)
            {
                Contents.Fill(text, Array.IndexOf(Contents.Kinds, key % 2 == 0 ? "skewed" : "text"), key, default);
                Assert.True(context.TryCompress(text, packed, out _));
                coded += (packed[0] & 0xF) != 0 ? 1 : 0;
            }
            Assert.InRange(coded, 5, 50);
        }
    }
}

/// <summary>A context of each path, for one level, one set of tables and one length.</summary>
internal sealed class PathContexts : IDisposable
{
    private readonly PageCodecContext[] _contexts;
    private readonly byte[] _packed;
    private readonly byte[] _back;
    private readonly FoldCodec _codec;

    public PathContexts(FoldLevel level, string tables, int length)
    {
        FoldCodec[] codecs = [.. FoldSubjects.Paths.Select(path => FoldSubjects.Codec(level, tables, path))];
        _contexts = [.. codecs.Select(codec => codec.CreateContext(length))];
        _codec = codecs[0];
        _packed = new byte[_codec.MaxCompressedLength(length)];
        _back = new byte[length];
    }

    /// <summary>Compresses a text with each path, and reads the result with each; returns it.</summary>
    public byte[] AssertAgree(ReadOnlySpan<byte> text)
    {
        byte[]? first = null;
        Span<byte> room = _packed.AsSpan(0, _codec.MaxCompressedLength(text.Length));
        foreach (PageCodecContext context in _contexts)
        {
            Assert.True(context.TryCompress(text, room, out int written), $"{text.Length} bytes are not compressed");
            first ??= [.. room[..written]];
            Assert.True(first.AsSpan().SequenceEqual(room[..written]), "the paths differ in what they write");
        }
        AssertReads(first!, text);
        return first!;
    }

    /// <summary>Reads a result with each path.</summary>
    public void AssertReads(byte[] packed, ReadOnlySpan<byte> text)
    {
        foreach (PageCodecContext context in _contexts)
        {
            Span<byte> back = _back.AsSpan(0, text.Length);
            back.Fill(0xA5);
            Assert.True(context.TryDecompress(packed, back), $"a text of {text.Length} bytes is not read");
            Assert.True(text.SequenceEqual(back), $"a text of {text.Length} bytes is read as another one");
        }
    }

    public void Dispose()
    {
        foreach (PageCodecContext context in _contexts)
            context.Dispose();
    }
}
