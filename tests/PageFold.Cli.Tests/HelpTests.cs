namespace PageFold.Cli.Tests;

/// <summary>What <c>--help</c> shows.</summary>
public class HelpTests
{
    [Theory]
    [InlineData("serve", "--swap [RATIO] ", "--size <BYTES> ", "--export <NAME[,...]> ", "--codec <NAME[:LEVEL]> ")]
    [InlineData("recompress", "--train [BYTES] ", "--at-least <BYTES> ")]
    [InlineData("stat", "--json [FILE|-] ", "--control <PATH> (REQUIRED) ")]
    public void A_value_that_may_be_left_out_stands_in_brackets(string command, params string[] expected)
    {
        Command run = Command.Run(command, "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.All(expected, option => Assert.Contains(option, run.Output, StringComparison.Ordinal));
        // The descriptions stay in their column.
        string[] options = [.. run.Output.Split('\n').Where(line => line.StartsWith("  --", StringComparison.Ordinal))];
        Assert.Single(options.Select(DescriptionColumn).Distinct());
    }

    [Theory]
    [InlineData("--size needs a value; write --size BYTES. See 'pagefold serve --help'.", "serve", "--size")]
    [InlineData("--size is given 2 times (1MiB, 2MiB); give it once.", "serve", "--size", "1MiB", "--size", "2MiB")]
    [InlineData("To name the control socket, write --control /tmp.", "stat", "/tmp")]
    [InlineData("write --codec zstd --level 9", "measure", "--codec", "zstd:9", "/etc/passwd")]
    public void A_line_that_cannot_be_taken_apart_is_told_with_the_remedy(string expected, params string[] line) =>
        Command.AssertRefused(expected, line);

    // Behind the last two spaces in a row.
    private static int DescriptionColumn(string line) => line.LastIndexOf("  ", StringComparison.Ordinal) + 2;
}
