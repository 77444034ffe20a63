using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>The control socket: commands refuse bad input, and clients that misbehave do not affect the server.</summary>
public class ServeControlTests
{
    private const int Page = ServeContent.Page;

    [Fact]
    public void Without_a_server_every_command_reports_that_no_server_answers()
    {
        using ServeFolder folder = new();
        string[][] commands = [["stat"], ["top"], ["pages"], ["snapshot", "x"], ["compact"], ["recompress"], ["writeback"]];
        foreach (string[] command in commands)
        {
            folder.AssertRefused(
                [.. command, "--control", folder["none"]], $"--control {folder["none"]}: no server answers there",
                "give the path that 'pagefold serve' said");
        }
        folder.AssertRefused(["stat"], "--control is missing; write --control PATH: ");
        folder.AssertRefused(["stat", "--control", ""], "--control needs a path");
        folder.AssertRefused(["stat", "--control", folder["no/s"]], $"--control {folder["no/s"]} lies in a folder that does not exist");
    }

    [Fact]
    public void A_server_of_another_kind_is_recognized()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.StartAlone(folder, "--size", "1MiB");
        string known = $"its control socket is {server.ControlPath}.";
        foreach (string[] command in (string[][])[["stat"], ["top"], ["snapshot", "x"]])
            folder.AssertRefused([.. command, "--control", server.SocketPath], $"--control {server.SocketPath} is the socket of a disk",
                known);
        using ServeProcess elsewhere = ServeProcess.Start(folder, "--size", "1MiB", "--control", folder["elsewhere"]);
        folder.AssertRefused(["stat", "--control", elsewhere.SocketPath], "is the socket of a disk",
            "give the control socket, as 'pagefold serve' said");
        folder.AssertRefused(["stat", "--export", "none", "--control", server.ControlPath], "--export none does not exist",
            "leave --export out");
        // A killed server leaves its socket behind.
        server.Kill();
        folder.AssertRefused(
            ["stat", "--control", server.ControlPath], $"--control {server.ControlPath}: no server answers there", "refused",
            "give the path that 'pagefold serve' said");
    }

    [Fact]
    public void A_client_that_waits_for_a_greeting_is_reported()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sockets are Unix's.");
        using ServeFolder folder = new();
        List<string> told = [];
        DiskOperations nothing = new(null!, []);
        using ControlServer server = new(folder["c"], nothing, line => told.Add(line), TimeSpan.FromMilliseconds(1));
        server.Start();
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(folder["c"]));
        while (client.Receive(new byte[256]) > 0)
        {
            // The answer says that there was no request.
        }
        Assert.Contains("NBD clients", Assert.Single(told), StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_input_of_the_commands_is_refused_and_changes_nothing()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--export", "a,size=1MiB", "--export", "b,size=1MiB");
        Directory.CreateDirectory(folder["folder"]);
        using ServeClient client = server.Connect("a");
        client.Write(0, ServeContent.Text(4 * Page, 1));
        Refused(["stat", "--export", "c"], "--export c does not exist", "a, b");
        Refused(["compact"], "several exports", "--export", "a, b");
        Refused(["snapshot", folder["x"], "--export", "c"], "--export c does not exist", "a, b");
        Refused(["snapshot", folder["folder"], "--export", "a"], folder["folder"], "choose the name of a file");
        Refused(["snapshot", folder["no/x"], "--export", "a"], folder["no"], "folder");
        Refused(["snapshot", folder["no/x"], "--export", "a", "--raw"], folder["no"], "folder");
        Refused(["snapshot", "", "--export", "a"], "the name of the file is empty", "name one");
        Refused(["recompress", "--export", "a", "--codec", "zip"], "--codec zip does not exist", "zstd:9");
        Refused(["recompress", "--export", "a", "--codec", "zstd:40"], "--codec zstd:40 has no possible level (40)", "zstd:9");
        Refused(["recompress", "--export", "a", "--codec", "fold:dense", "--train", "65KiB"],
            "1.0 KiB to 64.0 KiB (1024 to 65536 bytes)");
        Refused(["recompress", "--export", "a", "--count", "0"], "--count 0", "1 or more");
        Refused(["recompress", "--export", "a", "--codec", "lz4", "--train"],
            "--train goes with --codec fold:dense, fold and zstd only; lz4 has");
        Refused(["recompress", "--export", "a", "--codec", "zstd", "--train"], "--train: too few pages are stored", "store more");
        Refused(["recompress", "--export", "a", "--codec", "zstd", "--train", "12"], "--train 12 is not possible", "1024 to 1048576");
        Refused(["recompress", "--export", "a", "--codec", "zstd", "--train", "1GiB"],
            "--train 1GiB is not possible", "1.0 KiB to 1.0 MiB");
        Refused(["recompress", "--export", "a", "--codec", "zstd", "--train", "big"], "--train big", "1.0 KiB to 1.0 MiB");
        Refused(["recompress", "--export", "a", "--idle", "long"], "--idle long is no time", "90s");
        Refused(["recompress", "--export", "a", "--count", "-1"], "--count", "-1");
        Refused(["writeback", "--export", "a"], "no writeback file", "--writeback FILE");
        Refused(["writeback", "--export", "a", "--most", "0"], "--most 0", "512MiB");
        Refused(["pages", "--export", "a", "--from", "x"], "--from x", "choose 0 to");
        Refused(["top", "--interval", "0s"], "--interval 0s is too short", "90s");
        Refused(["top", "--interval", "0"], "--interval 0 is too short", "1s");
        Refused(["top", "--count", "0"], "--count 0", "1 or more");
        Refused(["stat", "--json", folder["no/report"]], "--json", folder["no/report"]);
        Assert.False(server.HasExited, server.Log);
        Assert.Equal(2, server.Figures("stat").GetProperty("exports").GetArrayLength());

        void Refused(string[] arguments, params string[] expected) =>
            folder.AssertRefused([.. arguments, "--control", server.ControlPath], expected);
    }

    [Fact]
    public void A_threshold_that_no_page_reaches_chooses_no_page()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Text(16 * Page, 1));
        Assert.Equal(0, server.Figures("recompress", "--at-least", "4GiB").GetProperty("pagesRecompressed").GetInt64());
        Assert.Contains("there was nothing to recompress", server.Ask("recompress", "--at-least", "4GiB").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_gained_nothing_before_is_tried_again_when_asked_for()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "16MiB", "--codec", "fold");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Letters(1 << 20, 1));
        Assert.Equal(0, Recompressed("--codec", "lz4"));
        Assert.Equal(0, Recompressed("--codec", "fold:dense"));
        Assert.Contains("(--retry)", server.Ask("recompress", "--codec", "fold:dense").Error, StringComparison.Ordinal);
        Assert.NotEqual(0, Recompressed("--codec", "fold:dense", "--retry"));

        long Recompressed(params string[] arguments) =>
            server.Figures(["recompress", .. arguments]).GetProperty("pagesRecompressed").GetInt64();
    }

    [Fact]
    public void Training_every_night_is_not_refused_and_old_dictionaries_are_freed()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--codec", "lz4");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Text(64 * Page, 1));
        // A disk knows four codecs.
        for (int night = 0; night < 5; night++)
        {
            client.Write(night * 8 * Page, ServeContent.Text(8 * Page, 100 + night));
            JsonElement result = server.Figures("recompress", "--codec", "zstd:1", "--train", "2KiB");
            Assert.Equal(night == 0 ? 0 : 1, result.GetProperty("codecsRetired").GetInt32());
            Assert.Equal(0, result.GetProperty("pagesNotMoved").GetInt32());
        }
        Assert.Equal(2, server.Stat().GetProperty("codecs").GetArrayLength());
        Assert.Equal(ServeContent.Text(8 * Page, 104), client.Read(4 * 8 * Page, 8 * Page));
        Assert.DoesNotContain(",,0", server.Ask("pages").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Five_codecs_in_turn_gain_or_keep_and_the_figures_match_the_disk()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "4MiB");
        using ServeClient client = server.Connect();
        byte[] content = ServeContent.Text(256 * Page, 1);
        for (int run = 0; run < 10; run++)
        {
            // The next codec finds pages that no other codec has recompressed.
            int first = run % 4 * 64 * Page;
            client.Write(first, content.AsSpan(first, 64 * Page).ToArray());
            long before = server.Stat().GetProperty("compressedBytes").GetInt64();
            JsonElement result = server.Figures("recompress", "--codec", $"zstd:{1 + run % 5}");
            JsonElement disk = server.Stat();
            long after = disk.GetProperty("compressedBytes").GetInt64();
            Assert.Equal((before, after), (result.GetProperty("bytesBefore").GetInt64(), result.GetProperty("bytesAfter").GetInt64()));
            Assert.InRange(after, 1, before);
            Assert.Equal(disk.GetProperty("totalBytes").GetInt64(), result.GetProperty("totalBytes").GetInt64());
        }
        Assert.Equal(content, client.Read(0, content.Length));
    }

    [Fact]
    public void A_disk_that_grows_because_a_denser_codec_is_retired_is_reported()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "4MiB");
        using ServeClient client = server.Connect();
        byte[] content = ServeContent.Text(256 * Page, 1);
        client.Write(0, content);
        // The densest codec has the fewest pages. A page that gains nothing counts as one of the requested pages.
        foreach ((string codec, int pages) in ((string, int)[])[("zstd:19", 32), ("zstd:1", 128), ("zstd:2", 256)])
            server.Figures("recompress", "--codec", codec, "--count", $"{pages}");
        long before = server.Stat().GetProperty("compressedBytes").GetInt64();
        Command run = server.Ask("recompress", "--codec", "zstd:3", "--at-least", "4GiB", "--json");
        long after = server.Stat().GetProperty("compressedBytes").GetInt64();
        Assert.Equal(1, run.Json.GetProperty("codecsRetired").GetInt32());
        Assert.Equal((before, after), (run.Json.GetProperty("bytesBefore").GetInt64(), run.Json.GetProperty("bytesAfter").GetInt64()));
        Assert.True(after > before, $"{before} bytes became {after}");
        Assert.Contains("what is stored has grown by ", run.Error, StringComparison.Ordinal);
        Assert.Contains(" 32 pages of a codec that was retired take more", run.Error, StringComparison.Ordinal);
        Assert.Equal(content, client.Read(0, content.Length));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public void An_interrupted_listing_is_reported_although_its_reader_takes_nothing(string signal)
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB");
        // A full pipe whose only reader is the command's own descriptor.
        string full = "mkfifo \"$1\"; exec 3<>\"$1\"; dd if=/dev/zero bs=4096 oflag=nonblock of=\"$1\" 2>/dev/null;";
        Command run = Command.RunProcess(
            "bash", ["-c", $"{full} exec dotnet \"$0\" pages --control \"$2\" >&3", Command.Program, folder["full"], server.ControlPath],
            process =>
            {
                ServeProcess.Until(() => process.HasExited || WaitsForReader(process.Id), "a command that writes to a pipe");
                ServeProcess.Signal($"-{signal}", process.Id);
                if (!process.WaitForExit(ServeProcess.Patience))
                    process.Kill();
            });
        Assert.True(run.ExitCode == 130, $"exit {run.ExitCode}: {run.Error}");
        string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(
            "pagefold: interrupted while a pipe or a file system kept it waiting; what was written until then is not complete.", line);
    }

    [Fact]
    public void A_server_that_does_not_answer_is_reported_while_the_command_waits()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB");
        ProcessStartInfo start = Command.Prepare("dotnet", [Command.Program, "stat", "--control", server.ControlPath], folder["."]);
        start.RedirectStandardOutput = true;
        ServeProcess.Signal("-STOP", server.Id);
        using Process process = Process.Start(start)!;
        string? line = process.StandardError.ReadLine();
        ServeProcess.Signal("-CONT", server.Id);
        Assert.Contains("disk", process.StandardOutput.ReadToEnd(), StringComparison.OrdinalIgnoreCase);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.StartsWith($"pagefold: --control {server.ControlPath}: the server has not answered for ", line, StringComparison.Ordinal);
        Assert.Empty(process.StandardError.ReadToEnd());
    }

    [Fact]
    public void A_path_that_is_no_socket_is_distinguished_from_a_server_that_has_ended()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the system says only that it is refused.");
        using ServeFolder folder = new();
        File.WriteAllText(folder["file"], "a note");
        foreach (string[] command in (string[][])[["stat"], ["top"], ["snapshot", folder["new"]], ["pages"]])
        {
            folder.AssertRefused([.. command, "--control", folder["file"]], $"--control {folder["file"]} is no socket",
                "give the path of the control socket that 'pagefold serve' said");
            folder.AssertRefused([.. command, "--control", folder.Path], $"--control {folder.Path} is a folder");
        }
    }

    [Fact]
    public void The_name_of_a_snapshot_leaves_room_for_its_temporary_suffix()
    {
        using ServeFolder folder = new();
        folder.AssertRefused(["snapshot", folder[new string('k', 239)], "--control", folder["c"]],
            "the name is too long; choose one of at most 238 bytes, so that .pagefold-partial can be appended");
    }

    [Fact]
    public void A_meaningless_request_gets_an_answer()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--writeback", folder["w"]);
        foreach (string request in (string[])
        [
            "garbage\n",
            "\n",
            "null\n",
            "[]\n",
            "{}\n",
            "{\"version\":2,\"command\":17}\n",
            "{\"version\":2,\"command\":null}\n",
            "{\"version\":2,\"command\":\"format\"}\n",
            "{\"version\":2,\"command\":\"snapshot\",\"export\":\"none\"}\n",
            "{\"version\":2,\"command\":\"snapshot\",\"heldMark\":\"\"}\n",
            "{\"version\":2,\"command\":\"snapshot\",\"raw\":true,\"heldMark\":\"\\u0000\"}\n",
            "{\"version\":3,\"command\":\"stat\"}\n",
            "{\"command\":\"stat\"}\n",
            "{\"version\":2,\"command\":\"pages\",\"from\":-5,\"count\":-5}\n",
            "{\"version\":2,\"command\":\"pages\",\"from\":9223372036854775807}\n",
            "{\"version\":2,\"command\":\"recompress\",\"codec\":\"zstd:x\"}\n",
            "{\"version\":2,\"command\":\"recompress\",\"idleSeconds\":1e300}\n",
            "{\"version\":2,\"command\":\"recompress\",\"idleSeconds\":-1}\n",
            "{\"version\":2,\"command\":\"recompress\",\"minStoredBytes\":-1,\"count\":-1}\n",
            "{\"version\":2,\"command\":\"writeback\",\"maxBytes\":-1}\n",
            "{\"version\":2,\"command\":\"stat\"",
            "\u00ff\u0000\u0001\n",
        ])
        {
            using Socket socket = server.ConnectToControl();
            using StreamReader reader = new(new NetworkStream(socket));
            socket.Send(Encoding.Latin1.GetBytes(request));
            // A client that has closed its side is gone for the server, but an incomplete line must end.
            if (!request.EndsWith('\n'))
                socket.Shutdown(SocketShutdown.Send);
            string[] lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(lines.Length > 0, $"no answer to {request}");
            JsonElement reply = JsonDocument.Parse(lines[^1]).RootElement;
            Assert.True(reply.TryGetProperty("error", out _) || reply.TryGetProperty("result", out _), lines[^1]);
        }
        AssertServes(server);
    }

    [Fact]
    public void A_client_that_sends_too_much_or_too_little_or_leaves_is_disconnected()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "256MiB");
        using ServeClient client = server.Connect();
        byte[] page = ServeContent.Text(Page, 1);
        client.Write(0, [.. Enumerable.Range(0, 8192).SelectMany(_ => page)]);
        using Socket silent = server.ConnectToControl();
        silent.Send("{\"comm"u8);
        using Socket long_ = server.ConnectToControl();
        AssertLetGo(long_, new byte[70_000]);
        // During an answer, during work, and while idle.
        for (int round = 0; round < 10; round++)
        {
            foreach (string request in (string[])
            [
                "{\"version\":2,\"command\":\"pages\"}\n",
                "{\"version\":2,\"command\":\"recompress\",\"codec\":\"zstd:19\"}\n",
                "{\"version\":2,\"command\":\"snapshot\"}\n",
                "{",
                "",
            ])
            {
                using Socket socket = server.ConnectToControl();
                socket.Send(Encoding.UTF8.GetBytes(request));
                if (round % 2 == 0 && request.Contains("pages", StringComparison.Ordinal))
                    socket.Receive(new byte[1]);
            }
        }
        AssertServes(server);
        // The server waits for the silent client, but not without limit.
        AssertLetGo(silent, []);
        ServeProcess.Until(() => server.Ask("snapshot", folder["after"]).ExitCode == 0, "the end of a snapshot whose client is gone");
        AssertServes(server);
    }

    [Fact]
    public void Too_many_clients_do_not_block_others_for_long()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB");
        List<Socket> crowd = [.. Enumerable.Range(0, 60).Select(_ => server.ConnectToControl())];
        using (ServeClient client = server.Connect())
            client.Write(0, ServeContent.Same(1));
        crowd.ForEach(socket => socket.Dispose());
        ServeProcess.Until(() => server.Ask("stat", "--json").ExitCode == 0, "an answer");
        AssertServes(server);
    }

    private static void AssertLetGo(Socket socket, byte[] bytes)
    {
        try
        {
            socket.Send(bytes);
            while (socket.Receive(new byte[4096]) > 0)
                continue;
        }
        catch (SocketException e)
        {
            Assert.True(e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown, e.Message);
        }
    }

    private static void AssertServes(ServeProcess server)
    {
        Assert.False(server.HasExited, server.Log);
        using ServeClient client = server.Connect();
        client.Write(7 * Page, ServeContent.Numbered(5));
        Assert.Equal(5, ServeContent.NumberOf(client.Read(7 * Page, Page)));
        Assert.InRange(server.Stat().GetProperty("pages").GetInt64(), 1, long.MaxValue);
    }

    /// <summary>True if a thread waits in a write to a pipe, or if the kernel does not report that.</summary>
    private static bool WaitsForReader(int process)
    {
        try
        {
            string[] calls = [.. Directory.EnumerateDirectories($"/proc/{process}/task")
                .Select(task => File.ReadAllText(Path.Combine(task, "wchan")))];
            return Array.Exists(calls, call => call.EndsWith("pipe_write", StringComparison.Ordinal))
                || calls.Length > 8 && Array.TrueForAll(calls, call => call == "0");
        }
        catch (IOException)
        {
            // A thread has ended meanwhile.
            return false;
        }
    }
}
