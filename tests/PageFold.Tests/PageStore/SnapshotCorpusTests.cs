using PageFold.Fuzz;

namespace PageFold.Tests.Store;

/// <summary>
/// What the campaign <c>fuzz</c> starts from, and what it has found: each input is loaded or refused, and a few changes of each too.
/// </summary>
public class SnapshotCorpusTests
{
    public static TheoryData<string> Inputs => [.. Directory.EnumerateFiles(Corpus()).Select(file => Path.GetFileName(file)!).Order()];

    [Theory]
    [MemberData(nameof(Inputs))]
    public void An_input_is_loaded_and_its_changes_are_loaded_or_refused(string name)
    {
        byte[] input = File.ReadAllBytes(Path.Combine(Corpus(), name));
        Mutator mutator = new(seed: 1);
        using SnapshotTarget target = new(Path.GetTempFileName());
        target.Run(input);
        // Its own hashes are right, or they would not be here for long.
        Assert.Equal(input, SnapshotSignature.Sign([.. input]));
        for (int i = 0; i < 24; i++)
            target.Run(SnapshotSignature.Sign(mutator.Mutate(input, input)));
        for (int i = 0; i < 8; i++)
            target.Run(mutator.Mutate(input, input));
    }

    [Fact]
    public void The_corpus_has_a_snapshot_of_every_kind_and_most_are_loaded()
    {
        using SnapshotTarget target = new(Path.GetTempFileName());
        string[] files = Directory.GetFiles(Corpus());
        foreach (string file in files)
            target.Run(File.ReadAllBytes(file));
        // Those of other page sizes, or damaged ones, are not.
        Assert.True(files.Length >= 7 && target.Accepted >= 6, $"{target.Accepted} of {files.Length} are loaded");
    }

    private static string Corpus() => Path.Combine(ArchitectureTests.Root(), "tests", "corpus", "snapshot");
}
