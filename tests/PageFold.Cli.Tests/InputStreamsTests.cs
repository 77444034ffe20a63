using System.Diagnostics;

namespace PageFold.Cli.Tests;

/// <summary>
/// Data that comes through a pipe, a descriptor or a device: it is measured like a file, and never waited for without a way out.
/// </summary>
public sealed class InputStreamsTests : IDisposable
{
    // Every folder has the same text.
    private static readonly Lazy<Measured> Text = new(() =>
    {
        using DataFolder data = new();
        return Measured.Of(System.IO.Path.Combine(data.Path, "text"));
    });

    private readonly DataFolder _data = new();

    public InputStreamsTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Pipes and descriptors have names on Linux.");

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData("cat \"$1\" | dotnet \"$0\" measure - --codec lz4 --json -")]
    [InlineData("cat \"$1\" | dotnet \"$0\" measure /dev/stdin --codec lz4 --json -")]
    [InlineData("dotnet \"$0\" measure <(cat \"$1\") --codec lz4 --json -")]
    [InlineData("dotnet \"$0\" measure - --codec lz4 --json - < \"$1\"")]
    [InlineData("mkfifo \"$1.p\"; cat \"$1\" > \"$1.p\" & dotnet \"$0\" measure \"$1.p\" --codec lz4 --json -")]
    public void A_stream_is_measured_like_the_file_that_comes_through_it(string command)
    {
        Command streamed = Command.Shell(command, Command.Program, Path("text"));
        Assert.True(streamed.ExitCode == 0, streamed.Error);
        Assert.True(streamed.Json.GetProperty("verified").GetBoolean());
        Assert.Equal(Text.Value, Measured.Of(streamed));
    }

    [Fact]
    public void Standard_input_begins_where_an_earlier_reader_stopped()
    {
        Command rest = Command.Shell(
            "(dd bs=4096 count=200 of=/dev/null status=none; dotnet \"$0\" measure - --codec lz4 --json -) < \"$1\"",
            Command.Program, Path("text"));
        Assert.True(rest.ExitCode == 0, rest.Error);
        Assert.Equal(Text.Value.Pages - 200, Measured.Of(rest).Pages);
    }

    [Theory]
    [InlineData("store", "--rounds 1 --round-pages 1024 --threads 1 --codec lz4")]
    [InlineData("alloc", "--rounds 1")]
    [InlineData("layers", "--rounds 1")]
    public void A_comparison_accepts_a_stream_too(string what, string options)
    {
        Command piped = Command.Shell(
            $"cat \"$1\" | dotnet \"$0\" bench {what} --data - {options} --json -", Command.Program, Path("text"));
        Assert.True(piped.ExitCode == 0, piped.Error);
    }

    [Fact]
    public void Only_the_sample_is_read_of_input_without_an_end()
    {
        foreach (string endless in (string[])
        [
            "yes | dotnet \"$0\" measure - --codec lz4 --sample 1MiB --json -",
            "dotnet \"$0\" measure /dev/urandom --codec lz4 --sample 1MiB --json -",
        ])
        {
            Command run = Command.Shell(endless, Command.Program);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Equal(256, Measured.Of(run).Pages);
        }
        Command.AssertRefused("'/dev/zero' is a device that need not have an end; choose how much of it to read with --sample", "measure",
            "/dev/zero");
    }

    [Theory]
    [InlineData("INT", "measure")]
    [InlineData("TERM", "measure")]
    [InlineData("HUP", "measure")]
    [InlineData("QUIT", "measure")]
    [InlineData("INT", "bench", "store", "--data")]
    public void A_signal_ends_the_wait_for_a_pipe_that_never_delivers(string signal, params string[] command)
    {
        Command.Shell("mkfifo \"$0\"", Path("pipe"));
        AssertEnds(signal, "dotnet", [Command.Program, .. command, Link("to-pipe", Path("pipe"))]);
        // And a pipe that has a writer.
        AssertEnds(
            signal, "bash", ["-c", "exec 3<>\"$1\"; exec dotnet \"$0\" \"${@:2}\" \"$1\"", Command.Program, Path("pipe"), .. command]);
    }

    [Theory]
    [InlineData("dotnet \"$0\" measure - < /dev/null", "'standard input' is empty; name files that are not empty")]
    [InlineData("true | dotnet \"$0\" measure -", "'standard input' is empty; name files that are not empty")]
    [InlineData("mkdir \"$1/none\"; cd \"$1\"; dotnet \"$0\" measure none", "'none' is empty; name files that are not empty, or folders")]
    public void Empty_input_is_reported_as_empty(string script, string expected)
    {
        Command run = Command.Shell(script, Command.Program, _data.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("measure -", "<&-")]
    [InlineData("measure /dev/stdin", "<&-")]
    [InlineData("measure /dev/fd/7", "")]
    [InlineData("measure \"$1\" --json /dev/fd/7", "")]
    public void A_descriptor_that_is_not_open_is_refused(string command, string redirection)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Names of descriptors are those of Linux.");
        using DataFolder folder = new();
        string file = System.IO.Path.Combine(folder.Path, "data");
        File.WriteAllBytes(file, new byte[8192]);
        Command run = Command.RunProcess("bash", ["-c", $"exec dotnet \"$0\" {command} {redirection}", Command.Program, file]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("not open in this command", run.Error, StringComparison.Ordinal);
    }

    private static void AssertEnds(string signal, string program, string[] arguments)
    {
        Command run = Command.RunProcess(program, arguments, process =>
        {
            ServeProcess.Until(() => process.HasExited || Command.ListensForInterrupts(process), "a command that can be interrupted");
            Process.Start("kill", [$"-{signal}", $"{process.Id}"]).WaitForExit();
            if (!process.WaitForExit(ServeProcess.Patience))
                process.Kill();
        });
        Assert.True(run.ExitCode == 130, $"exit {run.ExitCode}: {run.Error}");
    }

    private string Path(string name) => System.IO.Path.Combine(_data.Path, name);

    private string Link(string name, string target) => File.CreateSymbolicLink(Path(name), target).FullName;
}
