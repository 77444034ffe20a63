using System.Buffers.Binary;
using System.IO.Hashing;
using PageFold.Compression.Fold;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Tables as bytes: the same come back, and all others are refused.</summary>
public class FoldDefinitionTests
{
    private static readonly FoldDefinition BuiltIn = BuiltInTables.For(4096).Definition;

    [Fact]
    public void Tables_come_back_from_their_bytes()
    {
        foreach (string name in FoldSubjects.TableNames)
        {
            FoldDefinition definition = FoldSubjects.Tables(name)?.Definition ?? BuiltIn;
            byte[] bytes = definition.ToArray();
            Assert.InRange(bytes.Length, 1, FoldDefinition.MaxBytes);
            FoldDefinition back = FoldDefinition.TryRead(bytes)!;
            Assert.Equal(definition.Identity, back.Identity);
            Assert.Equal(definition.Boxes, back.Boxes);
            Assert.Equal(definition.LiteralLengths, back.LiteralLengths);
            Assert.Equal(definition.TokenLengths, back.TokenLengths);
            Assert.Equal(definition.Dictionary.ToArray(), back.Dictionary.ToArray());
            Assert.Equal(bytes, back.ToArray());
        }
    }

    [Fact]
    public void Each_built_in_set_covers_the_lengths_up_to_its_own()
    {
        foreach ((int length, int set) in (ReadOnlySpan<(int, int)>)[(1, 4096), (4096, 4096), (4097, 16384), (16384, 16384), (16385, 65536),
            (65536, 65536)])
        {
            FoldTables tables = BuiltInTables.For(length);
            Assert.Equal(set, tables.Definition.Length);
            Assert.True(tables.Definition.Dictionary.IsEmpty);
        }
    }

    /// <summary>With each bit turned, and cut off at each length.</summary>
    [Fact]
    public void Changed_bytes_are_refused()
    {
        byte[] bytes = FoldSubjects.Tables("7")!.Definition.ToArray();
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.Null(FoldDefinition.TryRead(bytes));
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }
        for (int length = 0; length < bytes.Length; length++)
            Assert.Null(FoldDefinition.TryRead(bytes.AsMemory(0, length)));
        Assert.Null(FoldDefinition.TryRead((byte[])[.. bytes, 0]));
        Assert.Throws<ArgumentException>(() => PageCodec.Fold(FoldLevel.Fast, bytes.AsSpan(1)));
    }

    /// <summary>Bytes with a right hash: from a hostile file, not from a damaged one. Whatever is accepted works.</summary>
    [Fact]
    public void Changed_bytes_with_a_right_hash_are_refused_or_are_tables_that_work()
    {
        byte[] valid = FoldSubjects.Tables("7")!.Definition.ToArray();
        byte[] text = new byte[2000];
        byte[] packed = new byte[2000 + FoldHeader.MaxBytes];
        byte[] back = new byte[2000];
        (int accepted, int refused) = (0, 0);
        Dice dice = new(8);
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = [.. valid];
            for (int changes = 1 + dice.Below(3); changes > 0; changes--)
                bytes[dice.Below(4) == 0 ? dice.Below(20) : dice.Below(bytes.Length - 8)] ^= (byte)(1 << dice.Below(8));
            int end = bytes.Length - sizeof(ulong);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(end), XxHash3.HashToUInt64(bytes.AsSpan(0, end)));
            if (FoldDefinition.TryRead(bytes) is null)
            {
                refused++;
                continue;
            }
            accepted++;
            using PageCodecContext context = PageCodec.Fold(FoldLevel.Dense, bytes).CreateContext(text.Length);
            Contents.Fill(text, i % Contents.Kinds.Length, (ulong)i, default);
            Assert.True(context.TryCompress(text, packed, out int written));
            Assert.True(context.TryDecompress(packed.AsSpan(0, written), back));
            Assert.True(text.AsSpan().SequenceEqual(back));
        }
        Assert.True(accepted > 50 && refused > 50, $"{accepted} accepted, {refused} refused");
    }

    [Fact]
    public void Parts_that_cannot_be_tables_are_refused()
    {
        Box[] boxes = [.. BuiltIn.Boxes];
        byte[][] literals = [.. BuiltIn.LiteralLengths];
        byte[][] tokens = [.. BuiltIn.TokenLengths];
        byte[][] many = [.. Enumerable.Repeat(literals[0], PrefixTables.Max + 1)];
        Assert.NotNull(FoldDefinition.TryMake(4096, boxes, literals, tokens, default));
        Assert.NotNull(FoldDefinition.TryMake(4096, boxes, [], [], default));
        Assert.NotNull(FoldDefinition.TryMake(4096, boxes, many[1..], many[1..], default));
        Assert.Null(FoldDefinition.TryMake(0, boxes, literals, tokens, default));
        Assert.Null(FoldDefinition.TryMake(4096, boxes[1..], literals, tokens, default));
        Assert.Null(FoldDefinition.TryMake(4096, boxes, many, tokens, default));
        Assert.Null(FoldDefinition.TryMake(4096, boxes, literals, many, default));
        Assert.Null(FoldDefinition.TryMake(4096, boxes, literals, tokens, new byte[65537]));
        // Not complete, too long, none.
        foreach ((int symbol, byte length) in (ReadOnlySpan<(int, byte)>)[(0, 0), (0, 12), (7, (byte)(literals[0][7] == 11 ? 10 : 11))])
        {
            byte[] changed = [.. literals[0]];
            changed[symbol] = length;
            Assert.Null(FoldDefinition.TryMake(4096, boxes, [changed], tokens, default));
            Assert.Null(FoldDefinition.TryMake(4096, boxes, literals, [changed], default));
        }
        // Without a box for every sequence.
        Box[] narrow = [.. boxes.Select(box => box.LiteralBits == Box.MaxBits ? box with { LiteralBits = 0 } : box)];
        Assert.Null(FoldDefinition.TryMake(4096, narrow, literals, tokens, default));
    }

    [Fact]
    public void A_box_that_does_not_fit_its_fields_is_none()
    {
        Box box = new(0, 3, 3, 2, 8, 3, 0, IsRepeat: false);
        Assert.True(box.IsValid);
        Box[] none =
        [
            box with { LiteralBase = 1 }, box with { LiteralBits = 17 }, box with { LiteralBase = 65528, LiteralBits = 4 },
            box with { MatchBase = 2 }, box with { MatchBase = 4 }, box with { MatchBits = 17 }, box with { MatchBits = 16 },
            box with { DistanceBase = 9 }, box with { DistanceBits = 17 }, box with { DistanceShift = 3 }, box with { DistanceShift = 2 },
            box with { IsRepeat = true }, box with { DistanceShift = 3, DistanceBase = 7, DistanceBits = 14 },
        ];
        Assert.All(none, wrong => Assert.False(wrong.IsValid, $"{wrong}"));
        Assert.True((box with { DistanceShift = 3, DistanceBase = 7, DistanceBits = 13 }).IsValid);
    }

    /// <summary>The cell of each number is the range that it is in, and ranges do not overlap.</summary>
    [Fact]
    public void Cells_divide_all_numbers()
    {
        for (int number = 0; number <= ushort.MaxValue; number++)
        {
            (int from, int to) = Cells.Literals(Cells.OfLiterals(number));
            Assert.True(from <= number && number <= to, $"{number} literals");
            Assert.InRange(Cells.OfLiterals(number), 0, Cells.LiteralCells - 1);
            if (number >= Box.MinMatch)
            {
                (from, to) = Cells.Matches(Cells.OfMatch(number));
                Assert.True(from <= number && number <= to, $"a match of {number}");
                Assert.InRange(Cells.OfMatch(number), 0, Cells.MatchCells - 1);
            }
            if (number >= 1)
            {
                (from, to) = Cells.Distances(Cells.OfDistance(number));
                Assert.True(from <= number - 1 && number - 1 <= to, $"a distance of {number}");
                Assert.InRange(Cells.OfDistance(number), 0, Cells.Repeat - 1);
            }
        }
    }
}
