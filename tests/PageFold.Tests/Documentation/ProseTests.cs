namespace PageFold.Tests.Documentation;

/// <summary>Sources and documents are easy to read: short lines, and sentences that name what acts.</summary>
public class ProseTests
{
    // Diagrams of file formats are wider than text.
    private static readonly string[] MayBeWide = ["src/PageFold/Store/Snapshots/SnapshotFormat.cs"];

    // The number of vague words that is left, by file or folder; the aim is an empty list.
    private static readonly (string Prefix, int Count)[] VagueWordsLeft = [];

    [Fact]
    public void No_line_is_longer_than_140_columns()
    {
        string root = ArchitectureTests.Root();
        string[] wide =
        [
            .. Prose.Files(root, "benchmarks", "deploy", "src", "tests")
                .Where(name => Path.GetExtension(name) is ".cs" or ".sh" or ".props" && !Prose.IsAmong(name, MayBeWide))
                .SelectMany(name => Prose.LongLines(name, File.ReadAllText(Path.Combine(root, name)))),
        ];
        Assert.True(wide.Length == 0, string.Join("\n", wide));
    }

    [Fact]
    public void Sentences_name_what_acts()
    {
        string root = ArchitectureTests.Root();
        Dictionary<string, int> counts = [];
        foreach (string name in Prose.Files(root, "docs", "src"))
        {
            if (name != "README.md" && !name.Contains('/', StringComparison.Ordinal) || Path.GetExtension(name) is not (".cs" or ".md"))
                continue;
            string place = VagueWordsLeft.Select(left => left.Prefix)
                .FirstOrDefault(prefix => name.StartsWith(prefix, StringComparison.Ordinal), name);
            counts[place] = counts.GetValueOrDefault(place) + Prose.VagueWords(File.ReadAllText(Path.Combine(root, name)));
        }
        string[] wrong =
        [
            .. from place in counts
               let allowed = VagueWordsLeft.FirstOrDefault(left => left.Prefix == place.Key).Count
               where place.Value > allowed
               select $"{place.Key}: {place.Value} vague words, {allowed} allowed",
        ];
        Assert.True(wrong.Length == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void A_long_line_is_found_by_name_and_number()
    {
        string fits = new('x', Prose.MaxColumns);
        Assert.Equal(["a.cs:2", "a.cs:4"], Prose.LongLines("a.cs", $"{fits}\n{fits}x\r\n{fits}\r\n {fits}"));
    }

    [Theory]
    [InlineData("Whoever reads waits.", 1)]
    [InlineData("A lock that somebody holds and nobody frees", 2)]
    [InlineData("Any_name_with_anybody_in_it, EVERYBODY's", 2)]
    [InlineData("Any body of a page, bodyguards, somebodys", 0)]
    public void Vague_words_are_counted(string text, int count) => Assert.Equal(count, Prose.VagueWords(text));

    [Fact]
    public void All_sources_are_looked_through()
    {
        string[] names = [.. Prose.Files(ArchitectureTests.Root(), "benchmarks", "deploy", "docs", "src", "tests")];
        Assert.Contains("Directory.Build.props", names);
        Assert.Contains("test.sh", names);
        Assert.Contains("docs/architecture.md", names);
        Assert.Contains("benchmarks/nbd.sh", names);
        Assert.Contains("src/PageFold/Frames/FrameArena.cs", names);
        Assert.DoesNotContain(names, name => name.Contains("/obj/", StringComparison.Ordinal));
    }
}
