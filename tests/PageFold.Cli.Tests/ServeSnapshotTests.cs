using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>Snapshots through the command: of one point in time, and complete or absent, whenever the server or the command ends.</summary>
public class ServeSnapshotTests
{
    private const int Page = ServeContent.Page;
    private const int Large = 48 << 20;

    [Fact]
    public void A_snapshot_taken_while_a_client_writes_is_of_one_point_in_time()
    {
        const int Places = 16;
        const long Apart = 1 << 20;
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB");
        using ServeClient client = server.Connect();
        byte[] background = ServeContent.Noise((int)Apart - Page, 1);
        for (int place = 0; place < Places; place++)
            client.Write(place * Apart + Page, background);
        using CancellationTokenSource enough = new();
        int written = 0;
        Task writing = Task.Factory.StartNew(
            () =>
            {
                for (int number = 1; !enough.IsCancellationRequested; number++)
                {
                    byte[] page = ServeContent.Numbered(number);
                    for (int place = 0; place < Places; place++)
                        client.Write(place * Apart, page);
                    Volatile.Write(ref written, number);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        ServeProcess.Until(() => Volatile.Read(ref written) > 0 || writing.IsCompleted, "writing");
        List<(int Before, int After)> bounds = [];
        for (int snapshot = 0; snapshot < 4; snapshot++)
        {
            int before = Volatile.Read(ref written);
            server.Figures("snapshot", folder[$"snapshot{snapshot}"]);
            bounds.Add((before, Volatile.Read(ref written) + 1));
        }
        enough.Cancel();
        Assert.True(writing.Wait(ServeProcess.Patience, TestContext.Current.CancellationToken));
        for (int snapshot = 0; snapshot < bounds.Count; snapshot++)
        {
            using ServeProcess restored = ServeProcess.Start(folder, "--restore", folder[$"snapshot{snapshot}"]);
            using ServeClient reader = restored.Connect();
            int[] numbers = [.. Enumerable.Range(0, Places).Select(place => ServeContent.NumberOf(reader.Read(place * Apart, Page)))];
            // Each place was written before the next.
            Assert.Equal(numbers.OrderDescending(), numbers);
            Assert.InRange(numbers[^1], numbers[0] - 1, numbers[0]);
            Assert.InRange(numbers[0], bounds[snapshot].Before, bounds[snapshot].After);
            for (int place = 0; place < Places; place++)
                Assert.True(background.AsSpan().SequenceEqual(reader.Read(place * Apart + Page, background.Length)));
        }
    }

    [Fact]
    public void A_raw_image_equals_what_a_client_reads()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{(8 << 20) + 512}", "--page-size", "16KiB", "--codec", "zstd");
        using ServeClient client = server.Connect();
        client.Write(5, ServeContent.Text(100_000, 1));
        client.Write(2 << 20, ServeContent.Noise(100_000, 2));
        client.Write(4 << 20, ServeContent.Same(9));
        client.Write(8 << 20, ServeContent.Text(512, 3));
        server.Figures("snapshot", folder["image"], "--raw");
        byte[] image = File.ReadAllBytes(folder["image"]);
        Assert.Equal(client.Size, image.Length);
        Assert.True(image.AsSpan().SequenceEqual(client.Read(0, image.Length)));
        // An old file is replaced, also a snapshot by an image.
        JsonElement result = server.Figures("snapshot", folder["image"]);
        Assert.Equal(new FileInfo(folder["image"]).Length, result.GetProperty("fileBytes").GetInt64());
        using ServeProcess restored = ServeProcess.Start(folder, "--restore", folder["image"], "--size", "16MiB");
        using ServeClient reader = restored.Connect();
        Assert.Equal(16 << 20, reader.Size);
        Assert.True(image.AsSpan().SequenceEqual(reader.Read(0, image.Length)));
        Assert.Equal(16 << 10, restored.Stat().GetProperty("pageSize").GetInt32());
    }

    [Theory]
    [InlineData("4KiB")]
    [InlineData("64KiB")]
    public void A_full_disk_is_saved_and_restored_within_the_same_limit(string pageSize)
    {
        const int Piece = 1 << 20;
        using ServeFolder folder = new();
        string[] limit = ["--memory-limit", "24MiB", "--cache", "0", "--codec", "auto", "--page-size", pageSize];
        List<byte[]> pieces = [];
        using (ServeProcess server = ServeProcess.Start(folder, ["--size", "256MiB", .. limit]))
        {
            using ServeClient client = server.Connect();
            uint refusal = 0;
            while (refusal == 0)
            {
                byte[] piece = pieces.Count % 3 == 0 ? ServeContent.Noise(Piece, pieces.Count) : ServeContent.Text(Piece, pieces.Count);
                refusal = client.TryWrite(pieces.Count * (long)Piece, piece);
                pieces.Add(refusal == 0 ? piece : client.Read(pieces.Count * (long)Piece, Piece));
            }
            Assert.Equal(ServeClient.NoSpace, refusal);
            server.Figures("snapshot", folder["full"]);
        }
        using (ServeProcess restored = ServeProcess.Start(folder, ["--restore", folder["full"], .. limit]))
        {
            using ServeClient reader = restored.Connect();
            for (int piece = 0; piece < pieces.Count; piece++)
                Assert.True(pieces[piece].AsSpan().SequenceEqual(reader.Read(piece * (long)Piece, Piece)));
        }
        folder.AssertServeRefused(
            ["--restore", folder["full"], "--memory-limit", "16MiB"],
            "pages fit within --memory-limit", "raise the limit to ", " MiB, which suffices", "--writeback FILE");
    }

    [Fact]
    public void A_snapshot_that_is_incomplete_or_does_not_fit_is_refused()
    {
        using ServeFolder folder = new();
        string good = folder["good"];
        string bad = folder["bad"];
        using (ServeProcess server = ServeProcess.Start(folder, "--size", "8MiB"))
        {
            using ServeClient client = server.Connect();
            client.Write(0, ServeContent.Noise(3 << 20, 1));
            server.Figures("snapshot", good);
            client.Write(0, ServeContent.Noise(3 << 20, 2));
            Assert.Equal(0, server.Terminate());
        }
        byte[] snapshot = File.ReadAllBytes(good);
        Refused(folder["none"], "Could not find");
        Directory.CreateDirectory(folder["folder"]);
        Refused(folder["folder"], "name a snapshot");
        foreach (byte[] spoilt in (byte[][])
        [
            [], [.. "this is a letter"u8], new byte[1 << 20],
            snapshot[..1], snapshot[..100], snapshot[..(snapshot.Length / 2)], snapshot[..^1], [.. snapshot, 0],
            Flipped(0), Flipped(20), Flipped(snapshot.Length / 2), Flipped(snapshot.Length - 1),
        ])
        {
            File.WriteAllBytes(bad, spoilt);
            Refused(bad, "name a snapshot that is there and whole");
        }
        folder.AssertServeRefused(
            ["--restore", good, "--page-size", "16KiB"], $"--restore {good} has pages of 4.0 KiB", "--page-size 4096");
        folder.AssertServeRefused(
            ["--restore", good, "--size", "4MiB"], $"--restore {good} is of a disk of 8.0 MiB", "--size 4.0 MiB", "at least 8388608");
        folder.AssertServeRefused(
            ["--restore", good, "--memory-limit", "2MiB"], $"--restore {good} cannot be restored", "--memory-limit", "raise");
        folder.AssertServeRefused(["--restore", good, "--keep", folder["other"]], $"--restore {good} and --keep {folder["other"]}");
        folder.AssertServeRefused(
            ["--size", "1MiB", "--keep", folder["no/kept"]], $"--keep {folder["no/kept"]} lies in a folder that does not exist",
            "make the folder");
        folder.AssertServeRefused(
            ["--size", "1MiB", "--keep", folder["folder"]], $"--keep {folder["folder"]} is a folder", "name a file in it");
        File.WriteAllText(bad, "another's");
        folder.AssertServeRefused(["--size", "1MiB", "--keep", bad], $"--keep {bad} cannot be restored", "name a snapshot");

        void Refused(string path, string expected) =>
            folder.AssertServeRefused(["--restore", path], $"--restore {path} cannot be restored", expected);

        byte[] Flipped(int position)
        {
            byte[] spoilt = [.. snapshot];
            spoilt[position] ^= 0x10;
            return spoilt;
        }
    }

    [Fact]
    public void A_server_killed_during_a_snapshot_leaves_the_previous_one()
    {
        using ServeFolder folder = new();
        string file = folder["snapshot"];
        byte[] rest = ServeContent.Noise(Large - Page, 1);
        using (ServeProcess first = ServeProcess.Start(folder, "--size", $"{Large}"))
        {
            using ServeClient client = first.Connect();
            client.Write(0, ServeContent.Numbered(1));
            WriteAll(client, rest);
            first.Figures("snapshot", file);
        }
        int inTheMiddle = 0;
        int version = 1;
        // On a busy machine a snapshot may be complete before its beginning is noticed.
        for (int attempt = 0; attempt < 5 || inTheMiddle == 0 && attempt < 30; attempt++)
        {
            using ServeProcess server = ServeProcess.StartAlone(folder, "--restore", file);
            using ServeClient client = server.Connect();
            int found = ServeContent.NumberOf(client.Read(0, Page));
            // Either one or the other, completely.
            Assert.InRange(found, version - 1, version);
            version = found;
            AssertReadsAll(client, rest);
            client.Write(0, ServeContent.Numbered(++version));
            long moment = attempt % 5 * 4L << 20;
            Command asking = Command.RunProcess("dotnet", [Command.Program, "snapshot", file, "--control", server.ControlPath], process =>
            {
                ServeProcess.Until(() => process.HasExited || LengthOf(file + ".pagefold-partial") > moment, "a snapshot");
                server.Kill();
            });
            if (asking.ExitCode == 0)
                continue;
            inTheMiddle++;
            Assert.Equal(2, asking.ExitCode);
            Assert.Contains("the server went away", asking.Error, StringComparison.Ordinal);
        }
        Assert.True(inTheMiddle > 0, "no server was killed in the middle of a snapshot");
        using ServeProcess last = ServeProcess.Start(folder, "--restore", file);
        using ServeClient writer = last.Connect();
        writer.Write(0, ServeContent.Numbered(99));
        last.Figures("snapshot", file);
        Assert.Empty(Directory.GetFiles(folder.Path, "*.pagefold-partial"));
        using ServeProcess restored = ServeProcess.Start(folder, "--restore", file);
        using ServeClient reader = restored.Connect();
        Assert.Equal(99, ServeContent.NumberOf(reader.Read(0, Page)));
        AssertReadsAll(reader, rest);
    }

    [Fact]
    public void Interrupting_the_command_leaves_the_old_file_and_the_server_unchanged()
    {
        using ServeFolder folder = new();
        string file = folder["snapshot"];
        using ServeProcess server = ServeProcess.Start(folder, "--size", $"{Large}");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Text(1 << 20, 2));
        server.Figures("snapshot", file);
        byte[] old = File.ReadAllBytes(file);
        byte[] content = ServeContent.Noise(Large - Page, 1);
        WriteAll(client, content);
        int exit = 0;
        bool isOld = false;
        for (int attempt = 0; !isOld && attempt < 20; attempt++)
        {
            File.WriteAllBytes(file, old);
            exit = Command.RunProcess("dotnet", [Command.Program, "snapshot", file, "--control", server.ControlPath], process =>
            {
                ServeProcess.Until(() => process.HasExited || LengthOf(file + ".pagefold-partial") > 0, "a snapshot");
                // The stopped server cannot finish first.
                ServeProcess.Signal("-STOP", server.Id);
                if (File.Exists(file + ".pagefold-partial"))
                {
                    ServeProcess.Signal("-INT", process.Id);
                    ServeProcess.Until(() => process.HasExited, "the command's end");
                }
                ServeProcess.Signal("-CONT", server.Id);
            }).ExitCode;
            ServeProcess.Until(() => !File.Exists(file + ".pagefold-partial"), "the end of the snapshot");
            // A server that was stopped after writing everything may replace the file before it notices the interrupt.
            isOld = exit == 130 && old.AsSpan().SequenceEqual(File.ReadAllBytes(file));
        }
        Assert.Equal(130, exit);
        Assert.True(isOld);
        AssertReadsAll(client, content);
        server.Figures("snapshot", file);
        Assert.InRange(LengthOf(file), Large - Page, 2L * Large);
    }

    [Fact]
    public void A_disk_is_kept_even_if_its_server_is_terminated_during_another_snapshot()
    {
        using ServeFolder folder = new();
        byte[] content = ServeContent.Noise(Large - Page, 1);
        using (ServeProcess server = ServeProcess.Start(folder, "--size", $"{Large}", "--keep", folder["kept"]))
        {
            using ServeClient client = server.Connect();
            WriteAll(client, content);
            Command.RunProcess("dotnet", [Command.Program, "snapshot", folder["other"], "--control", server.ControlPath], process =>
            {
                ServeProcess.Until(() => process.HasExited || LengthOf(folder["other.pagefold-partial"]) > 0, "a snapshot");
                Assert.True(server.Terminate() == 0, server.Log);
            });
        }
        Assert.False(File.Exists(folder["other.pagefold-partial"]));
        using ServeProcess again = ServeProcess.Start(folder, "--keep", folder["kept"]);
        using ServeClient reader = again.Connect();
        AssertReadsAll(reader, content);
    }

    [Fact]
    public void Two_servers_do_not_keep_their_disks_in_one_file()
    {
        using ServeFolder folder = new();
        byte[] content = ServeContent.Noise(Page, 1);
        string[] twoNames =
        [
            "serve", "--unix", folder.NewSocket(),
            "--export", $"a,size=1MiB,keep={folder["kept"]}", "--export", $"b,size=1MiB,keep={folder["link"]}",
        ];
        using (ServeProcess killed = ServeProcess.StartAlone(folder, "--size", "1MiB", "--keep", folder["kept"]))
        {
            killed.Figures("snapshot", folder["kept"]);
            killed.Kill();
        }
        File.CreateSymbolicLink(folder["link"], "kept");
        using (ServeProcess server = ServeProcess.Start(folder, "--keep", folder["kept"]))
        {
            folder.AssertServeTaken(
                "--keep", folder["kept"], "another disk that is being served is kept there",
                "end that server first, or choose another file");
            folder.AssertServeTaken("--keep", folder["link"], "another disk that is being served is kept there");
            using ServeClient client = server.Connect();
            client.Write(0, content);
            // The disk's own snapshots may go there as before, but no image and no snapshot of another disk. The name of the mark is
            // refused too.
            server.Figures("snapshot", folder["kept"]);
            (string[], string)[] wrong =
            [
                (["snapshot", folder["kept"], "--raw"], "leave --raw out"),
                (["snapshot", folder["kept.pagefold-keeping"]], "choose another name"),
            ];
            foreach ((string[] arguments, string reason) in wrong)
            {
                Command own = server.Ask(arguments);
                Assert.Equal(2, own.ExitCode);
                Assert.Contains(reason, own.Error, StringComparison.Ordinal);
            }
            using (ServeProcess other = ServeProcess.Start(folder, "--size", "1MiB"))
            {
                Command refused = other.Ask("snapshot", folder["link"]);
                Assert.Equal(2, refused.ExitCode);
                Assert.Contains(
                    $"{folder["link"]} is where another disk that is being served is kept", refused.Error, StringComparison.Ordinal);
            }
            Assert.True(server.Terminate() == 0, server.Log);
        }
        folder.AssertRefused(twoNames, $"--keep {folder["link"]}", "another disk that is being served is kept there");
        // A relative name of a relative link.
        using ServeProcess again = ServeProcess.Start(folder, "--keep", "link");
        using ServeClient reader = again.Connect();
        Assert.Equal(content, reader.Read(0, Page));
        Assert.True(again.Terminate() == 0, again.Log);
        Assert.Equal(
            ["kept", "link"], Directory.EnumerateFiles(folder.Path).Select(Path.GetFileName).Where(name => name![0] != 's').Order());
    }

    [Fact]
    public void A_disk_is_kept_where_the_system_resolves_a_link_to()
    {
        using ServeFolder folder = new();
        byte[] content = ServeContent.Noise(Page, 1);
        Directory.CreateDirectory(folder["real/deep"]);
        File.CreateSymbolicLink(folder["real/deep/link"], "../kept");
        Directory.CreateSymbolicLink(folder["folder"], folder["real/deep"]);
        // The meaning of the name if links were resolved as text.
        File.WriteAllText(folder["kept"], "another's");
        using (ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--keep", "folder/link"))
        {
            using ServeClient client = server.Connect();
            client.Write(0, content);
            folder.AssertServeTaken("--keep", folder["real/kept"], "another disk that is being served is kept there");
            Assert.True(server.Terminate() == 0, server.Log);
        }
        Assert.Equal("another's", File.ReadAllText(folder["kept"]));
        using ServeProcess again = ServeProcess.Start(folder, "--restore", folder["real/kept"]);
        using ServeClient reader = again.Connect();
        Assert.Equal(content, reader.Read(0, Page));
    }

    [Fact]
    public void A_snapshot_that_cannot_replace_the_file_is_saved_beside_it()
    {
        using ServeFolder folder = new();
        byte[] content = ServeContent.Noise(Page, 1);
        using (ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--keep", folder["kept"]))
        {
            using ServeClient client = server.Connect();
            client.Write(0, content);
            Directory.CreateDirectory(folder["kept"]);
            Assert.Equal(1, server.Terminate());
            Assert.Contains($"--keep {folder["kept"]} could NOT be saved: ", server.Log, StringComparison.Ordinal);
            Assert.Contains("the disk as it was at the end is in", server.Log, StringComparison.Ordinal);
        }
        string rescued = Assert.Single(Directory.EnumerateFiles(folder.Path, "pagefold-rescued-*"));
        using ServeProcess again = ServeProcess.Start(folder, "--restore", rescued);
        using ServeClient reader = again.Connect();
        Assert.Equal(content, reader.Read(0, Page));
    }

    private static long LengthOf(string file)
    {
        FileInfo info = new(file);
        return info.Exists ? info.Length : 0;
    }

    private static void WriteAll(ServeClient client, byte[] rest)
    {
        for (int from = 0; from < rest.Length; from += 8 << 20)
            client.Write(Page + from, rest[from..Math.Min(rest.Length, from + (8 << 20))]);
    }

    private static void AssertReadsAll(ServeClient client, byte[] rest)
    {
        for (int from = 0; from < rest.Length; from += 8 << 20)
        {
            int length = Math.Min(8 << 20, rest.Length - from);
            Assert.True(rest.AsSpan(from, length).SequenceEqual(client.Read(Page + from, length)), $"the disk differs after byte {from}");
        }
    }
}
