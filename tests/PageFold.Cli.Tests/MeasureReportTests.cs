using System.Diagnostics;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>The report of <c>pagefold measure</c>: where it goes, what it never replaces, and what it says after an interrupt.</summary>
public class MeasureReportTests
{
    [Fact]
    public void Writes_the_report_to_a_file_and_the_tables_to_the_terminal()
    {
        using DataFolder data = new();
        string file = Path.Combine(data.Path, "report.json");
        Command run = Command.Run("measure", Path.Combine(data.Path, "text"), "--codec", "lz4", "--json", file);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("verified", run.Output, StringComparison.Ordinal);
        Assert.True(JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("verified").GetBoolean());
        Assert.Empty(Directory.GetFiles(data.Path, "*.tmp"));
    }

    [Fact]
    public void Writes_the_report_through_a_link_or_device_and_never_replaces_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Devices and pipes have names on Unix.");
        using DataFolder data = new();
        string target = Path.Combine(data.Path, "target.json");
        string link = Path.Combine(data.Path, "link.json");
        File.WriteAllText(target, "{}");
        File.CreateSymbolicLink(link, target);
        Assert.Equal(0, Command.Run("measure", Path.Combine(data.Path, "text"), "--codec", "lz4", "--json", link).ExitCode);
        Assert.Equal(target, new FileInfo(link).LinkTarget);
        Assert.True(JsonDocument.Parse(File.ReadAllText(target)).RootElement.GetProperty("verified").GetBoolean());
        string pipe = Path.Combine(data.Path, "pipe");
        Command.RunProcess("mkfifo", [pipe]);
        Task<string> reader = Task.Factory.StartNew(
            () => File.ReadAllText(pipe), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.Equal(0, Command.Run("measure", Path.Combine(data.Path, "text"), "--codec", "lz4", "--json", pipe).ExitCode);
        Assert.True(JsonDocument.Parse(reader.Result).RootElement.GetProperty("verified").GetBoolean());
    }

    [Fact]
    public void A_report_that_cannot_be_written_is_an_error_and_not_a_crash()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full is Linux's.");
        using DataFolder data = new();
        foreach (string redirect in (string[])["> /dev/full", ">&-", "2>&-"])
        {
            string line = $"exec dotnet \"$0\" measure \"$1\" --codec lz4 --json - {redirect}";
            Command run = Command.RunProcess("sh", ["-c", line, Command.Program, data.Path]);
            Assert.True(run.ExitCode is 0 or 2, $"{redirect}: exit {run.ExitCode}: {run.Error}");
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_report_does_not_overwrite_the_data_it_measures()
    {
        using DataFolder data = new();
        string text = Path.Combine(data.Path, "text");
        long length = new FileInfo(text).Length;
        foreach (string[] arguments in (string[][])[
            ["measure", text, "--json", text], ["measure", data.Path, "--json", text], ["bench", "store", "--data", data.Path + "/",
                "--json", text],
            ["bench", "alloc", "--data", text, "--json", text], ["bench", "layers", "--data", text, "--svg", text]])
        {
            Command run = Command.Run(arguments);
            Assert.True(run.ExitCode == 2, run.Error);
            Assert.Contains("is a part of the data", run.Error, StringComparison.Ordinal);
            Assert.Equal(length, new FileInfo(text).Length);
        }
        Assert.Equal(0, Command.Run("measure", text, "--codec", "lz4", "--json", Path.Combine(data.Path, "new")).ExitCode);
    }

    [Fact]
    public void Reports_what_is_known_when_interrupted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill.");
        using DataFolder data = new(8192);
        string[] arguments = [Command.Program, "measure", data.Path, "--codec", "zstd", "--level", "19", "--json", "-"];
        Command run = Command.RunProcess("dotnet", arguments, process =>
        {
            // Well into it, counted from where interrupts are listened for: on some machines it takes long until then.
            ServeProcess.Until(() => process.HasExited || Command.ListensForInterrupts(process), "a command that can be interrupted");
            ServeProcess.UntilAtWork(process);
            Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
        });
        Assert.True(run.ExitCode == 130, run.Error);
        Assert.True(run.Json.GetProperty("interrupted").GetBoolean());
        Assert.False(run.Json.GetProperty("verified").GetBoolean());
    }
}
