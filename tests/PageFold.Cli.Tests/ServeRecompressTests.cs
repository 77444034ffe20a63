using System.Text.Json;
using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>What <c>pagefold recompress</c> says of training, of codecs that could not be retired, and of memory.</summary>
public class ServeRecompressTests
{
    private const int Page = ServeContent.Page;

    [Fact]
    public void A_count_that_is_used_up_before_a_number_is_free_is_no_fault_and_has_its_figures()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "4MiB", "--codec", "lz4");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Text(256 * Page, 1));
        foreach ((string codec, int pages) in ((string, int)[])[("zstd:19", 32), ("zstd:1", 128), ("zstd:2", 256)])
            server.Figures("recompress", "--codec", codec, "--count", $"{pages}");
        Command run = server.Ask("recompress", "--codec", "zstd:3", "--count", "10", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal((0, 10, 22, "count"), (Figure("pagesExamined"), Figure("pagesMoved"), Figure("pagesNotMoved"),
            run.Json.GetProperty("notRetired").GetString()));
        Assert.Equal(JsonValueKind.Null, run.Json.GetProperty("trained").ValueKind);
        Assert.Contains(
            "nothing was recompressed: zstd:3 needs the number of another codec, and 22 pages of zstd:19 were not moved, since --count ",
            run.Error, StringComparison.Ordinal);
        // The pages that were moved take more now.
        Assert.Contains("what is stored has grown by ", run.Error, StringComparison.Ordinal);
        Assert.Contains(": 10 pages of a codec", run.Error, StringComparison.Ordinal);

        int Figure(string name) => run.Json.GetProperty(name).GetInt32();
    }

    [Theory]
    [InlineData(RetirementStop.NoMemory, false, 3, "because memory is short; trim or discard, or serve with a larger ")]
    [InlineData(RetirementStop.NoMemory, true, 3, "trim or discard, write pages back, or serve with a larger --memory-limit, then ")]
    [InlineData(RetirementStop.InUse, false, 3, "because they, or the codec, are in use; run it again, which goes on there")]
    [InlineData(RetirementStop.MaxPages, false, null, "since --count pages have been; run it again")]
    public void A_number_that_is_not_free_is_explained_by_codecs_cause_and_remedy(
        RetirementStop stopped, bool writesBack, int? exitCode, string expected)
    {
        RecompressionNotes notes = new(CodecNames.Parse("--codec", "zstd"), new RecompressionResult
        {
            Examined = 0,
            Recompressed = 0,
            WithoutGain = 0,
            Skipped = 0,
            BytesBefore = 1000,
            BytesAfter = 1000,
            NotMoved = 29_448,
            FoundNumber = false,
            NotRetired =
            [
                new CodecUse { Number = 1, Name = "zstd", Level = 9, Implementation = "z", Pages = 28_000 },
                new CodecUse { Number = 2, Name = "fold", Level = 1, Implementation = "f", Pages = 1448 },
            ],
            RetirementStopped = stopped,
        })
        {
            WritesBack = writesBack,
        };
        Assert.Equal(exitCode, notes.ExitCode);
        Assert.StartsWith("nothing was recompressed: zstd:3 needs the number of another codec, and 28,000 pages of zstd:9 and 1,448 pages "
            + "of fold:dense ", notes.Text, StringComparison.Ordinal);
        Assert.Contains(expected, notes.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_that_no_page_takes_are_not_kept_and_the_command_says_so()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "16MiB", "--codec", "fold");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Letters(1 << 20, 1));
        server.Figures("recompress", "--codec", "zstd:19");
        Command run = server.Ask("recompress", "--codec", "fold", "--train", "0", "--json");
        Assert.Equal((0, "notKept"), (run.ExitCode, run.Json.GetProperty("trained").GetString()));
        Assert.Contains("tables were trained, but no page became smaller by them; they are not kept", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Stat().GetProperty("codecs").EnumerateArray(),
            codec => codec.GetProperty("dictionaryBytes").GetInt32() > 0);
    }

    [Fact]
    public void What_training_gained_too_little_is_said_with_the_figure()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "16MiB", "--codec", "fold");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Letters(1 << 20, 1));
        server.Figures("recompress", "--codec", "fold:dense", "--train", "0");
        Command again = server.Ask("recompress", "--codec", "fold:dense", "--train", "0", "--json");
        Assert.Equal("no", again.Json.GetProperty("trained").GetString());
        Assert.Matches("^tables of their own would make the pages [0-9.]+ % (smaller|larger) than those in use, and 2 % is the least$",
            again.Json.GetProperty("notTrained").GetString());
        Assert.Contains("nothing was trained: tables of their own", again.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--idle", "1d")]
    [InlineData("--incompressible")]
    [InlineData("--at-least", "4GiB")]
    public void Nothing_is_trained_where_no_page_meets_the_conditions(params string[] conditions)
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "16MiB", "--codec", "fold");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Letters(1 << 20, 1));
        foreach (string codec in (string[])["fold:dense", "zstd:9"])
        {
            Command run = server.Ask(["recompress", "--codec", codec, "--train", "--json", .. conditions]);
            Assert.DoesNotContain("Training", run.Error, StringComparison.Ordinal);
            Assert.Equal(("no", "no page meets the conditions"),
                (run.Json.GetProperty("trained").GetString(), run.Json.GetProperty("notTrained").GetString()));
        }
    }

    [Fact]
    public void A_training_that_is_interrupted_leaves_everything_as_it_was()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "64MiB", "--codec", "fold");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Letters(16 << 20, 1));
        Command run = Command.RunProcess(
            "dotnet", [Command.Program, "recompress", "--codec", "fold:dense", "--train", "--control", server.ControlPath], process =>
            {
                ServeProcess.Until(() => process.HasExited || server.Stat().GetProperty("trainingBytes").GetInt64() > 0, "training");
                ServeProcess.Signal("-INT", process.Id);
                if (!process.WaitForExit(ServeProcess.Patience))
                    process.Kill();
            });
        Assert.Equal(130, run.ExitCode);
        Assert.Contains("cancelled during the training; nothing has changed.", run.Error, StringComparison.Ordinal);
        Assert.Single(server.Stat().GetProperty("codecs").EnumerateArray());
    }

    [Fact]
    public void Memory_that_is_too_small_to_train_in_is_refused_with_what_the_server_can_do()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "16MiB", "--codec", "fold", "--memory-limit", "4MiB");
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Letters(1 << 20, 1));
        Command run = server.Ask("recompress", "--codec", "fold:dense", "--train", "64KiB");
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("within serve --memory-limit (4,194,304 bytes)", run.Error, StringComparison.Ordinal);
        Assert.Contains("raise serve --memory-limit", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("write pages back", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("100KiB")]
    [InlineData("300KiB")]
    [InlineData("500KiB")]
    public void A_limit_that_is_too_small_for_a_disk_is_refused_with_one_that_is_enough(string limit)
    {
        using ServeFolder folder = new();
        string[] serve = ["serve", "--size", "1MiB", "--unix", folder["s"], "--memory-limit"];
        string? enough = null;
        foreach (string[] command in (string[][])[serve, ["measure", Command.Program, "--sample", "4KiB", "--memory-limit"]])
        {
            Command run = Command.Run([.. command, limit]);
            Assert.Equal(2, run.ExitCode);
            Assert.Contains($"--memory-limit {limit[..3]}.0 KiB is too small for a page and codec fold with fold:dense; choose at least ",
                run.Error, StringComparison.Ordinal);
            Assert.Contains(", or --codec lz4", run.Error, StringComparison.Ordinal);
            enough = run.Error.Split("choose at least ")[1].Split(',')[0];
        }
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--memory-limit", enough!);
        using ServeClient client = server.Connect();
        client.Write(0, ServeContent.Text(Page, 1));
    }

    [Theory]
    [InlineData("fold:dense", "fold", true)]
    [InlineData("fold", "lz4", true)]
    [InlineData("zstd:9", "zstd:3", true)]
    [InlineData("zstd:3", "lz4", true)]
    [InlineData("fold", "fold:dense", false)]
    [InlineData("zstd:3", "zstd:9", false)]
    [InlineData("lz4", "fold", false)]
    [InlineData("fold:dense", "zstd:9", false)]
    [InlineData("zstd:3", "fold:dense", false)]
    public void A_codec_for_idle_pages_that_is_less_dense_is_known(string forWrites, string forIdle, bool expected) =>
        Assert.Equal(expected, CodecNames.IsLessDense(CodecNames.Parse("--recompress", forIdle), CodecNames.Parse("--codec", forWrites)));

    [Fact]
    public void A_less_dense_codec_for_idle_pages_is_warned_of()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.Start(folder, "--size", "1MiB", "--codec", "fold:dense", "--recompress", "fold");
        Assert.Contains("WARNING: --recompress fold is less dense than --codec fold:dense", server.Log, StringComparison.Ordinal);
    }
}
