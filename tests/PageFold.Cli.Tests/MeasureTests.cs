using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary><c>pagefold measure</c> as a user runs it: figures that agree with each other.</summary>
public class MeasureTests
{
    [Theory]
    [InlineData]
    [InlineData("--codec", "zstd", "--level", "1")]
    [InlineData("--codec", "zstd:9")]
    [InlineData("--codec", "none")]
    [InlineData("--codec", "fold")]
    [InlineData("--codec", "FOLD:dense", "--page-size", "64KiB")]
    [InlineData("--page-size", "16KiB", "--threads", "3")]
    [InlineData("--page-size", "65536", "--chain", "1")]
    public void Measures_a_folder_and_verifies_every_page(params string[] options)
    {
        using DataFolder data = new();
        Command run = Command.Run(["measure", data.Path, "--json", "-", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement json = run.Json;
        Assert.True(json.GetProperty("verified").GetBoolean());
        long pageSize = json.GetProperty("pageSize").GetInt64();
        long pages = json.GetProperty("pages").GetInt64();
        Assert.Equal(2 * 1024 * 1024 / pageSize + 1, pages);
        Assert.Equal(pages * pageSize, json.GetProperty("originalBytes").GetInt64());
        long total = json.GetProperty("totalBytes").GetInt64();
        long compressed = json.GetProperty("compressedBytes").GetInt64();
        Assert.Equal(total, json.GetProperty("poolBytes").GetInt64() + json.GetProperty("tableBytes").GetInt64());
        Assert.Equal((double)total / compressed, json.GetProperty("overhead").GetDouble(), 9);
        Assert.Equal((double)pages * pageSize / total, json.GetProperty("ratio").GetDouble(), 9);
        Assert.InRange(json.GetProperty("sameFilledPages").GetInt64(), 512 * 1024 / pageSize, 512 * 1024 / pageSize + 1);
        Assert.InRange(json.GetProperty("incompressiblePages").GetInt64(), 512 * 1024 / pageSize, pages);
        Assert.True(json.TryGetProperty("residentGrowthBytes", out _));
        foreach (string phase in (string[])["store", "load"])
        {
            foreach (string figure in (string[])["seconds", "mibPerSecond", "p50Us", "p99Us"])
                Assert.True(json.GetProperty(phase).GetProperty(figure).GetDouble() > 0, $"{phase}.{figure}");
        }
        JsonElement after = json.GetProperty("afterDiscard");
        Assert.Equal((double)after.GetProperty("totalBytes").GetInt64() / after.GetProperty("compressedBytes").GetInt64(),
            after.GetProperty("overhead").GetDouble(), 9);
        Assert.True(after.GetProperty("compactedOverhead").GetDouble() <= after.GetProperty("overhead").GetDouble());
    }

    [Theory]
    [InlineData("zstd:9", "zstd", 9)]
    [InlineData("fold:fast", "fold", null)]
    [InlineData("fold:dense", "fold:dense", null)]
    public void The_report_names_a_codec_as_the_option_takes_it(string option, string codec, int? level)
    {
        using DataFolder data = new(64);
        string file = Path.Combine(data.Path, "report.json");
        Command run = Command.Run("measure", Path.Combine(data.Path, "text"), "--codec", option, "--json", file);
        Assert.True(run.ExitCode == 0, run.Error);
        string shown = level is null ? codec : option;
        // A long title is folded.
        string output = string.Join(' ', run.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"text: {shown}, 4.0 KiB pages", output, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        Assert.Equal(codec, json.GetProperty("codec").GetString());
        JsonElement written = json.GetProperty("level");
        Assert.Equal(level, written.ValueKind == JsonValueKind.Null ? null : written.GetInt32());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("recompressed").ValueKind);
    }

    [Fact]
    public void Auto_reports_what_is_held_after_writing_and_once_idle()
    {
        using DataFolder data = new(2048);
        string file = Path.Combine(data.Path, "report.json");
        Command run = Command.Run("measure", Path.Combine(data.Path, "text"), "--codec", "auto", "--json", file);
        Assert.True(run.ExitCode == 0, run.Error);
        string[] parts = ["Held after writing", "with fold ", "Held once idle", "with fold:dense", "Compress again", "Load once idle",
            "verified: 1,024 pages, all of them, were"];
        foreach (string expected in parts)
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        Assert.Equal("auto", json.GetProperty("codec").GetString());
        Assert.Equal("fold", json.GetProperty("codecForWrites").GetString());
        JsonElement after = json.GetProperty("recompressed");
        Assert.Equal("fold:dense", after.GetProperty("codec").GetString());
        Assert.InRange(after.GetProperty("pagesRecompressed").GetInt64(), 1, 1024);
        Assert.True(after.GetProperty("compressedBytes").GetInt64() < json.GetProperty("compressedBytes").GetInt64());
        Assert.True(after.GetProperty("totalBytes").GetInt64() < json.GetProperty("totalBytes").GetInt64());
        Assert.Equal(after.GetProperty("totalBytes").GetInt64(),
            after.GetProperty("poolBytes").GetInt64() + after.GetProperty("tableBytes").GetInt64());
        Assert.True(after.GetProperty("load").GetProperty("p50Us").GetDouble() > 0);
    }

    [Fact]
    public void Tables_are_trained_on_the_pages_when_asked_for_and_used_where_they_gain()
    {
        using DataFolder data = new(1);
        File.WriteAllBytes(Path.Combine(data.Path, "letters"), ServeContent.Letters(4 << 20, 1));
        JsonElement plain = Recompressed("measure", data.Path);
        JsonElement trained = Recompressed("measure", data.Path, "--train");
        Assert.Equal((false, JsonValueKind.Null),
            (plain.GetProperty("hasOwnTables").GetBoolean(), plain.GetProperty("trainingSeconds").ValueKind));
        Assert.True(trained.GetProperty("hasOwnTables").GetBoolean());
        Assert.InRange(trained.GetProperty("compressedBytes").GetInt64(), 1, plain.GetProperty("compressedBytes").GetInt64() - 1);
        JsonElement few = Recompressed("measure", Path.Combine(data.Path, "letters"), "--train", "--sample", "64KiB");
        Assert.False(few.GetProperty("hasOwnTables").GetBoolean());
        Assert.Contains("there are 16 pages to train on, fewer than 64", few.GetProperty("notTrained").GetString(),
            StringComparison.Ordinal);
        Command wrong = Command.Run("measure", data.Path, "--train", "--codec", "zstd");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("--train goes with --codec auto only", wrong.Error, StringComparison.Ordinal);

        static JsonElement Recompressed(params string[] arguments)
        {
            Command run = Command.Run([.. arguments, "--json", "-"]);
            Assert.True(run.ExitCode == 0, run.Error);
            return run.Json.GetProperty("recompressed");
        }
    }

    [Fact]
    public void Shows_tables_bars_and_the_word_verified()
    {
        using DataFolder data = new();
        Command run = Command.Run("measure", data.Path);
        Assert.Equal(0, run.ExitCode);
        foreach (string expected in (string[])["Held after writing", "Held once idle", "times as much data",
            "Overhead", "Compressed pages by size", "verified: 513 pages, all of them, were"])
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Takes_a_sample_that_is_spread_over_the_data()
    {
        using DataFolder data = new(4096);
        Command run = Command.Run("measure", data.Path, "--sample", "4MiB", "--codec", "lz4", "--json", "-");
        Assert.Equal(0, run.ExitCode);
        Assert.InRange(run.Json.GetProperty("pages").GetInt64(), 900, 1024);
        Assert.InRange(run.Json.GetProperty("sameFilledPages").GetInt64(), 150, 350);
    }

    [Theory]
    [InlineData("300KiB", 1024)]
    [InlineData("2MiB", 2048)]
    [InlineData("8MiB", 8192)]
    public void A_limit_that_the_first_pages_fill_is_reached_and_not_too_small(string limit, int pages)
    {
        using DataFolder data = new(pages);
        Command run = Command.Run("measure", data.Path, "--codec", "lz4", "--memory-limit", limit, "--json", "-");
        Assert.True(run.ExitCode == 3, run.Error);
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        Assert.True(run.Json.GetProperty("pages").GetInt64() > 0);
    }

    [Fact]
    public void Zeros_that_only_fill_pages_are_counted_separately()
    {
        using DataFolder data = new();
        Command run = Command.Run("measure", Path.Combine(data.Path, "short"), "--json", "-");
        Assert.Equal(4096 - "a page that is mostly missing".Length, run.Json.GetProperty("paddingBytes").GetInt64());
    }

    [Fact]
    public void A_limit_that_is_reached_is_reported_with_the_pages_that_fit()
    {
        using DataFolder data = new(2048);
        Command run = Command.Run("measure", data.Path, "--memory-limit", "1MiB", "--json", "-");
        Assert.Equal(3, run.ExitCode);
        Assert.True(run.Json.GetProperty("limitReached").GetBoolean());
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        Assert.InRange(run.Json.GetProperty("totalBytes").GetInt64(), 900_000, 1 << 20);
        Assert.True(run.Json.GetProperty("pages").GetInt64() < run.Json.GetProperty("pagesChosen").GetInt64());
        // The one short page of the data was not stored, so no stored zero is padding.
        Assert.Equal(0, run.Json.GetProperty("paddingBytes").GetInt64());
        Assert.Contains("limit reached", Command.Run("measure", data.Path, "--memory-limit", "1MiB").Output, StringComparison.Ordinal);
    }
}
