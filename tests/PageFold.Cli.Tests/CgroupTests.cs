namespace PageFold.Cli.Tests;

/// <summary>The command inside a real control group with a memory limit, of version 2 or 1, made by the test.</summary>
public class CgroupTests
{
    private const long Limit = 192L << 20;

    [Fact]
    public void The_default_limit_is_half_of_the_groups_and_nothing_is_killed()
    {
        using MemoryGroup group = MemoryGroup.Make(Limit);
        using DataFolder data = new(4096);
        Command run = group.Run("measure", data.Path, "--json", "-");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(Limit / 2, run.Json.GetProperty("memoryLimit").GetInt64());
    }

    [Fact]
    public void More_data_than_the_limit_is_reported_and_nothing_is_killed()
    {
        using MemoryGroup group = MemoryGroup.Make(Limit);
        using DataFolder data = new(1);
        Command run = group.Run("measure", data.AddNoise("more than half", 104 << 20), "--json", "-");
        Assert.True(run.ExitCode == 3, $"exit {run.ExitCode}: {run.Error}");
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        Assert.InRange(run.Json.GetProperty("totalBytes").GetInt64(), Limit / 2 * 95 / 100, Limit / 2);
    }

    [Fact]
    public void A_store_with_the_largest_accepted_limit_is_filled_and_nothing_is_killed()
    {
        const long Reserve = (32 << 20) + Limit / 64;
        using MemoryGroup group = MemoryGroup.Make(Limit);
        using DataFolder data = new(1);
        string noise = data.AddNoise("more than all", 200 << 20);
        Command refused = group.Run("measure", noise, "--memory-limit", $"{Limit - Reserve + 1}");
        Assert.Equal(2, refused.ExitCode);
        Assert.All((string[])[$"{Limit:N0}", $"{Reserve:N0}", $"{Limit - Reserve:N0}"], part =>
            Assert.Contains(part, refused.Error, StringComparison.Ordinal));
        Command run = group.Run("measure", noise, "--memory-limit", $"{Limit - Reserve}", "--json", "-");
        Assert.True(run.ExitCode == 3, $"exit {run.ExitCode}: {run.Error}");
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        Assert.InRange(run.Json.GetProperty("totalBytes").GetInt64(), (Limit - Reserve) * 95 / 100, Limit - Reserve);
    }

    [Fact]
    public void A_limit_above_the_groups_is_refused_with_both_numbers()
    {
        using MemoryGroup group = MemoryGroup.Make(Limit);
        using DataFolder data = new();
        Command run = group.Run("measure", data.Path, "--memory-limit", "300MiB");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("314,572,800", run.Error, StringComparison.Ordinal);
        Assert.Contains("201,326,592", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Served_disks_together_may_not_have_more_than_the_group()
    {
        using MemoryGroup group = MemoryGroup.Make(Limit);
        using ServeFolder folder = new();
        foreach (string[] exports in (string[][])[[], ["--export", "a", "--export", "b"]])
        {
            Command run = group.Run(["serve", "--unix", folder.NewSocket(), "--size", "1GiB", "--memory-limit", "300MiB", .. exports]);
            Assert.Equal(2, run.ExitCode);
            string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.All(
                (string[])["--memory-limit", "314,572,800", "201,326,592"], part => Assert.Contains(part, line, StringComparison.Ordinal));
            Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        }
    }

    [Fact]
    public void A_limit_that_fits_the_group_causes_no_warning()
    {
        // The runtime reports three quarters of the group's limit as available.
        using MemoryGroup group = MemoryGroup.Make(Limit);
        using ServeFolder folder = new();
        Command run = group.Run(
            process => ServeProcess.EndOnceItServes(process, folder["s"]),
            "serve", "--unix", folder["s"], "--size", "1GiB", "--memory-limit", "150MiB",
            "--max-connections", "8", "--connection-memory", "40MiB");
        Assert.True(run.ExitCode == 0, $"exit {run.ExitCode}: {run.Error}");
        Assert.Contains("serving at", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("WARNING", run.Error, StringComparison.Ordinal);
    }
}
