using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>
/// A name means what it means to the process that was given it: the command of a control socket opens its target itself, and the server
/// opens nothing for others.
/// </summary>
public class ServeNamesTests
{
    private const int Page = ServeContent.Page;
    private const int Size = 4 << 20;

    // Files in place of a log and of data: everything that the server has open is compared before and after.
    private static readonly string[] WithOpenFiles = ["sh", "-c", "exec \"$@\" >server.out 5>>server.log 6<>server.data", "sh"];

    [Fact]
    public void Full_names_need_no_working_directory()
    {
        string[] gone = ["sh", "-c", "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"", "sh"];
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.StartThrough(folder, gone, "--size", $"{Size}");
        Command stat = Command.RunProcess(
            gone[0], [.. gone[1..], "dotnet", Command.Program, "stat", "--control", server.ControlPath], folder: folder.Path);
        Assert.True(stat.ExitCode == 0, $"exit {stat.ExitCode}: {stat.Error}");
        Assert.Contains("4.0 MiB", stat.Output, StringComparison.Ordinal);
        Assert.Equal(0, server.Terminate());
    }

    [Fact]
    public void An_image_goes_to_the_descriptor_of_the_command_and_the_servers_files_are_unchanged()
    {
        using ServeFolder folder = new();
        File.WriteAllText(folder["server.log"], "what was logged");
        File.WriteAllText(folder["server.data"], "what was there");
        using ServeProcess server = ServeProcess.StartThrough(folder, WithOpenFiles, "--size", $"{Size}");
        byte[] disk = Fill(server);
        Dictionary<string, string> before = OpenFiles(server);
        Assert.InRange(before.Count, 3, int.MaxValue);
        File.CreateSymbolicLink(folder["link"], "/dev/stdout");
        foreach (string script in (string[])
        [
            "$snapshot /dev/stdout > image",
            "$snapshot /dev/fd/1 > image",
            "$snapshot /proc/self/fd/1 > image",
            "$snapshot /proc/thread-self/fd/1 >> image",
            "$snapshot link > image",
            "$snapshot - | cat > image",
            "$snapshot /dev/fd/6 6> image",
            "$snapshot >(cat > image) && wait $!",
            "mkfifo pipe && (cat pipe > image & $snapshot pipe && wait $!) && rm pipe",
        ])
        {
            Command run = Shell(folder, server, script);
            Assert.True(run.ExitCode == 0, $"{script}: exit {run.ExitCode}: {run.Error}");
            Assert.True(disk.AsSpan().SequenceEqual(File.ReadAllBytes(folder["image"])), $"{script}: the image differs");
            File.Delete(folder["image"]);
            AssertUntouched(before, server);
        }
        Assert.Empty(Directory.EnumerateFiles(folder.Path, "*pagefold*"));
    }

    [Fact]
    public void Descriptors_that_only_the_server_has_are_refused_as_targets_of_an_image()
    {
        using ServeFolder folder = new();
        File.WriteAllText(folder["server.log"], "what was logged");
        File.WriteAllText(folder["server.data"], "what was there");
        using ServeProcess server = ServeProcess.StartThrough(folder, WithOpenFiles, "--size", $"{Size}");
        Fill(server);
        Dictionary<string, string> before = OpenFiles(server);
        // The program that runs the tests may pass descriptors on to everything that it starts.
        string[] passedOn = Command.RunProcess("ls", ["/proc/self/fd"]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> all = Directory.EnumerateFileSystemEntries($"/proc/{server.Id}/fd").Select(file => Path.GetFileName(file))
            .Except(passedOn).Order().Take(12).Append("5").Append("6");
        Command run = Shell(folder, server,
            $"for n in {string.Join(' ', all)}; do $snapshot /dev/fd/$n; echo \"$?\"; done; $snapshot /proc/{server.Id}/fd/6; echo "
            + $"\"$?\"; $snapshot /proc/{server.Id}/cwd/image; echo \"$?\"");
        string[] exits = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(exits, exit => Assert.Equal("2", exit));
        string[] refusals = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(exits.Length, refusals.Length);
        Assert.All(refusals[..^2], line => Assert.Contains("is not open in this command", line, StringComparison.Ordinal));
        Assert.All(refusals[^2..], line => Assert.Contains("into another process", line, StringComparison.Ordinal));
        AssertUntouched(before, server);
        Assert.False(File.Exists(folder["image"]));
    }

    [Fact]
    public void An_image_in_a_stream_keeps_what_was_written_before_and_after()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{Size}");
        byte[] disk = Fill(server);
        byte[] expected = [.. "head"u8, .. disk, .. "tail"u8];
        foreach (string script in (string[])
        [
            "{ printf head; $snapshot - && printf tail; } > image",
            "{ printf head; $snapshot /dev/stdout && printf tail; } | cat > image",
            "printf head > image; { $snapshot - && printf tail; } >> image",
        ])
        {
            Assert.Equal(0, Shell(folder, server, script).ExitCode);
            Assert.True(expected.AsSpan().SequenceEqual(File.ReadAllBytes(folder["image"])), script);
        }
        // What is not written is a hole there too, and the figures are reported beside it.
        Command run = Shell(folder, server, "$snapshot - --json > image; stat -c '%b %B' image");
        long[] blocks = [.. run.Output.Split(' ').Select(long.Parse)];
        Assert.InRange(blocks[0] * blocks[1], 1, Size / 2);
        Assert.Contains("\"fileBytes\":", run.Error, StringComparison.Ordinal);
        // Existing content beyond the position does not show through holes.
        File.WriteAllBytes(folder["image"], ServeContent.Noise(Size + 100, 3));
        Assert.Equal(0, Shell(folder, server, "$snapshot - 1<> image").ExitCode);
        Assert.True(disk.AsSpan().SequenceEqual(File.ReadAllBytes(folder["image"]).AsSpan(0, Size)));
    }

    [Fact]
    public void A_snapshot_through_a_pipe_is_restored()
    {
        using ServeFolder folder = new();
        byte[] disk;
        using (ServeProcess server = ServeProcess.Start(folder, "--size", $"{Size}"))
        {
            disk = Fill(server);
            Assert.Equal(0, Shell(folder, server, "${snapshot% --raw} - | cat > snapshot").ExitCode);
        }
        using ServeProcess restored = ServeProcess.Start(folder, "--restore", "snapshot");
        using ServeClient reader = restored.Connect();
        Assert.True(disk.AsSpan().SequenceEqual(reader.Read(0, Size)));
    }

    [Fact]
    public void A_target_that_cannot_be_written_is_refused_in_one_line_without_effect()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{Size}");
        Fill(server);
        Directory.CreateDirectory(folder["folder"]);
        File.CreateSymbolicLink(folder["dangling"], "no/where");
        File.WriteAllText(folder["old"], "as it was");
        foreach ((string script, string reason) in ((string, string)[])
        [
            ("$snapshot folder", "is a folder; choose the name of a file"),
            ("$snapshot dangling", $"is a link to {folder["no/where"]}, whose folder does not exist"),
            ($"$snapshot {server.ControlPath}", "is a socket"),
            ("$snapshot /dev/stdin < old", "is open for reading only"),
            ("$snapshot - >&-", "is not open in this command"),
            ("$snapshot /dev/fd/77", "is not open in this command"),
            ("$snapshot /dev/full", "could not be written"),
            ("TMPDIR=/no $snapshot - > new", "set TMPDIR to a folder with room"),
        ])
        {
            Command run = Shell(folder, server, script);
            Assert.True(run.ExitCode == 2, $"{script}: exit {run.ExitCode}: {run.Error}");
            Assert.Contains(reason, Assert.Single(run.Error.Split('\n'), line => line.StartsWith("pagefold: ", StringComparison.Ordinal)),
                StringComparison.Ordinal);
        }
        Command mixed = Shell(folder, server, "$snapshot /dev/stderr 2> told; exec cat told");
        Assert.Contains("is where standard error goes", mixed.Output, StringComparison.Ordinal);
        if (Directory.EnumerateFiles("/dev", "loop*").FirstOrDefault() is { } device
            && !device.EndsWith("control", StringComparison.Ordinal))
            Assert.Contains("is a block device", Shell(folder, server, $"$snapshot {device}").Error, StringComparison.Ordinal);
        Assert.Equal("as it was", File.ReadAllText(folder["old"]));
        Assert.Empty(Directory.EnumerateFiles(folder.Path, "*pagefold*"));
        server.Figures("snapshot", folder["new"]);
    }

    [Fact]
    public void A_reader_that_leaves_ends_the_command_without_a_message()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{Size}");
        Fill(server);
        Command run = Shell(folder, server, "$snapshot - | head -c 10 | wc -c; echo ${PIPESTATUS[0]}");
        Assert.Equal(["10", "141"], run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("pagefold:", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_whose_reader_takes_nothing_can_be_interrupted()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{Size}");
        Fill(server);
        Assert.Equal(0, Command.RunProcess("mkfifo", [folder["pipe"]]).ExitCode);
        Command run = Command.RunProcess(
            "dotnet", [Command.Program, "snapshot", folder["pipe"], "--control", server.ControlPath], process =>
        {
            ServeProcess.Until(() => Command.ListensForInterrupts(process), "signals");
            ServeProcess.Signal("-INT", process.Id);
        });
        Assert.Equal(130, run.ExitCode);
    }

    [Fact]
    public void The_command_writes_with_the_rights_of_its_own_user()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/bin/setpriv"),
            "Two users take root, and setpriv.");
        using ServeFolder folder = new();
        Directory.CreateDirectory(folder["private"]);
        Assert.Equal(0, Command.RunProcess("chmod", ["700", folder["private"]]).ExitCode);
        Assert.Equal(0, Command.RunProcess("chmod", ["777", folder.Path]).ExitCode);
        string[] asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "DOTNET_CLI_HOME=/tmp"];
        Assert.SkipUnless(Command.RunProcess("setpriv", [.. asNobody[1..], "dotnet", Command.Program, "--version"]).ExitCode == 0,
            "Another user cannot run the command here.");
        using ServeProcess server = ServeProcess.StartThrough(folder, asNobody, "--size", $"{Size}", "--keep", folder["kept"]);
        byte[] disk = Fill(server);
        server.Figures("snapshot", folder["private/image"], "--raw");
        Assert.True(disk.AsSpan().SequenceEqual(File.ReadAllBytes(folder["private/image"])));
        Assert.Equal("0:0", OwnerOf(folder["private/image"]));
        // In the other direction, the server's socket is inaccessible for the command.
        using ServeProcess other = ServeProcess.Start(folder, "--size", $"{Size}");
        Command refused = Command.RunProcess(
            "setpriv", [.. asNobody[1..], "dotnet", Command.Program, "stat", "--control", other.ControlPath]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"--control {other.ControlPath} may not be opened", refused.Error, StringComparison.Ordinal);
        Assert.Contains("run the command as the user that serves", refused.Error, StringComparison.Ordinal);
        // The file in which the server keeps its disk must stay the server's.
        Assert.Equal(0, Command.RunProcess("setpriv", [.. asNobody[1..4], "touch", folder["kept"]]).ExitCode);
        server.Figures("snapshot", folder["kept"]);
        Assert.Equal("65534:65534", OwnerOf(folder["kept"]));

        static string OwnerOf(string file) => Command.RunProcess("stat", ["-c", "%u:%g", file]).Output.Trim();
    }

    [Fact]
    public void A_server_with_other_folders_saves_to_those_of_the_command()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess
            && Command.RunProcess("unshare", ["-m", "true"]).ExitCode == 0, "Another view of the file system takes root.");
        using ServeFolder folder = new();
        Directory.CreateDirectory(folder["hidden"]);
        using ServeProcess server = ServeProcess.StartThrough(
            folder, ["unshare", "-m", "sh", "-c", "mount -t tmpfs none hidden && exec \"$@\"", "sh"], "--size", $"{Size}");
        byte[] disk = Fill(server);
        server.Figures("snapshot", folder["hidden/image"], "--raw");
        Assert.True(disk.AsSpan().SequenceEqual(File.ReadAllBytes(folder["hidden/image"])));
    }

    [Fact]
    public void Without_room_the_old_file_stays_and_the_line_has_the_remedy()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess
            && Command.RunProcess("unshare", ["-m", "true"]).ExitCode == 0, "A small file system takes root.");
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{Size}");
        Fill(server);
        Directory.CreateDirectory(folder["small"]);
        Command run = Shell(folder, server,
            "export snapshot; unshare -m sh -c 'mount -t tmpfs -o size=64k none small && echo -n \"as it was\" > small/old && $snapshot "
            + "small/old; echo $?; cat small/*'");
        Assert.Equal("2\nas it was", run.Output);
        Assert.Contains("there is no new file, and one that was there is as it was. Make room there, or choose another file", run.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_old_command_and_an_old_server_are_refused()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{Size}");
        using Socket old = server.ConnectToControl();
        old.Send(Encoding.UTF8.GetBytes($"{{\"command\":\"snapshot\",\"path\":\"{folder["image"]}\",\"raw\":true}}\n"));
        using StreamReader answer = new(new NetworkStream(old));
        Assert.Contains("version 1 of the control protocol, and the server version 2", answer.ReadToEnd(), StringComparison.Ordinal);
        Assert.False(File.Exists(folder["image"]));

        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder["old"]));
        listener.Listen();
        Task answering = Task.Factory.StartNew(
            () =>
            {
                using Socket client = listener.Accept();
                client.Receive(new byte[4096]);
                client.Send("{\"error\":\"a snapshot needs a file.\",\"exitCode\":2}\n"u8);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        folder.AssertRefused(["snapshot", folder["image"], "--control", folder["old"]],
            "the server speaks version 1 of the control protocol, and this command version 2", "use the pagefold that serves");
        Assert.True(answering.Wait(ServeProcess.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_command_that_reads_nothing_is_disconnected()
    {
        using ServeFolder folder = new();
        (Socket client, Socket server) = ConnectedPair(folder);
        using (client)
        using (server)
        {
            ControlReplies replies = new(server);
            using SnapshotStream output = new(replies, TimeSpan.FromMilliseconds(50));
            byte[] block = new byte[1 << 20];
            IOException left = Assert.ThrowsAny<IOException>(() =>
            {
                for (long offset = 0; offset < 1L << 30; offset += block.Length)
                    output.Write(offset, block);
            });
            Assert.Contains("took nothing", left.Message, StringComparison.Ordinal);
            // The last line would have to wait without limit, and would be taken for bytes of the snapshot.
            Task last = Task.Factory.StartNew(
                () => replies.Tell(new ControlReply { Error = "left" }), CancellationToken.None, TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            await Assert.ThrowsAnyAsync<IOException>(() => last.WaitAsync(ServeProcess.Patience, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task A_command_that_reads_nothing_is_disconnected_while_progress_is_reported()
    {
        using ServeFolder folder = new();
        (Socket client, Socket server) = ConnectedPair(folder);
        using (client)
        using (server)
        {
            server.Blocking = false;
            SocketError error;
            do
                _ = server.Send(new byte[1], 0, 1, SocketFlags.None, out error);
            while (error == SocketError.Success);
            server.Blocking = true;
            ControlProgress progress = new(new ControlReplies(server), TimeSpan.FromMilliseconds(50));
            Task told = Task.Factory.StartNew(
                () => progress.Report(0.5), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await Assert.ThrowsAnyAsync<IOException>(() => told.WaitAsync(ServeProcess.Patience, TestContext.Current.CancellationToken));
        }
    }

    private static (Socket Client, Socket Server) ConnectedPair(ServeFolder folder)
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder["s"]));
        listener.Listen();
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(folder["s"]));
        return (client, listener.Accept());
    }

    private static Command Shell(ServeFolder folder, ServeProcess server, string script) => Command.RunProcess(
        "bash", ["-c", $"snapshot='dotnet {Command.Program} snapshot --control {server.ControlPath} --raw'; {script}"],
        folder: folder.Path, meanwhile: process =>
        {
            if (!process.WaitForExit(ServeProcess.Patience))
                process.Kill(entireProcessTree: true);
        });

    /// <summary>Writes at several places and returns the content of the disk.</summary>
    private static byte[] Fill(ServeProcess server)
    {
        using ServeClient client = server.Connect();
        client.Write(5 * Page, ServeContent.Text(40 * Page, 1));
        client.Write(Size / 2, ServeContent.Noise(300_000, 2));
        client.Write(Size - Page, ServeContent.Same(7));
        return client.Read(0, Size);
    }

    // The runtime opens more libraries over time.
    private static void AssertUntouched(Dictionary<string, string> before, ServeProcess server)
    {
        Dictionary<string, string> after = OpenFiles(server);
        Assert.All(before, file => Assert.Equal(file.Value, after[file.Key]));
    }

    /// <summary>Reads every file that a server has open.</summary>
    private static Dictionary<string, string> OpenFiles(ServeProcess server)
    {
        Dictionary<string, string> files = [];
        foreach (string descriptor in Directory.EnumerateFileSystemEntries($"/proc/{server.Id}/fd"))
        {
            if (new FileInfo(descriptor).LinkTarget is { } target && File.Exists(target)
                && !target.StartsWith("/dev/", StringComparison.Ordinal) && !target.StartsWith("/proc/", StringComparison.Ordinal))
                files[target] = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(target)));
        }
        return files;
    }
}
