namespace PageFold.Cli.Tests;

/// <summary>The output of <c>--help</c>.</summary>
public class HelpTests
{
    [Theory]
    [InlineData("serve", "--swap [RATIO] ", "--size <BYTES> ", "--export <NAME[,...]> ", "--codec <NAME[:LEVEL]> ")]
    [InlineData("recompress", "--train [BYTES] ", "--at-least <BYTES> ")]
    [InlineData("stat", "--json [FILE|-] ", "--control <PATH> (REQUIRED) ")]
    public void An_optional_value_is_shown_in_brackets(string command, params string[] expected)
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
    [InlineData("--control is missing; write --control PATH: the server's control socket", "stat")]
    [InlineData("To name the control socket, write --control /tmp.", "stat", "/tmp")]
    [InlineData("--codec zstd:9 contains a level; leave --level 3 out", "measure", "--codec", "zstd:9", "--level", "3")]
    [InlineData("--level 3 goes with --codec zstd only; write --codec fold:dense", "measure", "--codec", "fold", "--level", "3")]
    [InlineData("--level 3 goes with --codec zstd only; auto has no levels", "measure", "--codec", "auto", "--level", "3")]
    [InlineData("--codec fold:best has no possible level (best); choose auto, fold, fold:dense, lz4", "measure", "--codec", "fold:best")]
    [InlineData("--codec auto is for 'measure' and 'serve --codec' only; choose fold, fold:dense", "bench", "store", "--codec", "auto")]
    [InlineData("--size needs a value, and '--unix' stands in its place; write --size BYTES.", "serve", "--size", "--unix", "s")]
    [InlineData("--unix needs a value, and '--size' stands in its place; write --unix PATH.", "serve", "--unix", "--size", "1MiB")]
    [InlineData("--codec needs a value, and '--level' stands in its place; write --codec NAME[:LEVEL].",
        "measure", "--codec", "--level", "3")]
    [InlineData("--control needs a value, and '--json' stands in its place; write --control PATH.", "stat", "--control", "--json", "-")]
    [InlineData("--size needs a value, and '--siez' stands in its place", "serve", "--size", "--siez", "1MiB")]
    [InlineData("--arch needs a value, and '-h' stands in its place", "tlb", "explain", "--arch", "-h")]
    // Without an error of the parser.
    [InlineData("--keep needs a value, and '--read-only' stands in its place; write --keep FILE.",
        "serve", "--unix", "s", "--size", "1MiB", "--keep", "--read-only")]
    [InlineData("--unix needs a value; write --unix PATH.", "serve", "--size", "1MiB", "--unix", "s", "--unix")]
    [InlineData("--listen needs a value; write --listen ADDRESS:PORT.", "serve", "--listen", "a:1", "--size", "1MiB", "--listen")]
    [InlineData("--swap is given 2 times; give it once.", "serve", "--unix", "s", "--swap", "--swap")]
    [InlineData("--swap is given 2 times (2); give it once.", "serve", "--unix", "s", "--swap", "2", "--swap")]
    [InlineData("--read-only is given 2 times; give it once.", "serve", "--unix", "s", "--read-only", "--read-only", "--size", "1MiB")]
    [InlineData("--train is given 2 times; give it once.", "recompress", "--control", "c", "--train", "--train")]
    [InlineData("--json is given 2 times; give it once.", "stat", "--control", "c", "--json", "--json")]
    [InlineData("--raw is given 2 times; give it once.", "snapshot", "f", "--control", "c", "--raw", "--raw")]
    [InlineData("--safe-with-one-thread is given 2 times", "tlb", "--safe-with-one-thread", "--safe-with-one-thread")]
    public void A_line_that_cannot_be_parsed_is_explained_with_the_remedy(string expected, params string[] line) =>
        Command.AssertRefused(expected, line);

    [Theory]
    [InlineData("--size=--unix", "--size --unix is not a possible number of bytes")]
    [InlineData("--listen=--x", "--listen --x is no address")]
    public void A_value_that_looks_like_an_option_is_accepted_after_an_equals_sign(string option, string expected) =>
        Command.AssertRefused(expected, "serve", option);

    [Theory]
    [InlineData("help")]
    [InlineData("help", "bench", "store")]
    public void The_word_help_in_front_stands_for_the_option(params string[] line)
    {
        Command run = Command.Run(line);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(Command.Run([.. line.Skip(1), "--help"]).Output, run.Output);
    }

    [Fact]
    public void Help_is_shown_even_if_options_are_given_twice()
    {
        Command run = Command.Run("serve", "--read-only", "--read-only", "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("--read-only", run.Output, StringComparison.Ordinal);
    }

    // Behind the last two spaces in a row.
    private static int DescriptionColumn(string line) => line.LastIndexOf("  ", StringComparison.Ordinal) + 2;

    [Theory]
    [InlineData("stat", "--control", "/none", "--json", "--frob")]
    [InlineData("serve", "--size", "1MiB", "--unix", "/none/s", "--swap", "--frob")]
    public void An_unknown_option_is_not_taken_as_an_optional_value(params string[] arguments)
    {
        using ServeFolder folder = new();
        folder.AssertRefused(arguments, "there is no option '--frob'");
        Assert.False(File.Exists(folder["--frob"]));
    }

    [Fact]
    public void A_working_folder_that_was_removed_is_reported()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not remove a folder that a process works in.");
        using ServeFolder folder = new();
        foreach (string line in (string[])["serve --size 1MiB --unix s", "measure --data .", "snapshot disk --control /none"])
        {
            Directory.CreateDirectory(folder["gone"]);
            Command command = Command.RunProcess(
                "bash", ["-c", $"cd \"$0\"; rmdir \"$0\"; exec dotnet \"$1\" {line}", folder["gone"], Command.Program]);
            Assert.Equal(2, command.ExitCode);
            Assert.Contains("working folder does not exist any more", command.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("disk full", command.Error, StringComparison.Ordinal);
        }
    }
}
