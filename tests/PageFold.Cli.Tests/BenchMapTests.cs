using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>Runs <c>pagefold bench map</c> once, with the tables on standard output and the figures in a file.</summary>
public sealed class BenchMapRun : IDisposable
{
    private readonly ServeFolder _folder = new();

    public BenchMapRun()
    {
        Run = Command.Run(
            "bench", "map", "--sizes", "1000", "--window-sizes", "1632,3264", "--frame-sizes", "4KiB,16KiB", "--working-set", "2MiB",
            "--rounds", "1", "--json", _folder["report"]);
        Json = File.Exists(_folder["report"]) ? JsonDocument.Parse(File.ReadAllText(_folder["report"])).RootElement : default;
    }

    public JsonElement Json { get; }

    internal Command Run { get; }

    public void Dispose() => _folder.Dispose();
}

/// <summary><c>pagefold bench map</c> as a user runs it. No time is asserted.</summary>
public class BenchMapTests(BenchMapRun bench) : IClassFixture<BenchMapRun>
{
    // Windows are mapped and unmapped tens of thousands of times. Frames that are no system pages have none.
    private static readonly string[] WithoutWindows = ["--frame-sizes", "16KiB", "--rounds", "1"];

    [Fact]
    public void Measures_every_access_for_every_size_and_share()
    {
        Command run = Command.Run(
            ["bench", "map", "--sizes", "1000,4000", "--straddling", "0,25,100", "--working-set", "2MiB", .. WithoutWindows,
                "--json", "-"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        JsonElement[] rows = [.. run.Json.GetProperty("rows").EnumerateArray()];
        Assert.Equal(2 * 3 * 5 * 2, rows.Length);
        foreach (int size in (int[])[1000, 4000])
        {
            foreach (int percent in (int[])[0, 25, 100])
            {
                foreach (string access in (string[])["pointer", "map", "view", "read", "writeMap"])
                {
                    foreach (string touched in (string[])["first", "all"])
                    {
                        JsonElement row = Assert.Single(rows, row => row.GetProperty("size").GetInt32() == size
                            && row.GetProperty("straddlingPercent").GetInt32() == percent
                            && row.GetProperty("access").GetString() == access
                            && row.GetProperty("bytesTouched").GetString() == touched);
                        Assert.InRange(row.GetProperty("objects").GetInt32(), 100, (2 << 20) / size);
                        Assert.True(row.GetProperty("nanoseconds").GetDouble() > 0);
                        Assert.True(row.GetProperty("most").GetDouble() >= row.GetProperty("least").GetDouble());
                    }
                }
            }
        }
    }

    [Fact]
    public void Compares_copy_and_window_by_size_and_frame()
    {
        Assert.True(bench.Run.ExitCode == 0, bench.Run.Error);
        Assert.True(bench.Json.GetProperty("verified").GetBoolean());
        JsonElement[] mappings = [.. bench.Json.GetProperty("mappings").EnumerateArray()];
        Assert.Equal(2 * 2 * 2, mappings.Length);
        foreach (JsonElement row in mappings)
        {
            Assert.Contains(row.GetProperty("size").GetInt32(), (int[])[1632, 3264]);
            Assert.Contains(row.GetProperty("straddlingPercent").GetInt32(), (int[])[33, 100]);
            Assert.True(row.GetProperty("copy").GetProperty("nanoseconds").GetDouble() > 0);
            bool hasWindows = OperatingSystem.IsLinux() && Environment.Is64BitProcess;
            bool possible = hasWindows && row.GetProperty("frameSize").GetInt32() == Environment.SystemPageSize;
            Assert.Equal(possible ? JsonValueKind.Object : JsonValueKind.Null, row.GetProperty("window").ValueKind);
        }
    }

    [Fact]
    public void Shows_tables_and_the_word_verified()
    {
        Assert.True(bench.Run.ExitCode == 0, bench.Run.Error);
        string[] parts =
        [
            "pointer", "map", "view", "Copy against window", "first byte touched", "all bytes read or written", "verified",
        ];
        foreach (string expected in parts)
            Assert.Contains(expected, bench.Run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_share_that_is_not_possible_is_skipped_with_a_note()
    {
        // Objects as long as a frame never straddle.
        Command run = Command.Run(
            ["bench", "map", "--sizes", "4096", "--straddling", "0,50", "--working-set", "2MiB", .. WithoutWindows, "--json", "-"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(run.Json.GetProperty("rows").EnumerateArray(), row => Assert.Equal(0, row.GetProperty("straddlingPercent").GetInt32()));
        Assert.Contains(
            "4096 bytes, 50 % straddling was not measured", run.Json.GetProperty("notes")[0].GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--sizes 0", "--sizes", "0")]
    [InlineData("--sizes 4097", "--sizes", "256,4097")]
    [InlineData("--window-sizes 9999", "--window-sizes", "9999")]
    [InlineData("--frame-sizes 5KiB is not a frame size", "--frame-sizes", "5KiB")]
    [InlineData("--frame-sizes 4KiB,4096 names a size twice", "--frame-sizes", "4KiB,4096")]
    [InlineData("--sizes 64,64 names a number twice", "--sizes", "64,64")]
    [InlineData("--straddling 101", "--straddling", "101")]
    [InlineData("--straddling some", "--straddling", "some")]
    [InlineData("--working-set 4096", "--working-set", "4096")]
    [InlineData("--working-set 900TiB", "--working-set", "900TiB")]
    [InlineData("--working-set much", "--working-set", "much")]
    [InlineData("--rounds 0", "--rounds", "0")]
    [InlineData("--json /no/such/folder/x", "--json", "/no/such/folder/x")]
    [InlineData("'--bogus'", "--bogus")]
    public void Bad_input_gets_one_line_and_exit_code_two(string expected, params string[] arguments)
    {
        Command.AssertRefused(expected, ["bench", "map", .. arguments]);
    }

    [Fact]
    public void A_share_that_no_object_can_have_is_an_error()
    {
        Command run = Command.Run(
            ["bench", "map", "--sizes", "4096", "--straddling", "50", "--working-set", "4MiB", .. WithoutWindows]);
        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains("nothing could be measured: 4096 bytes, 50 %", run.Error, StringComparison.Ordinal);
        Assert.Contains("--straddling", run.Error, StringComparison.Ordinal);
    }
}
