using PageFold.Compression.Fold;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;
using PageFold.Tests.Compression.Fold;
using PageFold.Tests.Compression.Fold.Training;

namespace PageFold.Tests.Compression.Matching;

/// <summary>The candidates of a dictionary's own positions, and what the dense level gains by them.</summary>
public class MatchDictionaryTests
{
    private const int Hashed = 5;

    public static TheoryData<int> Lengths() => [1, 4, 5, 6, 255, 256, 257, 1000, 20_000, 65_535, 65_536];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_position_in_a_dictionary_has_the_last_earlier_one_with_the_same_bytes_as_candidate(int length)
    {
        for (int kind = 0; kind < Contents.Kinds.Length; kind++)
        {
            byte[] content = new byte[length];
            Contents.Fill(content, kind, 3, default);
            AssertCandidates(content, MatchDictionary.Make<SmallShape>(content, hasCandidates: true), Contents.Kinds[kind]);
            AssertCandidates(content, MatchDictionary.Make<LargeShape>(content, hasCandidates: true), Contents.Kinds[kind]);
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void The_bytes_of_a_dictionary_are_known_in_advance(int length)
    {
        byte[] content = new byte[length];
        MatchDictionary with = MatchDictionary.Make<SmallShape>(content, hasCandidates: true);
        MatchDictionary without = MatchDictionary.Make<SmallShape>(content, hasCandidates: false);
        Assert.Equal(MatchDictionary.BytesFor<SmallShape>(length), with.Bytes);
        Assert.Equal(with.Bytes, without.Bytes + length * sizeof(ushort));
        Assert.True(without.Candidates.IsEmpty);
    }

    /// <summary>The nearest candidates have only the first bytes of the text, the oldest one has all of it.</summary>
    [Theory]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void The_dense_level_takes_an_older_candidate_in_the_dictionary_if_it_is_longer(int pageSize)
    {
        Dice dice = new(11);
        for (int round = 0; round < 100; round++)
        {
            byte[] text = Random(ref dice, 40 + dice.Below(400));
            List<byte> dictionary = [.. Random(ref dice, dice.Below(3) * 700), .. text];
            for (int shorter = dice.Below(4); shorter > 0; shorter--)
                dictionary.AddRange([.. Random(ref dice, dice.Below(300)), .. text.AsSpan(0, 8 + dice.Below(20))]);
            dictionary.AddRange(Random(ref dice, dice.Below(300)));
            FoldTables tables = TablesWith([.. dictionary]);
            foreach (InstructionPath path in FoldSubjects.Paths)
            {
                FoldCodec codec = new(FoldLevel.Dense, tables, path);
                // One sequence: a header of three bytes, a token, and extra bits.
                Assert.InRange(TrainingSamples.Bytes(codec, [text], pageSize), 4, 12);
            }
        }
    }

    [Fact]
    public void Older_candidates_in_the_dictionary_make_documents_shorter()
    {
        List<ReadOnlyMemory<byte>> documents = TrainingSamples.Documents(500);
        byte[] dictionary = [.. TrainingSamples.Documents(60, seed: 2).SelectMany(document => document.ToArray())];
        FoldTables tables = TablesWith(dictionary);
        long older = TrainingSamples.Bytes(new FoldCodec(FoldLevel.Dense, tables, InstructionPaths.Best), documents, 1024);
        long nearest = documents.Sum(document => BytesWithoutOlder(tables, document.Span));
        Assert.InRange(older, 1, nearest * 97 / 100);
    }

    private static void AssertCandidates(byte[] content, MatchDictionary dictionary, string kind)
    {
        Assert.Equal(content.Length, dictionary.Candidates.Length);
        Dictionary<ulong, int> last = [];
        int wrong = 0;
        for (int position = 0; position < content.Length; position++)
        {
            int distance = dictionary.Candidates[position];
            Assert.InRange(distance, 0, position);
            if (position + Hashed > content.Length)
            {
                Assert.Equal(0, distance);
                continue;
            }
            ulong bytes = 0;
            for (int i = 0; i < Hashed; i++)
                bytes = bytes << 8 | content[position + i];
            // Another position may have the same place and tag, or have taken the place meanwhile.
            wrong += distance == (last.TryGetValue(bytes, out int earlier) ? position - earlier : 0) ? 0 : 1;
            last[bytes] = position;
        }
        Assert.True(wrong <= content.Length / 2, $"{wrong} of {content.Length} positions of {kind} have another candidate");
    }

    /// <summary>Returns the bytes of a text at the dense level with the nearest candidate only.</summary>
    private static long BytesWithoutOlder(FoldTables tables, ReadOnlySpan<byte> text)
    {
        using FoldWorkspace workspace = new(1024, MatchFinder.TableBytes<SmallShape>(), tables.Definition.Dictionary.Span, default);
        return FoldEncoder.Encode<ScalarPath, SmallShape, DenseLevel>(
            tables, workspace, tables.SmallDictionary, text, new byte[text.Length + FoldHeader.MaxRawBytes]);
    }

    private static FoldTables TablesWith(byte[] dictionary)
    {
        FoldDefinition builtIn = BuiltInTables.For(4096).Definition;
        return new FoldTables(FoldDefinition.TryMake(
            builtIn.Length, builtIn.Boxes, builtIn.LiteralLengths, builtIn.TokenLengths, dictionary)!);
    }

    private static byte[] Random(ref Dice dice, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = (byte)dice.Next();
        return bytes;
    }
}
