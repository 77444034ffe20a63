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

    // Behind the last two spaces in a row.
    private static int DescriptionColumn(string line) => line.LastIndexOf("  ", StringComparison.Ordinal) + 2;
}
