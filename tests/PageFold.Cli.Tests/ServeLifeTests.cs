using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>The life of <c>pagefold serve</c> and the commands that query and control it.</summary>
public class ServeLifeTests
{
    private const int Page = ServeContent.Page;

    [Fact]
    public void Stat_reports_what_was_written_and_pages_lists_it()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB", "--memory-limit", "32MiB");
        using ServeClient client = server.Connect();
        Assert.Equal(64 << 20, client.Size);
        client.Write(3 * Page, ServeContent.Text(Page, 1));
        client.Write(5 * Page, ServeContent.Same(7));
        client.Write(7 * Page, ServeContent.Noise(2 * Page, 2));
        client.Trim(8 * Page, Page);
        Assert.Equal(ServeContent.Text(Page, 1), client.Read(3 * Page, Page));
        JsonElement report = server.Figures("stat");
        Assert.Equal(server.Id, report.GetProperty("pid").GetInt32());
        Assert.Equal(server.SocketPath, Assert.Single(report.GetProperty("endPoints").EnumerateArray()).GetString());
        JsonElement disk = Assert.Single(report.GetProperty("exports").EnumerateArray());
        foreach ((string figure, long expected) in ((string, long)[])
        [
            ("size", 64 << 20), ("pageSize", Page), ("pages", 3), ("originalBytes", 3 * Page), ("sameFilledPages", 1),
            ("incompressiblePages", 1), ("memoryLimit", 32 << 20), ("connections", 1), ("refusedWrites", 0), ("outOfSpaceErrors", 0),
            ("writtenBackPages", 0),
        ])
            Assert.True(expected == disk.GetProperty(figure).GetInt64(), $"{figure} is {disk.GetProperty(figure)}");
        Assert.InRange(disk.GetProperty("compressedBytes").GetInt64(), Page + 1, 2 * Page - 1);
        Assert.Equal(
            disk.GetProperty("totalBytes").GetInt64(),
            disk.GetProperty("poolBytes").GetInt64() + disk.GetProperty("tableBytes").GetInt64());
        (string, long, long)[] activities = [("write", 3, 4 * Page), ("trim", 1, Page), ("read", 1, Page), ("flush", 0, 0)];
        foreach ((string command, long requests, long bytes) in activities)
        {
            JsonElement activity = disk.GetProperty("requests").GetProperty(command);
            Assert.Equal(requests, activity.GetProperty("requests").GetInt64());
            Assert.Equal(bytes, activity.GetProperty("bytes").GetInt64());
            Assert.Equal(0, activity.GetProperty("errors").GetInt64());
        }

        string[] lines = server.Ask("pages").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("page,offset,state,storedBytes,codec,settled,idleSeconds", lines[0]);
        Assert.Equal(
            ["3,12288,compressed", "5,20480,same-filled", "7,28672,incompressible"],
            lines.Skip(1).Select(line => string.Join(',', line.Split(',').Take(3))));
        Assert.Equal(["fold", "", ""], lines.Skip(1).Select(line => line.Split(',')[4]));
        Assert.Equal(
            disk.GetProperty("compressedBytes").GetInt64(),
            lines.Skip(1).Sum(line => long.Parse(line.Split(',')[3], CultureInfo.InvariantCulture)));
        Assert.StartsWith("5,", server.Ask("pages", "--from", "4", "--count", "1").Output.Split('\n')[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Stat_and_top_show_the_disk()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--export", "logs,size=1MiB", "--export", "photos,size=2MiB,read-only");
        Command stat = server.Ask("stat");
        Assert.Equal(0, stat.ExitCode);
        Assert.All(
            (string[])["'logs': 1.0 MiB", "'photos': 2.0 MiB", "read-only", "Held", "none yet"],
            part => Assert.Contains(part, stat.Output, StringComparison.Ordinal));
        Command top = server.Ask("top", "--count", "2", "--interval", "0.1s", "--export", "logs");
        Assert.Equal(0, top.ExitCode);
        Assert.Equal(3, top.Output.Split("'logs'").Length);
        Assert.DoesNotContain("photos", top.Output, StringComparison.Ordinal);
        using ServeClient photos = server.Connect("photos");
        Assert.Equal(ServeClient.NotPermitted, photos.TryWrite(0, ServeContent.Same(1)));
    }

    [Fact]
    public void Compaction_gives_memory_back_and_changes_nothing_on_the_disk()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB");
        using ServeClient client = server.Connect();
        byte[] content = ServeContent.Text(8 << 20, 1);
        client.Write(0, content);
        Random random = new(2);
        for (int page = 0; page < content.Length / Page; page++)
        {
            if (random.Next(2) == 0)
                continue;
            client.Trim((long)page * Page, Page);
            content.AsSpan(page * Page, Page).Clear();
        }
        JsonElement result = server.Figures("compact");
        Assert.Equal(server.Stat().GetProperty("totalBytes").GetDouble(), result.GetProperty("totalBytes").GetDouble());
        Assert.Equal(
            0,
            server.Stat().GetProperty("classes").EnumerateArray().Sum(sizeClass => sizeClass.GetProperty("reclaimableFrames").GetInt64()));
        Assert.Equal(content, client.Read(0, content.Length));
    }

    [Fact]
    public void A_trained_recompression_is_denser_and_used_for_writes_on_request()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB");
        using ServeClient client = server.Connect();
        byte[] content = ServeContent.Text(8 << 20, 1);
        client.Write(0, content);
        long before = server.Stat().GetProperty("compressedBytes").GetInt64();
        JsonElement result = server.Figures("recompress", "--codec", "zstd:9", "--train", "--for-writes");
        JsonElement disk = server.Stat();
        Assert.Equal(content.Length / Page, result.GetProperty("pagesRecompressed").GetInt64());
        Assert.Equal(before, result.GetProperty("bytesBefore").GetInt64());
        Assert.Equal(disk.GetProperty("compressedBytes").GetInt64(), result.GetProperty("bytesAfter").GetInt64());
        Assert.InRange(disk.GetProperty("compressedBytes").GetInt64(), 1, before - 1);
        JsonElement used = Assert.Single(disk.GetProperty("codecs").EnumerateArray(), codec => codec.GetProperty("forWrites").GetBoolean());
        Assert.Equal("zstd", used.GetProperty("name").GetString());
        Assert.Equal((9, 32 << 10), (used.GetProperty("level").GetInt32(), used.GetProperty("dictionaryBytes").GetInt32()));
        Assert.Contains("zstd:9 with 32", server.Ask("stat").Output, StringComparison.Ordinal);
        client.Write(8 << 20, content);
        JsonElement forWrites = server.Stat().GetProperty("codecs").EnumerateArray()
            .Single(codec => codec.GetProperty("forWrites").GetBoolean());
        Assert.Equal(2 * content.Length / Page, forWrites.GetProperty("pages").GetInt64());
        Assert.Equal(content, client.Read(0, content.Length));
        Assert.Equal(content, client.Read(8 << 20, content.Length));
    }

    [Fact]
    public void Tables_trained_on_the_disk_are_used_for_its_idle_pages_too_and_kept_only_where_they_gain()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB", "--codec", "auto", "--idle", "1s");
        using ServeClient client = server.Connect();
        Command few = server.Ask("recompress", "--codec", "fold:dense", "--train");
        Assert.Equal(0, few.ExitCode);
        Assert.Contains("nothing was trained: no page meets the conditions", few.Error, StringComparison.Ordinal);
        byte[] content = ServeContent.Letters(4 << 20, 1);
        client.Write(0, content);
        Command run = server.Ask("recompress", "--codec", "fold:dense", "--train", "--json");
        // The phases in their order, each once, and no share of them that depends on the clock. One that ends at once is not shown.
        string[] phases = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(phases.Length, 1, 2);
        Assert.Equal(((string[])["Training tables ...", "Recompressing ..."])[..phases.Length], phases);
        Assert.Equal(("kept", JsonValueKind.Null),
            (run.Json.GetProperty("trained").GetString(), run.Json.GetProperty("notTrained").ValueKind));
        JsonElement result = run.Json;
        Assert.InRange(result.GetProperty("bytesAfter").GetInt64(), 1, result.GetProperty("bytesBefore").GetInt64() - 1);
        JsonElement trained = Trained();
        Assert.Equal(("fold", 1), (trained.GetProperty("name").GetString(), trained.GetProperty("level").GetInt32()));
        Assert.Equal(content.Length / Page, trained.GetProperty("pages").GetInt64());
        Assert.Matches($"fold:dense with [0-9.]+ KiB of\\s+tables: {content.Length / Page:N0}", Flat(server.Ask("stat").Output));
        client.Write(4 << 20, content);
        ServeProcess.Until(() => Trained().GetProperty("pages").GetInt64() == 2 * content.Length / Page, "recompression");
        Assert.Equal(content, client.Read(0, content.Length));
        Assert.Equal(content, client.Read(4 << 20, content.Length));

        static string Flat(string text) => System.Text.RegularExpressions.Regex.Replace(text, @"[\s│]+", " ");

        JsonElement Trained() => server.Stat().GetProperty("codecs").EnumerateArray()
            .Single(codec => codec.GetProperty("dictionaryBytes").GetInt32() > 0);
    }

    [Fact]
    public void Trained_tables_are_used_again_after_a_restart()
    {
        using ServeFolder folder = new();
        string[] options = ["--size", "64MiB", "--codec", "fold", "--keep", folder["kept"]];
        byte[] content = ServeContent.Letters(4 << 20, 1);
        using (ServeProcess first = ServeProcess.Start(folder, options))
        {
            using (ServeClient client = first.Connect())
                client.Write(0, content);
            first.Figures("recompress", "--codec", "fold:dense", "--train");
            Assert.Equal(0, first.Terminate());
        }
        using ServeProcess second = ServeProcess.Start(folder, options);
        using ServeClient again = second.Connect();
        again.Write(4 << 20, content);
        Assert.Equal(content.Length / Page,
            second.Figures("recompress", "--codec", "fold:dense").GetProperty("pagesRecompressed").GetInt64());
        JsonElement trained = second.Stat().GetProperty("codecs").EnumerateArray()
            .Single(codec => codec.GetProperty("dictionaryBytes").GetInt32() > 0);
        Assert.Equal(2 * content.Length / Page, trained.GetProperty("pages").GetInt64());
        Assert.Equal(content, again.Read(0, content.Length));
    }

    [Theory]
    [InlineData("fold:dense", "--codec", "auto")]
    [InlineData("zstd", "--codec", "auto", "--recompress", "zstd:1")]
    public void Auto_writes_with_fold_and_compresses_idle_pages_again_with_the_dense_level_or_a_named_codec(
        string denser, params string[] options)
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, ["--size", "64MiB", "--idle", "1s", .. options]);
        using ServeClient client = server.Connect();
        byte[] content = ServeContent.Text(1 << 20, 1);
        client.Write(0, content);
        ServeProcess.Until(() => Pages().GetValueOrDefault(denser) == content.Length / Page, "recompression");
        Assert.Contains($"pages not used for 1s are compressed again with {denser}", server.Log, StringComparison.Ordinal);
        Assert.Contains(" pages, fold (PageFold", server.Log, StringComparison.Ordinal);
        JsonElement forWrites = server.Stat().GetProperty("codecs").EnumerateArray()
            .Single(codec => codec.GetProperty("forWrites").GetBoolean());
        Assert.Equal(("fold", 0), (forWrites.GetProperty("name").GetString(), forWrites.GetProperty("level").GetInt32()));
        Assert.Equal(content, client.Read(0, content.Length));

        Dictionary<string, int> Pages() => server.Ask("pages").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .GroupBy(line => line.Split(',')[4]).ToDictionary(group => group.Key, group => group.Count());
    }

    [Fact]
    public void Without_auto_fold_does_not_recompress()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--codec", "fold");
        Assert.DoesNotContain("compressed again", server.Log, StringComparison.Ordinal);
        JsonElement codec = Assert.Single(server.Stat().GetProperty("codecs").EnumerateArray());
        Assert.Equal("fold", codec.GetProperty("name").GetString());
    }

    [Fact]
    public void Pages_written_back_leave_memory_and_are_read_from_the_file()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(
            folder, "--size", "64MiB", "--writeback", folder["pages"], "--writeback-size", "64MiB");
        using ServeClient client = server.Connect();
        byte[] content = [.. ServeContent.Text(4 << 20, 1), .. ServeContent.Noise(4 << 20, 2)];
        client.Write(0, content);
        long before = server.Stat().GetProperty("totalBytes").GetInt64();
        JsonElement raw = server.Figures("writeback", "--incompressible");
        Assert.Equal(1024, raw.GetProperty("pagesWrittenBack").GetInt64());
        JsonElement all = server.Figures("writeback");
        Assert.Equal(1024, all.GetProperty("pagesWrittenBack").GetInt64());
        JsonElement disk = server.Stat();
        Assert.Equal(2048, disk.GetProperty("writtenBackPages").GetInt64());
        // No page is left in memory that would have to be subtracted.
        Assert.Equal(JsonValueKind.Null, disk.GetProperty("ratio").ValueKind);
        Assert.Equal(0, disk.GetProperty("compressedBytes").GetInt64());
        Assert.InRange(disk.GetProperty("totalBytes").GetInt64(), 1, before / 4);
        Assert.InRange(new FileInfo(folder["pages"]).Length, 4 << 20, 64 << 20);
        Assert.All(
            server.Ask("pages").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1),
            line => Assert.Contains(",written-back,", line, StringComparison.Ordinal));
        Assert.Equal(content, client.Read(0, content.Length));
        Assert.InRange(server.Stat().GetProperty("writebackReads").GetInt64(), 2048, long.MaxValue);
        // A second server may not use the file of the first.
        folder.AssertServeTaken("--writeback", folder["pages"]);
        Assert.Equal(content, client.Read(0, content.Length));
    }

    [Fact]
    public async Task Metrics_report_the_figures()
    {
        using ServeFolder folder = new();
        int port = ServeProcess.FreePort();
        using ServeProcess server = ServeProcess.StartAlone(
            folder, "--export", "a,size=1MiB", "--export", "b,size=2MiB", "--metrics", $"127.0.0.1:{port}");
        using ServeClient client = server.Connect("b");
        client.Write(0, ServeContent.Noise(3 * Page, 1));
        using HttpClient http = new() { Timeout = ServeProcess.Patience };
        Uri address = new($"http://127.0.0.1:{port}/metrics");
        string[] metrics = (await http.GetStringAsync(address, TestContext.Current.CancellationToken)).Split('\n');
        string target = Assert.Single(metrics, line => line.StartsWith("target_info{", StringComparison.Ordinal));
        Assert.Contains("service_name=\"pagefold\"", target, StringComparison.Ordinal);
        foreach ((string name, string labels, double expected) in ((string, string, double)[])
        [
            ("pagefold_disk_size_bytes", "export=\"a\"", 1 << 20),
            ("pagefold_disk_size_bytes", "export=\"b\"", 2 << 20),
            ("pagefold_disk_pages", "export=\"b\"", 3),
            ("pagefold_disk_pages", "export=\"a\"", 0),
            ("pagefold_disk_incompressible", "export=\"b\"", 3),
            ("pagefold_disk_connections", "export=\"b\"", 1),
            ("pagefold_disk_requests_total", "command=\"write\",export=\"b\"", 1),
            ("pagefold_disk_transferred_bytes_total", "command=\"write\",export=\"b\"", 3 * Page),
            ("pagefold_disk_errors_total", "command=\"write\",export=\"b\"", 0),
        ])
        {
            string line = Assert.Single(metrics, line => line.StartsWith(name, StringComparison.Ordinal)
                && labels.Split(',').All(label => line.Contains(label, StringComparison.Ordinal)));
            Assert.Equal(expected, double.Parse(line.Split('}')[1].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
        }
    }

    [Theory]
    [InlineData("-TERM")]
    [InlineData("-INT")]
    public void What_was_answered_before_the_end_is_kept_and_comes_back(string signal)
    {
        using ServeFolder folder = new();
        string kept = folder["kept"];
        int answered = 0;
        using (ServeProcess server = ServeProcess.StartAlone(folder, "--size", "64MiB", "--keep", kept))
        {
            using ServeClient client = server.Connect();
            Task writing = Task.Factory.StartNew(
                () =>
                {
                    try
                    {
                        for (int number = 1; number < 16_384; number++)
                        {
                            if (client.TryWrite((long)number * Page, ServeContent.Numbered(number)) != 0)
                                return;
                            Volatile.Write(ref answered, number);
                        }
                    }
                    catch (IOException)
                    {
                        // The server has ended.
                    }
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            ServeProcess.Until(() => Volatile.Read(ref answered) >= 64, "writing");
            Assert.True(server.Terminate(signal) == 0, server.Log);
            Assert.True(writing.Wait(ServeProcess.Patience, TestContext.Current.CancellationToken));
            Assert.False(File.Exists(server.SocketPath) || File.Exists(server.ControlPath));
            Assert.Contains("saved", server.Log, StringComparison.Ordinal);
        }
        // The snapshot contains the size.
        using ServeProcess again = ServeProcess.Start(folder, "--keep", kept);
        using ServeClient reader = again.Connect();
        Assert.Equal(64 << 20, reader.Size);
        for (int number = 1; number <= answered; number++)
            Assert.Equal(number, ServeContent.NumberOf(reader.Read((long)number * Page, Page)));
    }

    [Fact]
    public void A_killed_server_can_be_started_again_but_not_beside_a_live_one()
    {
        using ServeFolder folder = new();
        // Relative names; messages contain absolute ones.
        string[] options = ["--size", "1MiB", "--unix", "disk", "--control", "control", "--keep", folder["kept"]];
        using (ServeProcess killed = ServeProcess.StartAlone(folder, options))
            killed.Kill();
        Assert.True(File.Exists(folder["disk"]) && File.Exists(folder["control"]) && File.Exists(folder["kept.pagefold-keeping"]));
        using ServeProcess server = ServeProcess.Start(folder, options);
        ServeProcess.Until(() => server.Log.Contains("what is", StringComparison.Ordinal)
            || server.Log.Contains(folder["control"] + " (pagefold", StringComparison.Ordinal), "the last line");
        Assert.Contains($"took over {folder["disk"]}, which a server that is gone has left behind", server.Log, StringComparison.Ordinal);
        Assert.Contains($"took over {folder["control"]}, which a server that is gone has left behind", server.Log,
            StringComparison.Ordinal);
        folder.AssertRefused(["serve", "--size", "1MiB", "--unix", folder["disk"]], $"--unix {folder["disk"]} exists already",
            "end the server that listens there, or choose another");
        folder.AssertRefused(["serve", "--size", "1MiB", "--unix", folder["other"], "--control", folder["control"]],
            $"--control {folder["control"]} exists already");
        using ServeClient client = ServeClient.Attach(new UnixDomainSocketEndPoint(folder["disk"]));
        client.Write(0, ServeContent.Same(1));
        Assert.Equal(0, folder.Run("stat", "--control", folder["control"]).ExitCode);
        Assert.Equal(0, server.Terminate());
        Assert.False(File.Exists(folder["disk"]) || File.Exists(folder["control"]) || File.Exists(folder["kept.pagefold-keeping"]));
    }

    [Fact]
    public void A_host_name_is_listened_on_at_all_its_addresses_beside_other_places()
    {
        using ServeFolder folder = new();
        int[] ports = [ServeProcess.FreePort(), ServeProcess.FreePort(), ServeProcess.FreePort()];
        bool six = Socket.OSSupportsIPv6 && NetworkInterface.GetAllNetworkInterfaces().Any(
            face => face.GetIPProperties().UnicastAddresses.Any(own => own.Address.Equals(IPAddress.IPv6Loopback)));
        using ServeProcess server = ServeProcess.Start(
            folder,
            [
                "--size", "1MiB", "--listen", $"localhost:{ports[0]}", "--listen", $"127.0.0.1:{ports[1]}",
                .. six ? (string[])["--listen", $"[::1]:{ports[2]}"] : [],
            ]);
        List<IPEndPoint> places = [.. Dns.GetHostAddresses("localhost")
            .Where(address => six || address.AddressFamily == AddressFamily.InterNetwork).Distinct()
            .Select(address => new IPEndPoint(address, ports[0])), new(IPAddress.Loopback, ports[1])];
        if (six)
            places.Add(new IPEndPoint(IPAddress.IPv6Loopback, ports[2]));
        foreach (IPEndPoint place in places)
        {
            using ServeClient client = ServeClient.Attach(place);
            Assert.Equal(1 << 20, client.Size);
        }
    }

    [Fact]
    public void A_limit_above_the_machines_memory_causes_a_warning()
    {
        using ServeFolder folder = new();
        long machine = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--memory-limit", $"{2 * machine}");
        Assert.Contains("WARNING: --memory-limit is ", server.Log, StringComparison.Ordinal);
        Assert.Contains("of memory: it will swap, or end the server", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Connections_that_may_take_more_than_the_machine_has_cause_a_warning()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(
            folder, "--size", "1MiB", "--memory-limit", "16MiB", "--connection-memory", "100TiB");
        Assert.Contains(
            "WARNING: connections may take 100.0 TiB (--connection-memory) beside the 16.0 MiB of --memory-limit", server.Log,
            StringComparison.Ordinal);
        Assert.Contains("choose less, or fewer --max-connections", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Refused_writes_are_reported_before_the_end()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB", "--memory-limit", "4MiB");
        using ServeClient client = server.Connect();
        Assert.Equal(ServeClient.NoSpace, client.TryWrite(0, ServeContent.Noise(16 << 20, 1)));
        Assert.Equal(0, server.Terminate());
        string[] log = server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        int refused = Array.FindIndex(log, line => line.Contains("writes were refused (ENOSPC) so far", StringComparison.Ordinal));
        int ending = Array.FindIndex(log, line => line.StartsWith("pagefold: ending: ", StringComparison.Ordinal));
        Assert.True(refused >= 0 && refused < ending, server.Log);
    }

    [Fact]
    public void An_open_file_is_restored_by_its_descriptor()
    {
        using ServeFolder folder = new();
        byte[] content = ServeContent.Noise(Page, 1);
        using (ServeProcess first = ServeProcess.Start(folder, "--size", "1MiB"))
        {
            using ServeClient client = first.Connect();
            client.Write(0, content);
            first.Figures("snapshot", folder["snapshot"]);
        }
        using ServeProcess server = ServeProcess.StartThrough(
            folder, ["sh", "-c", "exec \"$@\" 5< snapshot", "sh"], "--restore", "/dev/fd/5");
        using ServeClient reader = server.Connect();
        Assert.Equal(content, reader.Read(0, Page));
    }

    [Fact]
    public void Sockets_belong_to_their_owner_alone_and_are_removed_with_the_server()
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--unix", folder["second"]);
        string[] sockets = [server.SocketPath, folder["second"], server.ControlPath];
        foreach (string socket in sockets)
            Assert.Equal(OwnerOnly, OperatingSystem.IsWindows() ? OwnerOnly : File.GetUnixFileMode(socket));
        Assert.Equal(0, server.Terminate());
        Assert.All(sockets, socket => Assert.False(File.Exists(socket)));
    }
}
