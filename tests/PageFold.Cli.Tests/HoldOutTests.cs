using System.Text.Json;
using PageFold.Cli.Data;

namespace PageFold.Cli.Tests;

/// <summary>Files on which built-in tables may be trained, and those held out, are told apart by the hash of their path.</summary>
public sealed class HoldOutTests : IDisposable
{
    private const int Files = 40;

    private readonly DataFolder _data = new(4);

    private string Many { get; }

    public HoldOutTests()
    {
        Many = Directory.CreateDirectory(Path.Combine(_data.Path, "many")).FullName;
        for (int i = 0; i < Files; i++)
            File.WriteAllText(Path.Combine(Many, $"file é {i}"), $"a page of the file {i}");
    }

    public void Dispose() => _data.Dispose();

    // Tables that are trained elsewhere rely on these values.
    [Theory]
    [InlineData("/usr/bin/env", false)]
    [InlineData("/usr/bin/../bin//env", false)]
    [InlineData("/usr/bin/dash", true)]
    [InlineData("/usr/lib/os-release", false)]
    [InlineData("/home/é/file", true)]
    public void The_rule_is_fixed_and_ignores_how_a_path_is_written(string path, bool isHeldOut)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Full paths have a drive there.");
        Assert.Equal(isHeldOut, TrainingSplit.IsHeldOut(path));
    }

    [Fact]
    public void A_relative_path_is_the_absolute_one()
    {
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, Path.Combine(Many, "file"));
        Assert.Equal(TrainingSplit.IsHeldOut(Path.Combine(Many, "file")), TrainingSplit.IsHeldOut(relative));
    }

    [Fact]
    public void Only_files_held_out_are_measured_and_the_others_are_counted()
    {
        int heldOut = Directory.GetFiles(Many).Count(TrainingSplit.IsHeldOut);
        Assert.InRange(heldOut, 1, Files - 1);
        Assert.Equal((heldOut, Files - heldOut), Measure(Many, "--holdout"));
        Assert.Equal((Files, 0), Measure(Many));
        // Relative paths, and files that are named.
        Assert.Equal((heldOut, Files - heldOut), Measure(Path.GetRelativePath(Path.GetTempPath(), Many), "--holdout"));
        string named = Directory.GetFiles(Many).First(TrainingSplit.IsHeldOut);
        Assert.Equal((1, 0), Measure(named, "--holdout"));
    }

    [Fact]
    public void Data_without_a_file_held_out_is_refused()
    {
        string trained = Directory.GetFiles(Many).First(path => !TrainingSplit.IsHeldOut(path));
        Command.AssertRefused(
            "holds only files on which tables may be trained (1 file); name more files, or leave --holdout out",
            "bench", "codec", "--data", trained, "--holdout");
    }

    [Fact]
    public void The_option_changes_nothing_for_a_process_and_the_report_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The memory of processes is read on Linux.");
        string report = Path.Combine(_data.Path, "report");
        Command run = Command.Run(
            "bench", "codec", "--pid", $"{Environment.ProcessId}", "--page-size", "4KiB", "--sample", "256KiB", "--rounds", "1", "--codecs",
            "lz4", "--holdout", "--json", report);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("--holdout changes nothing for the memory of a process", run.Output, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(File.ReadAllText(report)).RootElement;
        Assert.True(json.GetProperty("holdout").GetBoolean());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("filesLeftOut").ValueKind);
    }

    private static (int Pages, int LeftOut) Measure(string path, params string[] options)
    {
        Command run = Command.Run(
            ["bench", "codec", "--data", path, "--page-size", "4KiB", "--rounds", "1", "--codecs", "lz4", "--json", "-", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement pages = Assert.Single(run.Json.GetProperty("pageSizes").EnumerateArray());
        return (pages.GetProperty("pages").GetInt32(), run.Json.GetProperty("filesLeftOut").GetInt32());
    }
}
