using System.Diagnostics;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary><c>pagefold measure --pid</c>: the memory of a process that runs, ends meanwhile, or has ended.</summary>
public class MeasureProcessTests
{
    [Fact]
    public void Measures_the_memory_of_a_running_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "--pid reads /proc, which only Linux has.");
        // This process: it is busy, and its memory changes during the measurement.
        Command run = Command.Run("measure", "--pid", $"{Environment.ProcessId}", "--codec", "lz4", "--json", "-");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        Assert.True(run.Json.GetProperty("pages").GetInt64() > 5000);
    }

    [Fact]
    public void A_process_that_ends_meanwhile_is_skipped_and_counted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "--pid reads /proc, which only Linux has.");
        // A shell with 20 MiB of text that does not compress, so that storing its pages takes far longer than ending it.
        using Process victim = Process.Start(new ProcessStartInfo("sh",
            ["-c", "text=$(head -c 15000000 /dev/urandom | base64 -w 0); echo ready; read -r end"])
            { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Assert.Equal("ready", victim.StandardOutput.ReadLine());
        using Process measuring = Process.Start(new ProcessStartInfo("dotnet",
            [Command.Program, "measure", "--pid", $"{victim.Id}", "--codec", "zstd", "--level", "12", "--json", "-"])
            { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = measuring.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string told = "";
        while (measuring.StandardError.ReadLine() is { } line)
        {
            told += line + '\n';
            if (!line.Contains("Reading and storing", StringComparison.Ordinal))
                continue;
            victim.Kill();
            victim.WaitForExit();
        }
        measuring.WaitForExit();
        Assert.True(victim.HasExited, told);
        Assert.True(measuring.ExitCode == 0, told);
        JsonElement report = JsonDocument.Parse(output.Result).RootElement;
        long skipped = report.GetProperty("pagesSkipped").GetInt64();
        Assert.InRange(skipped, 1, long.MaxValue);
        Assert.Equal(report.GetProperty("pagesChosen").GetInt64(), report.GetProperty("pages").GetInt64() + skipped);
    }

    [Fact]
    public void A_process_that_has_ended_before_its_first_page_is_read_is_bad_input()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "--pid reads /proc, which only Linux has.");
        using Process victim = Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true })!;
        Command run = Command.RunProcess("dotnet", [Command.Program, "measure", "--pid", $"{victim.Id}", "--json", "-"], process =>
        {
            ServeProcess.Until(() => process.HasExited || HasOpen(process, $"/proc/{victim.Id}/mem"), "a measurement");
            victim.Kill();
            victim.WaitForExit();
        });
        Assert.True(run.ExitCode == 2, run.Error);
        // A slow machine says first what it is at.
        Assert.Contains($"process {victim.Id}", run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);

        static bool HasOpen(Process process, string file)
        {
            try
            {
                return Directory.EnumerateFiles($"/proc/{process.Id}/fd").Any(link => new FileInfo(link).LinkTarget == file);
            }
            catch (IOException)
            {
                // The process has just ended.
                return false;
            }
        }
    }
}
