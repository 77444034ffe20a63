using System.Net.Sockets;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>What a user may name as data: whatever it is, it is measured or refused in one line.</summary>
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
        Assert.Equal(Measured.Of(Path("text")), Measured.Of(file));
        Assert.Equal(Measured.Of(Path("below")), Measured.Of(folder));
    }

    [Fact]
    public void A_file_counts_once_however_many_names_it_has()
    {
        Measured once = Measured.Of(_data.Path);
        Command.Shell("ln \"$0/text\" \"$0/below/again\"", _data.Path);
        Link("inside", Path("noise"));
        Link("round", _data.Path);
        Assert.Equal(once, Measured.Of(Link("outside", _data.Path), _data.Path, Path("text")));
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
    public void A_file_that_reports_no_length_is_read_to_its_end() => Assert.True(Measured.Of("/proc/self/smaps").Pages > 0);

    [Fact]
    public void A_block_device_is_measured()
    {
        File.WriteAllBytes(Path("image"), [.. File.ReadAllBytes(Path("noise")), .. File.ReadAllBytes(Path("below/zeros"))]);
        Command attach = Command.Shell("losetup -r -f --show \"$0\"", Path("image"));
        Assert.SkipUnless(attach.ExitCode == 0, "Loop devices need root and a kernel that has them.");
        string device = attach.Output.Trim();
        try
        {
            Assert.Equal(Measured.Of(Path("image")), Measured.Of(device));
        }
        finally
        {
            Command.Shell("losetup -d \"$0\"", device);
        }
    }

    [Fact]
    public void Names_need_not_be_text()
    {
        Command.Shell("printf 'y%.0s' $(seq 20000) > \"$0/$(printf 'caf\\351')\"", _data.Path);
        try
        {
            Command folder = Command.Run("measure", _data.Path, "--codec", "lz4", "--json", "-");
            Assert.Equal(513 + 5, Measured.Of(folder).Pages);
            Assert.Equal(0, folder.Json.GetProperty("itemsSkipped").GetInt32());
            Command named = Command.Shell("dotnet \"$0\" measure \"$1\"/caf* --codec lz4 --json -", Command.Program, _data.Path);
            Assert.True(named.ExitCode == 0, named.Error);
            Assert.Equal(5, Measured.Of(named).Pages);
            Assert.EndsWith("caf\\xe9", named.Json.GetProperty("source").GetString(), StringComparison.Ordinal);
            Command written = Command.Shell("dotnet \"$0\" measure \"$1/text\" --json \"$1\"/caf*", Command.Program, _data.Path);
            Assert.Equal(2, written.ExitCode);
            Assert.Contains("caf\\xe9 is no UTF-8", written.Error, StringComparison.Ordinal);
        }
        finally
        {
            // .NET cannot delete this file.
            Command.Shell("rm \"$0\"/caf*", _data.Path);
        }
    }

    [Fact]
    public void A_name_does_not_act_on_the_terminal()
    {
        string wild = Path("wild \e[2J\nname");
        File.Copy(Path("text"), wild);
        Command shown = Command.Run("measure", wild, "--codec", "lz4");
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
        Command.Shell("chmod 600 \"$0\"/*; chmod 755 \"$0\" \"$0/..\"", folder);
        string[] asNobody =
            ["--reuid=65534", "--regid=65534", "--clear-groups", "dotnet", Command.Program, "measure", "--codec", "lz4", _data.Path];
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

    private string Path(string name) => System.IO.Path.Combine(_data.Path, name);

    private string Link(string name, string target) => File.CreateSymbolicLink(Path(name), target).FullName;
}
