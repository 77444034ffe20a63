namespace PageFold.Cli.Tests;

/// <content>Runs that share a process with others.</content>
internal sealed partial record Command
{
    /// <summary>Runs the command in a process that runs others before and after.</summary>
    public static Command Run(params string[] arguments) =>
        OperatingSystem.IsLinux() ? HostedCommand.Run(Path.GetTempPath(), arguments) : RunAlone(arguments);

    /// <summary>Runs the command with bad input and expects one line, without a stack trace, and exit code 2.</summary>
    public static void AssertRefused(string expected, params string[] arguments)
    {
        Command run = Run(arguments);
        Assert.True(run.ExitCode == 2, $"exit {run.ExitCode}: {run.Error}{run.Output}");
        Assert.Empty(run.Output);
        Assert.Contains(expected, Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }
}
