using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Matching;
using PageFold.Frames;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>What training sees of a text is what an encoder makes of it.</summary>
public class TextParserTests
{
    private static readonly byte[] Shared = MakeShared();

    [Theory]
    [InlineData(4096, false)]
    [InlineData(4096, true)]
    [InlineData(65536, false)]
    [InlineData(65536, true)]
    public void Matches_and_literals_are_the_text(int maxLength, bool hasDictionary)
    {
        byte[] dictionary = hasDictionary ? Shared : [];
        using BorrowedMemory memory = BorrowedMemory.Unlimited();
        using TextParser parser = TextParser.Create(maxLength, dictionary, memory);
        Assert.Equal(parser.Bytes, memory.Used);
        Assert.InRange(parser.Bytes, 1, TextParser.MaxBytes(maxLength, dictionary.Length));
        using TrainingBlocks blocks = new(memory);
        int found = 0;
        Gen.Select(Gen.Int[1, maxLength], Gen.Int[0, Contents.Kinds.Length - 1], Gen.ULong).Sample(
            (length, kind, key) =>
            {
                byte[] text = new byte[length];
                Contents.Fill(text, kind, key, Shared);
                blocks.Clear();
                ParsedText parsed = parser.Parse(text, blocks);
                TextMatch[] matches = parser.FindMatches(text).ToArray();
                found += matches.Length;
                byte[] made = Carry(text, matches, dictionary, out byte[] literals);
                Assert.True(made.AsSpan(dictionary.Length).SequenceEqual(text));
                Assert.Equal(length, parsed.Length);
                Assert.Equal(literals.Length, parsed.Literals.ToArray().Sum(segment => segment.Total));
                Assert.Equal(CountsOf(literals, blocks), parsed.Literals.ToArray().Select(segment => segment.Counts.ToArray()));
                Assert.Equal(PlacesOf(matches), parsed.Sequences.ToArray());
            },
            iter: 300, threads: 1);
        Assert.NotEqual(0, found);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Wherever_it_finds_no_memory_nothing_is_left(int maxLength)
    {
        AllocationFaults faults = new();
        MemoryBudget budget = new(long.MaxValue) { Faults = faults };
        bool isDone = false;
        int refused = 0;
        while (!isDone)
        {
            using BorrowedMemory memory = new(budget, () => new TimeZoneNotFoundException());
            faults.Refuse(refused + 1);
            try
            {
                using TextParser parser = TextParser.Create(maxLength, Shared, memory);
                isDone = true;
            }
            catch (TimeZoneNotFoundException)
            {
                refused++;
            }
            faults.Clear();
            Assert.Equal(0, memory.Used);
        }
        // The dictionary, the matches twice, and the workspace.
        Assert.Equal(4, refused);
    }

    private static unsafe IEnumerable<ushort[]> CountsOf(byte[] symbols, TrainingBlocks blocks) =>
        new ReadOnlySpan<SymbolCounts>(SymbolCounts.OfSegments(symbols, blocks, out int count), count).ToArray()
            .Select(segment => segment.Counts.ToArray());

    private static byte[] Carry(byte[] text, TextMatch[] matches, byte[] dictionary, out byte[] literals)
    {
        List<byte> made = [.. dictionary];
        List<byte> left = [];
        void AddLiterals(int end)
        {
            ReadOnlySpan<byte> run = text.AsSpan((made.Count - dictionary.Length)..end);
            made.AddRange(run);
            left.AddRange(run);
        }
        foreach (TextMatch match in matches)
        {
            AddLiterals(match.Position);
            for (int i = 0; i < match.Length; i++)
                made.Add(made[^match.Distance]);
        }
        AddLiterals(text.Length);
        literals = [.. left];
        return [.. made];
    }

    private static List<ushort> PlacesOf(TextMatch[] matches)
    {
        List<ushort> places = [];
        int end = 0;
        int last = 1;
        foreach (TextMatch match in matches)
        {
            Assert.InRange(match.Length, Box.MinMatch, SequenceParser.MaxMatch);
            int distance = match.Distance == last ? Cells.Repeat : Cells.OfDistance(match.Distance);
            places.Add((ushort)Cells.Place(distance, Cells.OfLiterals(match.Position - end), Cells.OfMatch(match.Length)));
            last = match.Distance;
            end = match.Position + match.Length;
        }
        return places;
    }

    private static byte[] MakeShared()
    {
        byte[] shared = new byte[30_000];
        Contents.Fill(shared, Array.IndexOf(Contents.Kinds, "text"), 77, default);
        return shared;
    }
}
