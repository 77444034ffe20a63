using PageFold.Cli.Serve;
using Spectre.Console;

namespace PageFold.Cli.Tests;

/// <summary>
/// What the commands that look at a server write: to readers that leave, to terminals that obey control characters, and about servers that
/// come and go.
/// </summary>
public class ServeOutputTests
{
    private const int Page = ServeContent.Page;

    [Fact]
    public void A_listing_ends_when_its_reader_leaves()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "256MiB");
        using (ServeClient client = server.Connect())
        {
            byte[] many = [.. Enumerable.Range(0, 8192).SelectMany(_ => ServeContent.Same(7))];
            client.Write(0, many);
            client.Write(many.Length, many);
        }
        foreach ((string command, string shown) in ((string, string)[])
        [
            ("pages", "page,offset,state,storedBytes,codec,settled,idleSeconds"),
            ("top --interval 0.05s", "process"),
        ])
        {
            Command run = Command.RunProcess(
                "bash", ["-c", $"dotnet {Command.Program} {command} --control {server.ControlPath} | head -1; echo ${{PIPESTATUS[0]}}"]);
            string[] lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.StartsWith(shown, lines[0], StringComparison.Ordinal);
            Assert.Equal("141", lines[1]);
            Assert.Empty(run.Error);
        }
        Assert.Equal(16_384, server.Stat().GetProperty("pages").GetInt64());
    }

    [Fact]
    public void Control_characters_in_names_reach_neither_log_nor_terminal()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--export", "red\e[31m\r");
        Command[] runs = [server.Ask("stat"), server.Ask("top", "--count", "1"), server.Ask("compact", "--export", "\e]0;title\a")];
        Assert.All(runs, run => Assert.DoesNotContain(run.Output + run.Error, letter => char.IsControl(letter) && letter != '\n'));
        Assert.Contains("red\\x1b[31m\\r", runs[0].Output, StringComparison.Ordinal);
        Assert.Contains("\\x1b]0;title\\x07 does not exist; the exports are: red\\x1b[31m", runs[2].Error, StringComparison.Ordinal);
        Assert.Contains("red\\x1b[31m\\r", server.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Log, letter => char.IsControl(letter) && letter != '\n');
    }

    [Fact]
    public void No_rate_is_negative_after_the_server_was_restarted()
    {
        ServerReport before = Report(pid: 1, uptime: 100, requests: 1_000_000);
        foreach (ServerReport after in (ServerReport[])[Report(pid: 2, uptime: 200, requests: 5), Report(pid: 1, uptime: 3, requests: 5)])
        {
            StringWriter text = new();
            IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text), Ansi = AnsiSupport.No });
            console.Profile.Width = 200;
            console.Write(DiskView.Render(after, before));
            Assert.Contains("so far", text.ToString(), StringComparison.Ordinal);
            Assert.DoesNotMatch(" -[0-9]", text.ToString());
        }
    }

    private static ServerReport Report(int pid, double uptime, long requests)
    {
        using Disks.RamDisk disk =
            new(new Disks.RamDiskOptions { Length = 1 << 20, Store = new PageStoreOptions { MemoryLimit = 16 << 20 } });
        DiskReport report = DiskReport.Of(new Nbd.NbdExport { Name = "disk", Disk = disk });
        Dictionary<string, ActivityReport> activity = report.Requests.ToDictionary(
            pair => pair.Key, _ => new ActivityReport(requests, requests * Page, 0, 1, 1, 1));
        return new ServerReport { Pid = pid, UptimeSeconds = uptime, EndPoints = [], RefusedConnections = 0, ConnectionBytes = 1,
            ConnectionPeakBytes = 1, ConnectionBytesLimit = 1, ResidentBytes = 1, Exports = [report with { Requests = activity }] };
    }
}
