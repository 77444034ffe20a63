using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary><c>serve --swap</c>: a disk that promises no more than it can hold.</summary>
public class ServeSwapTests
{
    private const int Page = ServeContent.Page;
    private const int Limit = 16 << 20;

    [Theory]
    [InlineData("4KiB")]
    [InlineData("16KiB")]
    public void With_a_writeback_file_compressible_blocks_can_all_be_overwritten_with_noise(string pageSize)
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(
            folder, "--swap", "2", "--memory-limit", "16MiB", "--page-size", pageSize, "--writeback", folder["wb"]);
        using ServeClient client = server.Connect();
        Assert.Equal(2 * Limit, client.Size);
        int pages = (int)(client.Size / Page);
        // As a swapping kernel writes: several pages a request.
        for (int page = 0; page < pages; page += 16)
            client.Write((long)page * Page, ServeContent.Text(16 * Page, page));
        int[] order = [.. Enumerable.Range(0, pages)];
        new Random(1).Shuffle(order);
        foreach (int page in order)
            client.Write((long)page * Page, ServeContent.Numbered(page + 1));
        foreach (int page in order)
            Assert.Equal(page + 1, ServeContent.NumberOf(client.Read((long)page * Page, Page)));
        JsonElement disk = server.Stat();
        Assert.Equal((0, false), (disk.GetProperty("outOfSpaceErrors").GetInt64(), disk.GetProperty("isNearlyFull").GetBoolean()));
        Assert.InRange(disk.GetProperty("writtenBackPages").GetInt64(), 1, pages);
        Assert.InRange(disk.GetProperty("peakBytes").GetInt64(), 1, Limit);
        Assert.Contains("no write is refused", server.Log, StringComparison.Ordinal);
        // The full disk makes room for a snapshot.
        server.Figures("snapshot", folder["full"]);
        using ServeProcess again = ServeProcess.Start(
            folder, "--swap", "2", "--memory-limit", "16MiB", "--writeback", folder["wb2"], "--restore", folder["full"]);
        using ServeClient reader = again.Connect();
        foreach (int page in order)
            Assert.Equal(page + 1, ServeContent.NumberOf(reader.Read((long)page * Page, Page)));
    }

    [Fact]
    public void Without_a_file_new_blocks_are_refused_before_overwrites_with_a_warning()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(
            folder, "--swap", "--memory-limit", "16MiB", "--idle", "1s", "--recompress", "zstd:1");
        using ServeClient client = server.Connect();
        Assert.Equal(2 * Limit, client.Size);
        Assert.False(server.Stat().GetProperty("isNearlyFull").GetBoolean());
        int full = 0;
        while (client.TryWrite((long)full * Page, ServeContent.Numbered(full)) == 0)
            full++;
        JsonElement disk = server.Stat();
        Assert.True(disk.GetProperty("isNearlyFull").GetBoolean());
        Assert.InRange(disk.GetProperty("availableBytes").GetInt64(), 0, 1 << 18);
        ServeProcess.Until(() => server.Log.Contains("less than an eighth of the memory limit is left", StringComparison.Ordinal),
            "a warning");
        for (int page = 0; page < full; page++)
            client.Write((long)page * Page, ServeContent.Numbered(-1 - page));
        Assert.Equal(ServeClient.NoSpace, client.TryWrite((long)(full + 1) * Page, ServeContent.Numbered(1)));
        for (int page = 0; page < full; page++)
            Assert.Equal(-1 - page, ServeContent.NumberOf(client.Read((long)page * Page, Page)));
        client.Trim(0, (uint)(full / 4 * Page));
        Assert.False(server.Stat().GetProperty("isNearlyFull").GetBoolean());
        client.Write((long)full * Page, ServeContent.Numbered(full));
        Assert.Contains("Nearly full", NearlyFull(server, client, full), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_disk_has_the_size_that_its_own_limit_determines()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(
            folder, "--swap", "1.5", "--memory-limit", "64MiB", "--export", "a,memory-limit=16MiB", "--export", "b");
        using ServeClient a = server.Connect("a");
        using ServeClient b = server.Connect("b");
        Assert.Equal((24 << 20, 72 << 20), (a.Size, b.Size));
    }

    [Fact]
    public void A_kept_swap_disk_that_was_full_is_served_again()
    {
        using ServeFolder folder = new();
        string[] options = ["--swap", "--memory-limit", "16MiB", "--keep", folder["kept"]];
        int full = 0;
        using (ServeProcess server = ServeProcess.Start(folder, options))
        {
            using ServeClient client = server.Connect();
            while (client.TryWrite((long)full * Page, ServeContent.Numbered(full + 1)) == 0)
                full++;
            Assert.True(server.Terminate() == 0, server.Log);
        }
        using ServeProcess again = ServeProcess.Start(folder, options);
        using ServeClient reader = again.Connect();
        for (int page = 0; page < full; page++)
            Assert.Equal(page + 1, ServeContent.NumberOf(reader.Read((long)page * Page, Page)));
    }

    [Fact]
    public void Options_that_contradict_the_size_from_the_limit_are_refused()
    {
        using ServeFolder folder = new();
        string[] limit = ["--memory-limit", "64MiB"];
        folder.AssertServeRefused([.. limit, "--swap", "0.5"], "--swap 0.5 is no ratio; write a number from 1 to 100");
        folder.AssertServeRefused([.. limit, "--swap", "--read-only"], "--swap is for a kernel that writes", "--read-only refuses",
            "leave one");
        folder.AssertServeRefused([.. limit, "--swap", "--export", "a,read-only"], "read-only (of export a) refuses all writes",
            "leave one");
        folder.AssertServeRefused([.. limit, "--swap", "--size", "1GiB"], "--swap takes the size from the memory limit",
            "--size 1073741824", "leave one of them out");
        folder.AssertServeRefused([.. limit, "--swap", "--export", "a,size=1MiB"], "--export a,size=1048576");
        folder.AssertServeRefused([.. limit, "--swap", "--writeback", folder["wb"], "--writeback-daily", "1GiB"],
            "--writeback-daily 1.0 GiB", "leave one of them out");
        folder.AssertServeRefused([.. limit, "--swap", "--writeback", folder["wb"], "--writeback-size", "5MiB"],
            "--writeback-size 5.0 MiB is too small for --swap", "leave --writeback-size out, or raise it");
        folder.AssertServeRefused(["--size", "1GiB", "--memory-limit", "900TiB", "--lock-memory"],
            "--lock-memory takes the memory of --memory-limit (900.0 TiB) at once", "lower --memory-limit");
        folder.AssertServeRefused(["--memory-limit", "4GiB", "--swap", "100", "--writeback", folder["wb"]], "needs a writeback file of",
            "the largest is 256.0 GiB", "choose a smaller ratio or limit");
        Assert.Empty(Directory.GetFiles(folder.Path, "wb*"));
    }

    [Fact]
    public void Locked_memory_is_taken_at_the_start_and_stays()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Locking memory needs root here.");
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB", "--memory-limit", "32MiB", "--lock-memory");
        using ServeClient client = server.Connect();
        Assert.InRange(server.Stat().GetProperty("prefaultedBytes").GetInt64(), 28L << 20, 32L << 20);
        Assert.True(Kilobytes(server, "VmLck") > 28 << 10 && Kilobytes(server, "RssAnon") > 28 << 10);
        for (int page = 0; page < 2000; page++)
            client.Write((long)page * Page, ServeContent.Numbered(page + 1));
        for (int page = 0; page < 2000; page++)
            Assert.Equal(page + 1, ServeContent.NumberOf(client.Read((long)page * Page, Page)));
        client.Trim(0, 64 << 20);
        Assert.True(Kilobytes(server, "RssAnon") > 28 << 10);
        Assert.Contains("Locked", server.Ask("stat").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reported_locked_memory_is_what_the_disks_take()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Locking memory needs root here.");
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(
            folder, "--export", "a,size=64MiB,memory-limit=24MiB", "--export", "b,size=64MiB,memory-limit=8MiB", "--lock-memory");
        Assert.Contains("taking and locking 32.0 MiB of memory", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_is_locked_only_after_all_options_are_validated()
    {
        using ServeFolder folder = new();
        string[] locked = ["--size", "1MiB", "--memory-limit", "64MiB", "--lock-memory"];
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        // Exactly one line: none that says that memory is taken.
        folder.AssertServeRefused([.. locked, "--cache", "1MiB"], "--cache 1.0 MiB is for pages of 8.0 KiB and more");
        folder.AssertServeRefused([.. locked, "--listen", other.LocalEndpoint.ToString()!], "cannot listen there", "choose another");
        folder.AssertServeRefused([.. locked, "--metrics", other.LocalEndpoint.ToString()!], "cannot listen there", "choose another");
        folder.AssertServeRefused([.. locked, "--control", folder["no/c"]], "lies in a folder that does not exist");
        folder.AssertServeRefused([.. locked, "--restore", folder["none"]], "cannot be restored", "name a snapshot that is there");
    }

    [Fact]
    public void A_server_that_is_terminated_while_it_takes_its_memory_does_not_serve()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Locking memory needs root here.");
        Assert.SkipUnless(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes > 8L << 30, "Takes gigabytes, so that it takes a while.");
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.StartUntil(
            folder, "taking and locking", "--size", "8GiB", "--memory-limit", "4GiB", "--lock-memory");
        Assert.Equal(130, server.Terminate());
        Assert.DoesNotContain("serving at", server.Log, StringComparison.Ordinal);
        Assert.Contains("interrupted", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_without_encryption_loads_no_library_for_it()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.StartAlone(folder, "--size", "1MiB");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Numbered(1));
        Assert.DoesNotContain("libssl", File.ReadAllText($"/proc/{server.Id}/maps"), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_may_not_be_locked_is_refused_with_the_remedy()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can take its own leave away.");
        using ServeFolder folder = new();
        Command run = Command.RunProcess(
            "setpriv",
            ["--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock", "bash", "-c", "ulimit -l 64; exec \"$@\"", "bash", "dotnet",
                Command.Program, "serve", "--size", "1MiB", "--lock-memory", "--unix", folder["s"]]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--lock-memory is not allowed here", run.Error, StringComparison.Ordinal);
        Assert.Contains("LimitMEMLOCK=infinity", run.Error, StringComparison.Ordinal);
    }

    private static long Kilobytes(ServeProcess server, string name) =>
        long.Parse(File.ReadLines($"/proc/{server.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split(':')[1].Replace("kB", string.Empty, StringComparison.Ordinal).Trim(), System.Globalization.CultureInfo.InvariantCulture);

    private static string NearlyFull(ServeProcess server, ServeClient client, int full)
    {
        for (int page = 0; page < full && !server.Stat().GetProperty("isNearlyFull").GetBoolean(); page += 64)
        {
            for (int next = page; next < Math.Min(full, page + 64); next++)
                client.Write((long)next * Page, ServeContent.Numbered(next));
        }
        return server.Ask("stat").Output;
    }
}
