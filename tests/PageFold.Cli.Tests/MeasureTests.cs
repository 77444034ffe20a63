using System.Diagnostics;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary><c>pagefold measure</c> as a user runs it: figures that agree with each other, and errors of one line.</summary>
public class MeasureTests
{
    [Theory]
    [InlineData]
    [InlineData("--codec", "zstd", "--level", "1")]
    [InlineData("--codec", "zstd:9")]
    [InlineData("--codec", "none")]
    [InlineData("--codec", "fold")]
    [InlineData("--codec", "FOLD:dense", "--page-size", "64KiB")]
    [InlineData("--page-size", "16KiB", "--threads", "3")]
    [InlineData("--page-size", "65536", "--chain", "1")]
    public void Measures_a_folder_and_verifies_every_page(params string[] options)
    {
        using DataFolder data = new();
        Command run = Command.Run(["measure", data.Path, "--json", "-", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement json = run.Json;
        Assert.True(json.GetProperty("verified").GetBoolean());
        long pageSize = json.GetProperty("pageSize").GetInt64();
        long pages = json.GetProperty("pages").GetInt64();
        Assert.Equal(2 * 1024 * 1024 / pageSize + 1, pages);
        Assert.Equal(pages * pageSize, json.GetProperty("originalBytes").GetInt64());
        long total = json.GetProperty("totalBytes").GetInt64();
        long compressed = json.GetProperty("compressedBytes").GetInt64();
        Assert.Equal(total, json.GetProperty("poolBytes").GetInt64() + json.GetProperty("tableBytes").GetInt64());
        Assert.Equal((double)total / compressed, json.GetProperty("overhead").GetDouble(), 9);
        Assert.Equal((double)pages * pageSize / total, json.GetProperty("ratio").GetDouble(), 9);
        Assert.InRange(json.GetProperty("sameFilledPages").GetInt64(), 512 * 1024 / pageSize, 512 * 1024 / pageSize + 1);
        Assert.InRange(json.GetProperty("incompressiblePages").GetInt64(), 512 * 1024 / pageSize, pages);
        Assert.True(json.TryGetProperty("residentGrowthBytes", out _));
        foreach (string phase in (string[])["store", "load"])
        {
            foreach (string figure in (string[])["seconds", "mibPerSecond", "p50Us", "p99Us"])
                Assert.True(json.GetProperty(phase).GetProperty(figure).GetDouble() > 0, $"{phase}.{figure}");
        }
        JsonElement after = json.GetProperty("afterDiscard");
        Assert.Equal((double)after.GetProperty("totalBytes").GetInt64() / after.GetProperty("compressedBytes").GetInt64(),
            after.GetProperty("overhead").GetDouble(), 9);
        Assert.True(after.GetProperty("compactedOverhead").GetDouble() <= after.GetProperty("overhead").GetDouble());
    }

    [Theory]
    [InlineData("zstd:9", "zstd", 9)]
    [InlineData("fold:fast", "fold", null)]
    [InlineData("fold:dense", "fold:dense", null)]
    public void The_report_names_a_codec_as_the_option_takes_it(string option, string codec, int? level)
    {
        using DataFolder data = new(64);
        string file = Path.Combine(data.Path, "report.json");
        Command run = Command.Run("measure", Path.Combine(data.Path, "text"), "--codec", option, "--json", file);
        Assert.True(run.ExitCode == 0, run.Error);
        string shown = level is null ? codec : option;
        // A long title is folded.
        string output = string.Join(' ', run.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"text: {shown}, 4.0 KiB pages", output, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        Assert.Equal(codec, json.GetProperty("codec").GetString());
        JsonElement written = json.GetProperty("level");
        Assert.Equal(level, written.ValueKind == JsonValueKind.Null ? null : written.GetInt32());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("recompressed").ValueKind);
    }

    [Fact]
    public void Auto_reports_what_is_held_after_writing_and_once_idle()
    {
        using DataFolder data = new(2048);
        string file = Path.Combine(data.Path, "report.json");
        Command run = Command.Run("measure", Path.Combine(data.Path, "text"), "--codec", "auto", "--json", file);
        Assert.True(run.ExitCode == 0, run.Error);
        string[] parts = ["Held after writing", "with fold ", "Held once idle", "with fold:dense", "Compress again", "Load once idle",
            "verified: 1,024 pages, all of them, were"];
        foreach (string expected in parts)
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        Assert.Equal("auto", json.GetProperty("codec").GetString());
        Assert.Equal("fold", json.GetProperty("codecForWrites").GetString());
        JsonElement after = json.GetProperty("recompressed");
        Assert.Equal("fold:dense", after.GetProperty("codec").GetString());
        Assert.InRange(after.GetProperty("pagesRecompressed").GetInt64(), 1, 1024);
        Assert.True(after.GetProperty("compressedBytes").GetInt64() < json.GetProperty("compressedBytes").GetInt64());
        Assert.True(after.GetProperty("totalBytes").GetInt64() < json.GetProperty("totalBytes").GetInt64());
        Assert.Equal(after.GetProperty("totalBytes").GetInt64(),
            after.GetProperty("poolBytes").GetInt64() + after.GetProperty("tableBytes").GetInt64());
        Assert.True(after.GetProperty("load").GetProperty("p50Us").GetDouble() > 0);
    }

    [Fact]
    public void Tables_are_trained_on_the_pages_when_asked_for_and_used_where_they_gain()
    {
        using DataFolder data = new(1);
        File.WriteAllBytes(Path.Combine(data.Path, "letters"), ServeContent.Letters(4 << 20, 1));
        JsonElement plain = Recompressed("measure", data.Path);
        JsonElement trained = Recompressed("measure", data.Path, "--train");
        Assert.Equal((false, JsonValueKind.Null),
            (plain.GetProperty("hasOwnTables").GetBoolean(), plain.GetProperty("trainingSeconds").ValueKind));
        Assert.True(trained.GetProperty("hasOwnTables").GetBoolean());
        Assert.InRange(trained.GetProperty("compressedBytes").GetInt64(), 1, plain.GetProperty("compressedBytes").GetInt64() - 1);
        JsonElement few = Recompressed("measure", Path.Combine(data.Path, "letters"), "--train", "--sample", "64KiB");
        Assert.False(few.GetProperty("hasOwnTables").GetBoolean());
        Assert.Contains("fewer than 64 pages", few.GetProperty("notTrained").GetString(), StringComparison.Ordinal);
        Command wrong = Command.Run("measure", data.Path, "--train", "--codec", "zstd");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("--train goes with --codec auto only", wrong.Error, StringComparison.Ordinal);

        static JsonElement Recompressed(params string[] arguments)
        {
            Command run = Command.Run([.. arguments, "--json", "-"]);
            Assert.True(run.ExitCode == 0, run.Error);
            return run.Json.GetProperty("recompressed");
        }
    }

    [Fact]
    public void Shows_tables_bars_and_the_word_verified()
    {
        using DataFolder data = new();
        Command run = Command.Run("measure", data.Path);
        Assert.Equal(0, run.ExitCode);
        foreach (string expected in (string[])["Held after writing", "Held once idle", "times as much data",
            "Overhead", "Compressed pages by size", "verified: 513 pages, all of them, were"])
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Writes_the_report_to_a_file_and_the_tables_to_the_terminal()
    {
        using DataFolder data = new();
        string file = Path.Combine(data.Path, "report.json");
        Command run = Command.Run("measure", Path.Combine(data.Path, "text"), "--json", file);
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
        Assert.Equal(0, Command.Run("measure", Path.Combine(data.Path, "text"), "--json", link).ExitCode);
        Assert.Equal(target, new FileInfo(link).LinkTarget);
        Assert.True(JsonDocument.Parse(File.ReadAllText(target)).RootElement.GetProperty("verified").GetBoolean());
        string pipe = Path.Combine(data.Path, "pipe");
        Command.RunProcess("mkfifo", [pipe]);
        Task<string> reader = Task.Factory.StartNew(
            () => File.ReadAllText(pipe), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.Equal(0, Command.Run("measure", Path.Combine(data.Path, "text"), "--json", pipe).ExitCode);
        Assert.True(JsonDocument.Parse(reader.Result).RootElement.GetProperty("verified").GetBoolean());
    }

    [Fact]
    public void Takes_a_sample_that_is_spread_over_the_data()
    {
        using DataFolder data = new(4096);
        Command run = Command.Run("measure", data.Path, "--sample", "4MiB", "--json", "-");
        Assert.Equal(0, run.ExitCode);
        Assert.InRange(run.Json.GetProperty("pages").GetInt64(), 900, 1024);
        Assert.InRange(run.Json.GetProperty("sameFilledPages").GetInt64(), 150, 350);
    }

    [Fact]
    public void Measures_the_memory_of_a_running_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "--pid reads /proc, which only Linux has.");
        // This process: it is busy, and its memory changes during the measurement.
        Command run = Command.Run("measure", "--pid", $"{Environment.ProcessId}", "--json", "-");
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

    [Theory]
    [InlineData("300KiB")]
    [InlineData("2MiB")]
    [InlineData("8MiB")]
    public void A_limit_that_the_first_pages_fill_is_reached_and_not_too_small(string limit)
    {
        using DataFolder data = new(8192);
        Command run = Command.Run("measure", data.Path, "--codec", "lz4", "--memory-limit", limit, "--json", "-");
        Assert.True(run.ExitCode == 3, run.Error);
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        Assert.True(run.Json.GetProperty("pages").GetInt64() > 0);
    }

    [Fact]
    public void A_pipe_within_a_folder_is_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pipes have names on Unix.");
        using DataFolder data = new();
        Command.RunProcess("mkfifo", [Path.Combine(data.Path, "pipe")]);
        Assert.Equal(0, Command.Run("measure", data.Path).ExitCode);
    }

    [Fact]
    public void More_pages_than_fit_into_memory_are_bad_input_with_a_remedy()
    {
        using DataFolder data = new();
        string sparse = Path.Combine(data.Path, "sparse");
        using (FileStream file = File.Create(sparse))
            file.SetLength(8L << 40);
        Command run = Command.Run("measure", sparse);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--sample", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, Command.Run("measure", sparse, "--sample", "4MiB").ExitCode);
    }

    [Fact]
    public void Zeros_that_only_fill_pages_are_counted_separately()
    {
        using DataFolder data = new();
        Command run = Command.Run("measure", Path.Combine(data.Path, "short"), "--json", "-");
        Assert.Equal(4096 - "a page that is mostly missing".Length, run.Json.GetProperty("paddingBytes").GetInt64());
    }

    [Fact]
    public void A_report_that_cannot_be_written_is_an_error_and_not_a_crash()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full is Linux's.");
        using DataFolder data = new();
        foreach (string redirect in (string[])["> /dev/full", ">&-", "2>&-"])
        {
            Command run = Command.RunProcess("sh", ["-c", $"exec dotnet \"$0\" measure \"$1\" --json - {redirect}", Command.Program,
                data.Path]);
            Assert.True(run.ExitCode is 0 or 2, $"{redirect}: exit {run.ExitCode}: {run.Error}");
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_limit_that_is_reached_is_reported_with_the_pages_that_fit()
    {
        using DataFolder data = new(2048);
        Command run = Command.Run("measure", data.Path, "--memory-limit", "1MiB", "--json", "-");
        Assert.Equal(3, run.ExitCode);
        Assert.True(run.Json.GetProperty("limitReached").GetBoolean());
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        Assert.InRange(run.Json.GetProperty("totalBytes").GetInt64(), 900_000, 1 << 20);
        Assert.True(run.Json.GetProperty("pages").GetInt64() < run.Json.GetProperty("pagesChosen").GetInt64());
        // The one short page of the data was not stored, so no stored zero is padding.
        Assert.Equal(0, run.Json.GetProperty("paddingBytes").GetInt64());
        Assert.Contains("limit reached", Command.Run("measure", data.Path, "--memory-limit", "1MiB").Output, StringComparison.Ordinal);
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
        Assert.Equal(0, Command.Run("measure", text, "--json", Path.Combine(data.Path, "new")).ExitCode);
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

    [Theory]
    [InlineData("no file or folder", "measure", "/no/such/path")]
    [InlineData("--page-size 5000", "measure", "--page-size", "5000")]
    [InlineData("--page-size 2KiB", "measure", "--page-size", "2KiB")]
    [InlineData("--page-size 128KiB", "measure", "--page-size", "128KiB")]
    [InlineData("--page-size lots", "measure", "--page-size", "lots")]
    [InlineData("--codec gzip", "measure", "--codec", "gzip")]
    [InlineData("--level 23", "measure", "--codec", "zstd", "--level", "23")]
    [InlineData("--level 3", "measure", "--level", "3")]
    [InlineData("--chain 65", "measure", "--chain", "65")]
    [InlineData("--threads 0", "measure", "--threads", "0")]
    [InlineData("--sample -1", "measure", "--sample", "-1")]
    [InlineData("--memory-limit is 10 bytes", "measure", "--memory-limit", "10")]
    [InlineData("--memory-limit is 9,000 bytes", "measure", "--memory-limit", "9000")]
    [InlineData("--json /no/such/folder/x", "measure", "--json", "/no/such/folder/x")]
    [InlineData("--pid 0", "measure", "--pid", "0")]
    [InlineData("no process 2147483647", "measure", "--pid", "2147483647")]
    [InlineData("together", "measure", "--pid", "1", "/tmp")]
    [InlineData("'/dev/null' is empty; name files that are not empty", "measure", "/dev/null", "--sample", "1MiB")]
    [InlineData("'/dev/null' is empty; name files that are not empty", "measure", "/dev/null")]
    [InlineData("no option '--bogus'", "measure", "--bogus")]
    [InlineData("paths are named without an option", "measure", "--data", "/usr")]
    [InlineData("no command 'frobnicate'", "frobnicate")]
    [InlineData("no option '--verson'. See 'pagefold --help'", "--verson")]
    [InlineData("no option '--verson'. See 'pagefold bench --help'", "bench", "--verson")]
    [InlineData("--sample 0 is not a possible number of bytes; write for example 4096, 512MiB or 1.5GiB, more than zero", "measure",
        "--sample", "0")]
    [InlineData("a command is missing")]
    [InlineData("smaller than a page", "measure", "--sample", "4095")]
    [InlineData("--json needs a file", "measure", "--json", "")]
    [InlineData("--threads abc", "measure", "--threads", "abc")]
    [InlineData("--threads ''", "measure", "--threads", "")]
    public void Bad_input_gets_one_line_and_exit_code_two(string expected, params string[] arguments)
    {
        Command.AssertRefused(expected, arguments);
    }

    [Fact]
    public void A_file_or_folder_without_data_is_bad_input()
    {
        using DataFolder data = new();
        Assert.Equal(2, Command.Run("measure", Path.Combine(data.Path, "empty")).ExitCode);
        string folder = Directory.CreateDirectory(Path.Combine(data.Path, "nothing")).FullName;
        Assert.Equal(2, Command.Run("measure", folder).ExitCode);
    }

    [Fact]
    public void Unreadable_files_are_an_error_when_named_and_counted_when_found()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Permissions are set with the modes of Unix.");
            return;
        }
        using DataFolder data = new();
        string secret = Path.Combine(data.Path, "noise");
        File.SetUnixFileMode(secret, UnixFileMode.None);
        File.SetUnixFileMode(data.Path,
            UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        string[] asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "dotnet", Command.Program, "measure", "--json", "-"];
        bool root = Environment.UserName == "root";
        Command named = root ? Command.RunProcess("setpriv", [.. asNobody, secret]) : Command.Run("measure", "--json", "-", secret);
        Assert.Equal(2, named.ExitCode);
        Assert.Contains("permission denied", named.Error, StringComparison.Ordinal);
        Command found = root ? Command.RunProcess("setpriv", [.. asNobody, data.Path]) : Command.Run("measure", "--json", "-", data.Path);
        Assert.True(found.ExitCode == 0, found.Error);
        Assert.True(found.Json.GetProperty("pagesSkipped").GetInt64() + found.Json.GetProperty("itemsSkipped").GetInt64() > 0);
        if (root)
        {
            Command process = Command.RunProcess("setpriv", [.. asNobody, "--pid", $"{Environment.ProcessId}"]);
            Assert.Equal(2, process.ExitCode);
            Assert.Contains("permission denied", process.Error, StringComparison.Ordinal);
        }
        File.SetUnixFileMode(data.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
