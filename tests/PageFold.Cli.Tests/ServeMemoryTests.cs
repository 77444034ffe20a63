using System.Text.Json;
using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>A server at its memory limit: clients get ENOSPC, no old content is lost, and freed memory can be used.</summary>
public class ServeMemoryTests
{
    private const int Page = ServeContent.Page;
    private const int Small = 256;

    [Fact]
    public void Out_of_memory_a_write_is_refused_the_old_block_stays_and_trimming_helps()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB", "--memory-limit", "16MiB");
        using ServeClient client = server.Connect();
        int full = Fill(client);
        // Overwriting needs memory that is not there; the old content stays.
        int refused = 0;
        for (int page = 0; page < Small; page++)
        {
            uint error = client.TryWrite((long)page * Page, ServeContent.Numbered(-1 - page));
            Assert.True(error is 0 or ServeClient.NoSpace, $"error {error}");
            refused += error == 0 ? 0 : 1;
            Assert.Equal(
                error == 0 ? ServeContent.Numbered(-1 - page) : ServeContent.Same((byte)(1 + page % 100)),
                client.Read((long)page * Page, Page));
        }
        Assert.InRange(refused, 1, Small);
        for (int page = Small; page < full; page++)
            Assert.Equal(page, ServeContent.NumberOf(client.Read((long)page * Page, Page)));
        JsonElement disk = server.Stat();
        Assert.Equal(1 + refused, disk.GetProperty("outOfSpaceErrors").GetInt64());
        Assert.InRange(disk.GetProperty("refusedWrites").GetInt64(), 1 + refused, long.MaxValue);
        string shown = server.Ask("stat").Output;
        Assert.Matches($"Refused.*{disk.GetProperty("refusedWrites").GetInt64():N0} pages", shown);
        Assert.Contains($"{1 + refused} requests", shown, StringComparison.Ordinal);
        Assert.InRange(disk.GetProperty("totalBytes").GetInt64(), 1, 16 << 20);
        Assert.InRange(disk.GetProperty("peakBytes").GetInt64(), 12 << 20, 16 << 20);

        client.Trim(Small * Page, (uint)(full - Small) / 2 * Page);
        for (int page = Small; page < Small + (full - Small) / 4; page++)
            client.Write((long)page * Page, ServeContent.Numbered(-page));
        for (int page = Small + (full - Small) / 2; page < full; page++)
            Assert.Equal(page, ServeContent.NumberOf(client.Read((long)page * Page, Page)));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(null)]
    public void The_rate_of_refusals_is_an_option_of_the_server(int? rate)
    {
        ServeOptions options = new()
        {
            Exports = [],
            EndPoints = [],
            Codec = new NamedCodec("lz4", PageCodec.Lz4),
            Upkeep = new UpkeepOptions(),
            RefusalsPerSecond = ServeArguments.Rate("--refusals-per-second", rate is null ? "off" : $"{rate}"),
        };
        Assert.Equal(rate, ServeRun.ServerOptions(options, [], tls: null, _ => { }).RefusalsPerSecond);
    }

    [Fact]
    public void A_full_disk_is_kept()
    {
        using ServeFolder folder = new();
        int full;
        using (ServeProcess server = ServeProcess.Start(
            folder, "--size", "64MiB", "--memory-limit", "16MiB", "--keep", folder["kept"], "--refusals-per-second", "off"))
        {
            using ServeClient client = server.Connect();
            full = Fill(client);
            Assert.True(server.Terminate() == 0, server.Log);
        }
        // With the same limit, or it would have to be raised each time.
        using ServeProcess again = ServeProcess.Start(folder, "--keep", folder["kept"], "--memory-limit", "16MiB");
        using ServeClient reader = again.Connect();
        for (int page = Small; page < full; page++)
            Assert.Equal(page, ServeContent.NumberOf(reader.Read((long)page * Page, Page)));
    }

    [Fact]
    public void A_full_disk_is_saved_while_it_is_served()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB", "--memory-limit", "16MiB");
        using ServeClient client = server.Connect();
        int full = Fill(client);
        byte[] content = client.Read(0, full * Page);
        for (int round = 0; round < 2; round++)
        {
            server.Figures("snapshot", folder["snapshot"]);
            server.Figures("snapshot", "--raw", folder["image"]);
        }
        Assert.Equal(content, File.ReadAllBytes(folder["image"])[..content.Length]);
        using ServeProcess again = ServeProcess.Start(folder, "--restore", folder["snapshot"], "--memory-limit", "20MiB");
        using ServeClient reader = again.Connect();
        Assert.Equal(content, reader.Read(0, content.Length));
    }

    // Some pages that take almost no memory, then noise until nothing more fits; returns the page that did not fit.
    private static int Fill(ServeClient client)
    {
        for (int page = 0; page < Small; page++)
            client.Write((long)page * Page, ServeContent.Same((byte)(1 + page % 100)));
        for (int page = Small; page < 16_384; page++)
        {
            uint error = client.TryWrite((long)page * Page, ServeContent.Numbered(page));
            if (error == 0)
                continue;
            Assert.Equal(ServeClient.NoSpace, error);
            return page;
        }
        Assert.Fail("a disk with a limit took more than that");
        return 0;
    }

    [Fact]
    public async Task A_training_gives_its_memory_to_clients_and_the_command_says_so()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "256MiB", "--memory-limit", "64MiB");
        using ServeClient client = server.Connect();
        const int Block = 1 << 20;
        byte[] letters = ServeContent.Letters(8 * Block, 1);
        client.Write(0, letters);
        client.Flush();
        Task<Command> training = Task.Run(() => server.Ask("recompress", "--codec", "fold:dense", "--train", "64KiB"));
        ServeProcess.Until(() => server.Stat().GetProperty("trainingBytes").GetInt64() > 0 || training.IsCompleted, "training");
        Assert.Contains("for training, given back after it", server.Ask("stat").Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        int written = 0;
        while (client.TryWrite((8L + written) * Block, ServeContent.Noise(Block, written)) == 0)
            written++;
        Command run = await training;
        Assert.Contains("a write needed its memory within serve --memory-limit", run.Error, StringComparison.Ordinal);
        Assert.Equal(3, run.ExitCode);
        Assert.Equal(0, server.Stat().GetProperty("trainingBytes").GetInt64());
        // All of the limit but the letters, the tables and the cache.
        Assert.InRange(written, 50, 60);
        Assert.Equal(letters, client.Read(0, letters.Length));
        for (int i = 0; i < written; i++)
            Assert.Equal(ServeContent.Noise(Block, i), client.Read((8L + i) * Block, Block));
    }
}
