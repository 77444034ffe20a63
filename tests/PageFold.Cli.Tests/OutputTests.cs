using System.Diagnostics;
using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>The outputs of the command: closed, no longer read, never read, or limited to few characters.</summary>
public sealed class OutputTests : IDisposable
{
    private readonly DataFolder _data = new(64);

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData("measure \"$1\"")]
    [InlineData("measure \"$1\" --json -")]
    [InlineData("bench map --rounds 1 --sizes 1024 --straddling 50 --window-sizes 1632 --frame-sizes 16KiB --working-set 1MiB")]
    [InlineData("tlb --protocol copy --arch x86-64 --environment plain")]
    [InlineData("tlb steps --protocol mailed --max-states 10")]
    [InlineData("--help")]
    public void A_reader_that_closes_its_end_ends_the_command_quietly(string command)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the console's own stream keeps it to itself.");
        Command run = Command.RunProcess(
            "bash", ["-c", $"exec 3> >(true); wait $!; exec dotnet \"$0\" {command} >&3", Command.Program, _data.Path]);
        Assert.True(run.ExitCode == 141, $"exit {run.ExitCode}: {run.Error}");
        Assert.DoesNotContain("pagefold:", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_closed_stream_has_a_defined_outcome()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors are handed over by a shell.");
        Command withoutError = Run("measure \"$1\" --codec lz4 --json - 2>&-");
        Assert.Equal(0, withoutError.ExitCode);
        Assert.True(withoutError.Json.GetProperty("verified").GetBoolean());
        Command withoutAny = Run("measure \"$1\" --codec lz4 --json \"$1/report\" <&- >&- 2>&-");
        Assert.Equal(2, withoutAny.ExitCode);
        Assert.Contains("\"verified\": true", File.ReadAllText(Path.Combine(_data.Path, "report")), StringComparison.Ordinal);
        Command withoutOutput = Run("measure \"$1\" >&-");
        Assert.Equal(2, withoutOutput.ExitCode);
        Assert.Contains("the output cannot be written (it was closed from the beginning)", withoutOutput.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INT", ">&3")]
    [InlineData("TERM", "2>&3")]
    public void A_signal_ends_a_command_whose_output_is_not_read(string signal, string redirect)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill.");
        // A full pipe whose only reader is the command's own descriptor.
        string full = "mkfifo \"$1/full\"; exec 3<>\"$1/full\"; dd if=/dev/zero bs=4096 oflag=nonblock of=\"$1/full\" 2>/dev/null;";
        Command run = Command.RunProcess(
            "bash", ["-c", $"{full} exec dotnet \"$0\" measure \"$1/text\" {redirect}", Command.Program, _data.Path], process =>
        {
            ServeProcess.Until(() => process.HasExited || Command.ListensForInterrupts(process), "a command that can be interrupted");
            Process.Start("kill", [$"-{signal}", $"{process.Id}"]).WaitForExit();
            if (!process.WaitForExit(ServeProcess.Patience))
                process.Kill();
        });
        Assert.True(run.ExitCode == 130, $"exit {run.ExitCode}: {run.Error}");
        if (redirect == ">&3")
            Assert.Contains("pagefold: interrupted", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INT", 128 + 2)]
    [InlineData("TERM", 128 + 15)]
    [InlineData("HUP", 128 + 1)]
    [InlineData("QUIT", 128 + 3)]
    public void A_signal_ends_the_wait_for_the_reader_of_a_report(string signal, int exitCode)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill, and pipes have names.");
        string pipe = Path.Combine(_data.Path, "pipe");
        Command.RunProcess("mkfifo", [pipe]);
        // A shell makes what it starts in the background ignore some signals, and the command would inherit that.
        string[] measure = ["measure", Path.Combine(_data.Path, "text"), "--codec", "lz4", "--json", pipe];
        Command run = Command.RunProcess("env", ["--default-signal", "dotnet", Command.Program, .. measure], process =>
        {
            // The kernel reports in which call the process waits. Before that its end proves nothing.
            ServeProcess.Until(() => process.HasExited || WaitsForReader(process), "a command that opens a pipe");
            Process.Start("kill", [$"-{signal}", $"{process.Id}"]).WaitForExit();
            if (!process.WaitForExit(ServeProcess.Patience))
                process.Kill();
        });
        Assert.Equal(exitCode, run.ExitCode);
    }

    [Fact]
    public void The_name_of_a_report_leaves_room_for_its_temporary_suffix() =>
        Command.AssertRefused("the name is too long; choose one of at most 24", "measure", Path.Combine(_data.Path, "text"),
            "--json", Path.Combine(_data.Path, new string('k', 252)));

    [Theory]
    [InlineData("LC_ALL=C", true)]
    [InlineData("LC_ALL=POSIX", true)]
    [InlineData("LC_ALL= LC_CTYPE=C LANG=C.UTF-8", true)]
    [InlineData("-u LC_ALL -u LC_CTYPE -u LANG", true)]
    [InlineData("LC_ALL=C.UTF-8", false)]
    [InlineData("LC_ALL= LC_CTYPE=en_US.UTF-8 LANG=C", false)]
    public void Tables_and_bars_are_drawn_in_the_characters_of_the_locale(string locale, bool ascii)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Locales are chosen by the environment on Unix.");
        string named = Path.Combine(_data.Path, "é");
        File.Copy(Path.Combine(_data.Path, "text"), named);
        foreach (string command in (string[])["measure \"$1\"", "tlb --protocol copy --arch x86-64 --environment plain"])
        {
            Command run = Command.RunProcess("bash", ["-c", $"exec env {locale} dotnet \"$0\" {command}", Command.Program, named]);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Equal(ascii, (run.Output + run.Error).All(char.IsAscii));
            Assert.Contains(ascii ? "----" : "────", run.Output, StringComparison.Ordinal);
            if (command.StartsWith("measure", StringComparison.Ordinal))
                Assert.Contains(ascii ? "/\\u00e9: auto" : "/é: auto",
                    run.Output.Replace("\n", string.Empty, StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Drawn_characters_become_one_ASCII_character_each_and_others_an_escape()
    {
        Assert.Equal("+--+ | ## .. 5 us x 3 \\u00e9 \\U0001f600",
            Encoding.ASCII.GetString(AsciiFallback.Encoding.GetBytes("╭──╮ │ ██ ░░ 5 µs × 3 é 😀")));
        Gen.String.Sample(text => AsciiFallback.Encoding.GetBytes(text).All(octet => octet < 128));
    }

    [Fact]
    public void A_report_goes_to_a_descriptor_without_replacing_what_is_there()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors are handed over by a shell.");
        string log = Path.Combine(_data.Path, "log");
        File.WriteAllText(log, "first line\n");
        foreach (string target in (string[])["/dev/stdout >>\"$1/log\"", "/dev/fd/3 3>>\"$1/log\" >/dev/null"])
        {
            Assert.Equal(0, Run($"measure \"$1/text\" --codec lz4 --json {target}").ExitCode);
            string written = File.ReadAllText(log);
            Assert.StartsWith("first line\n{", written, StringComparison.Ordinal);
            Assert.EndsWith("}\n", written, StringComparison.Ordinal);
        }
        string target2 = Path.Combine(_data.Path, "new");
        File.CreateSymbolicLink(Path.Combine(_data.Path, "link"), target2);
        Assert.Equal(0, Run("measure \"$1/text\" --codec lz4 --json \"$1/link\"").ExitCode);
        Assert.Contains("\"verified\": true", File.ReadAllText(target2), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--memory-limit 8EiB is not a possible number of bytes", "measure", "--memory-limit", "8EiB")]
    [InlineData("--sample 9223372036854775808", "measure", "--sample", "9223372036854775808")]
    [InlineData("--threads 2147483647", "measure", "--threads", "2147483647")]
    [InlineData("--threads 2147483648", "measure", "--threads", "2147483648")]
    [InlineData("--working-set 9223372036854775807", "bench", "map", "--working-set", "9223372036854775807")]
    [InlineData("--sizes 2147483647", "bench", "map", "--sizes", "2147483647")]
    [InlineData("--rounds 2147483647", "bench", "store", "--rounds", "2147483647")]
    [InlineData("--sample 16EiB", "bench", "alloc", "--sample", "16EiB")]
    [InlineData("--max-states 2147483647", "tlb", "--max-states", "2147483647")]
    [InlineData("--cycles 2147483648", "tlb", "--cycles", "2147483648")]
    public void The_largest_numbers_are_refused_with_the_name_of_their_option(string expected, params string[] arguments) =>
        Command.AssertRefused(expected, arguments);

    [Fact]
    public void A_heap_too_small_to_explore_in_is_refused_before_the_runtime_fails()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The environment is set with env.");
        Command run = Command.RunProcess("env", ["DOTNET_GCHeapHardLimit=0x2000000", "dotnet", Command.Program, "tlb"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the heap may have 32.0 MiB", run.Error, StringComparison.Ordinal);
    }

    /// <summary>True if a process waits for the other end of a pipe, as far as the kernel says in which call a process waits.</summary>
    private static bool WaitsForReader(Process process)
    {
        string file = $"/proc/{process.Id}/status";
        string status = File.ReadAllText(file);
        string call = File.ReadAllText($"/proc/{process.Id}/wchan");
        // 0 stands for a process that runs, too. One that has slept all the time, counted by its switches, has its call hidden.
        return call == "wait_for_partner"
            || call == "0" && status.Contains("State:\tS", StringComparison.Ordinal) && status == File.ReadAllText(file);
    }

    private Command Run(string command) => Command.RunProcess("bash", ["-c", $"exec dotnet \"$0\" {command}", Command.Program, _data.Path]);
}
