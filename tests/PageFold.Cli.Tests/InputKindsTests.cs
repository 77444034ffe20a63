using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>
/// What a user may name as data: whatever it is, it is measured or refused in one line, and never waited for without a way out.
/// </summary>
public sealed class InputKindsTests : IDisposable
{
    private readonly DataFolder _data = new();

    public InputKindsTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Links, pipes, sockets and devices have names on Linux.");

    public void Dispose() => _data.Dispose();

    [Fact]
    public void A_link_is_measured_as_its_target()
    {
        string file = Link("to-file", Path("text"));
        string folder = Link("to-folder", Path("below"));
        Assert.Equal(Figures(Measure(Path("text"))), Figures(Measure(file)));
        Assert.Equal(Figures(Measure(Path("below"))), Figures(Measure(folder)));
    }

    [Fact]
    public void A_file_counts_once_however_many_names_it_has()
    {
        (long, long) once = Figures(Measure(_data.Path));
        Shell("ln \"$0/text\" \"$0/below/again\"", _data.Path);
        Link("inside", Path("noise"));
        Link("round", _data.Path);
        Assert.Equal(once, Figures(Measure(Link("outside", _data.Path), _data.Path, Path("text"))));
    }

    [Theory]
    [InlineData("cat \"$1\" | dotnet \"$0\" measure - --json -")]
    [InlineData("cat \"$1\" | dotnet \"$0\" measure /dev/stdin --json -")]
    [InlineData("dotnet \"$0\" measure <(cat \"$1\") --json -")]
    [InlineData("dotnet \"$0\" measure - --json - < \"$1\"")]
    [InlineData("mkfifo \"$1.p\"; cat \"$1\" > \"$1.p\" & dotnet \"$0\" measure \"$1.p\" --json -")]
    public void A_stream_is_measured_like_the_file_that_comes_through_it(string command)
    {
        Command streamed = Shell(command, Command.Program, Path("text"));
        Assert.True(streamed.ExitCode == 0, streamed.Error);
        Assert.True(streamed.Json.GetProperty("verified").GetBoolean());
        Assert.Equal(Figures(Measure(Path("text"))), Figures(streamed));
    }

    [Fact]
    public void Standard_input_begins_where_an_earlier_reader_stopped()
    {
        Command rest = Shell("(dd bs=4096 count=200 of=/dev/null status=none; dotnet \"$0\" measure - --json -) < \"$1\"", Command.Program,
            Path("text"));
        Assert.True(rest.ExitCode == 0, rest.Error);
        Assert.Equal(Figures(Measure(Path("text"))).Pages - 200, Figures(rest).Pages);
    }

    [Theory]
    [InlineData("store", "--rounds 1 --threads 1 --codec lz4")]
    [InlineData("alloc", "--rounds 1")]
    [InlineData("layers", "--rounds 1")]
    public void A_comparison_accepts_a_stream_too(string what, string options)
    {
        Command piped = Shell($"cat \"$1\" | dotnet \"$0\" bench {what} --data - {options} --json -", Command.Program, Path("text"));
        Assert.True(piped.ExitCode == 0, piped.Error);
    }

    [Fact]
    public void Only_the_sample_is_read_of_input_without_an_end()
    {
        foreach (string endless in (string[])
        [
            "yes | dotnet \"$0\" measure - --sample 1MiB --json -",
            "dotnet \"$0\" measure /dev/urandom --sample 1MiB --json -",
        ])
        {
            Command run = Shell(endless, Command.Program);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Equal(256, Figures(run).Pages);
        }
        Command.AssertRefused("'/dev/zero' is a device that need not have an end; choose how much of it to read with --sample", "measure",
            "/dev/zero");
    }

    [Fact]
    public void Input_that_cannot_be_measured_is_named_by_its_kind()
    {
        string socket = Path("socket");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socket));
        Command.AssertRefused("is a socket", "measure", socket);
        Command.AssertRefused("is a link to 'nowhere', which is not there", "measure", Link("dangling", "nowhere"));
        Command.AssertRefused("is a link to 'circle', which cannot be reached", "measure", Link("circle", "circle"));
        Command terminal = Command.RunProcess("script", ["-qec", $"dotnet {Command.Program} measure -", "/dev/null"]);
        Assert.Equal(2, terminal.ExitCode);
        Assert.Contains("is a terminal", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_reports_no_length_is_read_to_its_end() => Assert.True(Figures(Measure("/proc/self/smaps")).Pages > 0);

    [Fact]
    public void A_block_device_is_measured()
    {
        File.WriteAllBytes(Path("image"), [.. File.ReadAllBytes(Path("noise")), .. File.ReadAllBytes(Path("below/zeros"))]);
        Command attach = Shell("losetup -r -f --show \"$0\"", Path("image"));
        Assert.SkipUnless(attach.ExitCode == 0, "Loop devices need root and a kernel that has them.");
        string device = attach.Output.Trim();
        try
        {
            Assert.Equal(Figures(Measure(Path("image"))), Figures(Measure(device)));
        }
        finally
        {
            Shell("losetup -d \"$0\"", device);
        }
    }

    [Theory]
    [InlineData("INT", "measure")]
    [InlineData("TERM", "measure")]
    [InlineData("HUP", "measure")]
    [InlineData("QUIT", "measure")]
    [InlineData("INT", "bench", "store", "--data")]
    public void A_signal_ends_the_wait_for_a_pipe_that_never_delivers(string signal, params string[] command)
    {
        Shell("mkfifo \"$0\"", Path("pipe"));
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
        Command run = Shell(script, Command.Program, _data.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_need_not_be_text()
    {
        Shell("printf 'y%.0s' $(seq 20000) > \"$0/$(printf 'caf\\351')\"", _data.Path);
        try
        {
            Command folder = Command.Run("measure", _data.Path, "--json", "-");
            Assert.Equal(513 + 5, Figures(folder).Pages);
            Assert.Equal(0, folder.Json.GetProperty("itemsSkipped").GetInt32());
            Command named = Shell("dotnet \"$0\" measure \"$1\"/caf* --json -", Command.Program, _data.Path);
            Assert.True(named.ExitCode == 0, named.Error);
            Assert.Equal(5, Figures(named).Pages);
            Assert.EndsWith("caf\\xe9", named.Json.GetProperty("source").GetString(), StringComparison.Ordinal);
            Command written = Shell("dotnet \"$0\" measure \"$1/text\" --json \"$1\"/caf*", Command.Program, _data.Path);
            Assert.Equal(2, written.ExitCode);
            Assert.Contains("caf\\xe9 is no UTF-8", written.Error, StringComparison.Ordinal);
        }
        finally
        {
            // .NET cannot delete this file.
            Shell("rm \"$0\"/caf*", _data.Path);
        }
    }

    [Fact]
    public void A_name_does_not_act_on_the_terminal()
    {
        string wild = Path("wild \e[2J\nname");
        File.Copy(Path("text"), wild);
        Command shown = Command.Run("measure", wild);
        Assert.Equal(0, shown.ExitCode);
        Assert.DoesNotContain('\e', shown.Output);
        Assert.Contains("wild \\x1b[2J\\nname", shown.Output.Replace("\n", string.Empty, StringComparison.Ordinal),
            StringComparison.Ordinal);
        Command.AssertRefused("wild \\x1b[2J\\nname2", "measure", wild + "2");
    }

    [Fact]
    public void A_skipped_file_is_named_with_its_reason()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess,
            "Another user's files are unreadable to all but root, who becomes that user here.");
        string folder = Directory.CreateDirectory(Path("secrets")).FullName;
        for (int i = 0; i < 7; i++)
            File.WriteAllText(System.IO.Path.Combine(folder, $"secret {i}\a"), "hidden");
        Shell("chmod 600 \"$0\"/*; chmod 755 \"$0\" \"$0/..\"", folder);
        string[] asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "dotnet", Command.Program, "measure", _data.Path];
        Command json = Command.RunProcess("setpriv", [.. asNobody, "--json", "-"]);
        Assert.True(json.ExitCode == 0, json.Error);
        Assert.Equal(7, json.Json.GetProperty("itemsSkipped").GetInt32());
        JsonElement[] named = [.. json.Json.GetProperty("skipped").EnumerateArray()];
        Assert.Equal(5, named.Length);
        Assert.EndsWith("secret 0\\x07", named[0].GetProperty("name").GetString(), StringComparison.Ordinal);
        Assert.Equal("permission denied", named[0].GetProperty("reason").GetString());
        string shown = Command.RunProcess("setpriv", asNobody).Output.Replace("\n", string.Empty, StringComparison.Ordinal);
        foreach (string expected in (string[])["secret 4\\x07: permission denied", "and 2 more"])
            Assert.Contains(expected, shown, StringComparison.Ordinal);
        Command none = Command.RunProcess("setpriv", [.. asNobody[..^1], folder]);
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("secret 0\\x07 (permission denied)", none.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_does_not_overwrite_its_data_through_a_link()
    {
        byte[] before = File.ReadAllBytes(Path("text"));
        string link = Link("report", Path("text"));
        foreach (string[] arguments in (string[][])
        [
            ["measure", _data.Path, "--json", link],
            ["bench", "store", "--data", Path("text"), "--json", link],
        ])
            Command.AssertRefused("is a part of the data", arguments);
        Assert.Equal(before, File.ReadAllBytes(Path("text")));
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

    private static (long Pages, long CompressedBytes) Figures(Command run) =>
        (run.Json.GetProperty("pages").GetInt64(), run.Json.GetProperty("compressedBytes").GetInt64());

    private static Command Measure(params string[] paths)
    {
        Command run = Command.Run(["measure", "--json", "-", .. paths]);
        Assert.True(run.ExitCode == 0, run.Error);
        return run;
    }

    private static Command Shell(string script, params string[] arguments) => Command.RunProcess("bash", ["-c", script, .. arguments]);

    private string Path(string name) => System.IO.Path.Combine(_data.Path, name);

    private string Link(string name, string target) => File.CreateSymbolicLink(Path(name), target).FullName;

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
}
