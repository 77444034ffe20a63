using System.Text.RegularExpressions;

namespace PageFold.Cli.Tests;

/// <summary>Checks the files of deploy/ with systemd's own tools. The campaign "units" runs them.</summary>
public partial class DeployTests
{
    [Fact]
    public void The_units_and_the_drop_in_for_swap_are_valid()
    {
        const string Analyze = "/usr/bin/systemd-analyze";
        Assert.SkipUnless(File.Exists(Analyze), "systemd-analyze is not installed.");
        using ServeFolder folder = new();
        string unit = folder["pagefold.service"];
        string dropIn = Path.Combine(Directory.CreateDirectory(unit + ".d").FullName, "swap.conf");
        string swapOn = folder["pagefold-swapon.service"];
        foreach ((string source, string target) in ((string, string)[])[
            ("pagefold.service", unit), ("pagefold-swap.conf", dropIn), ("pagefold-swapon.service", swapOn)])
        {
            // The commands need not be installed for this check.
            string text = File.ReadAllText(Path.Combine(Command.Root, "deploy", source));
            File.WriteAllText(target, Programs().Replace(text, "$1/bin/true"));
        }
        Command run = Command.RunProcess("env", [$"SYSTEMD_UNIT_PATH={folder.Path}:", Analyze, "verify", "--man=no", unit, swapOn]);
        Assert.True(run.ExitCode == 0 && run.Error.Length == 0, run.Error);
        // The command builds a server from its options, including those of the drop-in.
        string options = File.ReadLines(dropIn).Last(line => line.StartsWith("ExecStart=/", StringComparison.Ordinal));
        Assert.All((string[])["--swap", "--lock-memory"], option => Assert.Contains($" {option} ", options, StringComparison.Ordinal));
        Assert.Contains("LimitMEMLOCK=infinity", File.ReadLines(dropIn));
        // A new server has an empty disk. A client that reconnects would read it as what it swapped out.
        Assert.Contains("Restart=no", File.ReadLines(dropIn));
    }

    /// <summary>The program of each command.</summary>
    [GeneratedRegex("^(Exec[A-Z][A-Za-z]*=)[^ \n]+", RegexOptions.Multiline)]
    private static partial Regex Programs();
}
