namespace PageFold.Cli.Tests;

/// <summary>The files of deploy/ are what systemd takes.</summary>
public class DeployTests
{
    [Fact]
    public void The_unit_and_its_drop_in_for_swap_are_valid()
    {
        const string Analyze = "/usr/bin/systemd-analyze";
        Assert.SkipUnless(File.Exists(Analyze), "systemd-analyze is not installed.");
        using ServeFolder folder = new();
        string unit = folder["pagefold.service"];
        string dropIn = Path.Combine(Directory.CreateDirectory(unit + ".d").FullName, "swap.conf");
        foreach ((string source, string target) in ((string, string)[])[("pagefold.service", unit), ("pagefold-swap.conf", dropIn)])
        {
            // The command need not be installed for this.
            string text = File.ReadAllText(Path.Combine(Command.Root, "deploy", source)).Replace("/usr/local/bin/pagefold", "/bin/true", StringComparison.Ordinal);
            File.WriteAllText(target, text);
        }
        Command run = Command.RunProcess("env", [$"SYSTEMD_UNIT_PATH={folder.Path}:", Analyze, "verify", "--man=no", unit]);
        Assert.True(run.ExitCode == 0 && run.Error.Length == 0, run.Error);
        // The command makes a server of its options, those of the drop-in among them.
        string options = File.ReadLines(dropIn).Last(line => line.StartsWith("ExecStart=/", StringComparison.Ordinal));
        Assert.All((string[])["--swap", "--lock-memory"], option => Assert.Contains($" {option} ", options, StringComparison.Ordinal));
        Assert.Contains("LimitMEMLOCK=infinity", File.ReadLines(dropIn));
    }
}
