using System.Text.Json;
using PageFold.Cli.Bench.Codecs;

namespace PageFold.Cli.Tests;

/// <summary>
/// <c>pagefold bench codec</c>: every codec at hand is measured, and every page comes back as it was. How fast is not asserted.
/// </summary>
public class BenchCodecTests
{
    private static readonly string[] Short = ["--rounds", "1", "--page-size", "4KiB"];

    [Fact]
    public void Measures_every_codec_at_every_page_size_or_names_what_is_missing()
    {
        using DataFolder data = new();
        Command run = Command.Run(
            "bench", "codec", "--data", data.Path, "--rounds", "1", "--page-size", "4KiB,16KiB", "--codecs",
            "LZ4,lz4-managed,none,zstd:-1", "zstd", "fold:fast,fold:dense", "lz4hc,lzo,snappy", "--json", "-");
        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement json = run.Json;
        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.False(json.GetProperty("holdout").GetBoolean());
        Assert.False(string.IsNullOrEmpty(Text(json, "cpu")));
        Assert.Equal(data.Path, Text(json, "data"));
        Assert.Equal(64 << 20, json.GetProperty("sample").GetInt64());
        Dictionary<int, int> pages = json.GetProperty("pageSizes").EnumerateArray().ToDictionary(
            size => size.GetProperty("pageSize").GetInt32(), size => size.GetProperty("pages").GetInt32());
        Assert.Equal([4096, 16384], pages.Keys.Order());
        JsonElement[] rows = [.. json.GetProperty("rows").EnumerateArray()];
        foreach (JsonElement row in rows)
        {
            int pageSize = row.GetProperty("pageSize").GetInt32();
            Assert.Equal(pages[pageSize], row.GetProperty("pages").GetInt32());
            long all = (long)pages[pageSize] * pageSize;
            Assert.InRange(row.GetProperty("compressedBytes").GetInt64(), 1, Text(row, "codec") == "none" ? all : all - 1);
            // The data have noise.
            Assert.InRange(row.GetProperty("rawPages").GetInt32(), 1, pages[pageSize]);
            Assert.True(row.GetProperty("compressUs").GetDouble() > 0);
            Assert.True(row.GetProperty("decompressUs").GetDouble() > 0);
            Assert.True(row.GetProperty("compressToLz4").GetDouble() > 0);
            Assert.True(row.GetProperty("decompressToLz4").GetDouble() > 0);
        }
        Assert.Distinct(rows.Select(row => (Text(row, "codec"), Text(row, "implementation"), row.GetProperty("pageSize").GetInt32())));
        string[] missing = [.. json.GetProperty("missing").EnumerateArray().Select(codec => Text(codec, "codec"))];
        foreach (string name in (string[])["fold", "fold:dense", "lz4", "lz4-managed", "none", "zstd:-1", "zstd:3"])
            Assert.All(pages.Keys, size => Assert.Contains(rows, row => Is(row, name, size)));
        foreach (string name in (string[])["lz4hc:9", "lzo", "snappy"])
            Assert.All(pages.Keys, size => Assert.NotEqual(missing.Contains(name), rows.Any(row => Is(row, name, size))));
    }

    [Fact]
    public void A_codec_whose_library_is_missing_is_named_and_the_others_are_measured()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Libraries are replaced by the path on which Linux finds them.");
        using DataFolder data = new(64);
        using DataFolder broken = new(4);
        File.WriteAllText(Path.Combine(broken.Path, "liblzo2.so.2"), "no library");
        File.WriteAllText(Path.Combine(broken.Path, "libsnappy.so.1"), "no library");
        const string Line = "LD_LIBRARY_PATH=\"$1\" exec dotnet \"$0\" bench codec --data \"$2\" --rounds 1 --page-size 4KiB";
        Command run = Command.RunProcess(
            "sh", ["-c", $"{Line} --codecs lz4,lzo,snappy --json \"$2/report\"", Command.Program, broken.Path, data.Path]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("lzo was not measured: liblzo2 is not installed (apt install liblzo2-2)", run.Output, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(File.ReadAllText(Path.Combine(data.Path, "report"))).RootElement;
        Assert.Equal(["lzo", "snappy"], json.GetProperty("missing").EnumerateArray().Select(codec => Text(codec, "codec")));
        Assert.All(json.GetProperty("rows").EnumerateArray(), row => Assert.Equal("lz4", Text(row, "codec")));
        Command none = Command.RunProcess("sh", ["-c", $"{Line} --codecs lzo", Command.Program, broken.Path, data.Path]);
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("--codecs lzo names nothing that can be measured here", none.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Shows_a_table_and_the_plane_and_draws_it()
    {
        using DataFolder data = new();
        string svg = Path.Combine(data.Path, "plane.svg");
        Command run = Command.Run(["bench", "codec", "--data", data.Path, .. Short, "--codecs", "lz4,lz4-managed,zstd:1", "--svg", svg]);
        Assert.True(run.ExitCode == 0, run.Error);
        string[] parts =
            ["a lz4", "zstd:1", "to decompress a page", "bytes kept", "same-filled", "medians of all turns of 1 round,", "verified"];
        foreach (string expected in parts)
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        Assert.All(run.Output.Split('\n'), line => Assert.True(line.Length <= 80, line));
        string drawing = File.ReadAllText(svg);
        System.Xml.Linq.XDocument.Parse(drawing);
        Assert.Contains(">zstd:1</text>", drawing, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme: dark", drawing, StringComparison.Ordinal);
    }

    [Fact]
    public void Ratios_need_lz4()
    {
        using DataFolder data = new(64);
        Command run = Command.Run(["bench", "codec", "--data", data.Path, .. Short, "--codecs", "zstd:1", "--json", "-"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(run.Json.GetProperty("rows").EnumerateArray(), row =>
            Assert.Equal(JsonValueKind.Null, row.GetProperty("decompressToLz4").ValueKind));
    }

    [Fact]
    public void A_stream_is_measured_at_one_page_size_only()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Streams are read on Linux.");
        using DataFolder data = new();
        const string Line = "cat \"$1/text\" | dotnet \"$0\" bench codec --data - --rounds 1 --codecs lz4 --json -";
        Command one = Command.RunProcess("sh", ["-c", $"{Line} --page-size 16KiB", Command.Program, data.Path]);
        Assert.True(one.ExitCode == 0, one.Error);
        Assert.Equal(16384, Assert.Single(one.Json.GetProperty("rows").EnumerateArray()).GetProperty("pageSize").GetInt32());
        Command several = Command.RunProcess("sh", ["-c", Line, Command.Program, data.Path]);
        Assert.Equal(2, several.ExitCode);
        Assert.Contains("can be read only once, and each page size reads the data again", several.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Damage.Byte, "comes back different from byte 4095 on")]
    [InlineData(Damage.Nothing, "comes back different from byte 0 on")]
    [InlineData(Damage.Refusal, "does not decompress")]
    public void A_codec_that_gives_a_page_back_different_is_named_and_fails_the_run(Damage damage, string problem)
    {
        using DataFolder data = new(64);
        string json = Path.Combine(data.Path, "report");
        int exitCode = CodecBenchCommand.Run(new CodecBenchOptions
        {
            Paths = [data.Path],
            PageSizes = [4096],
            SampleBytes = 1 << 20,
            Selection = new CodecSelection(
                [new NamedCodec("wrong", new DamagingCodec(damage)), new NamedCodec("lz4", PageCodec.Lz4)], []),
            Rounds = 1,
            HoldOut = false,
            Json = json,
        }, CancellationToken.None);
        Assert.Equal(1, exitCode);
        JsonElement report = JsonDocument.Parse(File.ReadAllText(json)).RootElement;
        Assert.False(report.GetProperty("verified").GetBoolean());
        JsonElement wrong = Assert.Single(report.GetProperty("wrong").EnumerateArray());
        Assert.Equal("wrong", Text(wrong, "codec"));
        Assert.Contains(problem, Text(wrong, "problem"), StringComparison.Ordinal);
        Assert.Equal("lz4", Text(Assert.Single(report.GetProperty("rows").EnumerateArray()), "codec"));
    }

    [Theory]
    [InlineData("--codecs foo does not exist; choose fold", "--codecs", "foo")]
    [InlineData("lz4hc with a level from 3 to 12 as in lz4hc:9, lzo or snappy", "--codecs", "lz4,foo")]
    [InlineData("--codecs '' does not exist", "--codecs", "lz4,")]
    [InlineData("--codecs zstd:99 has no possible level (99)", "--codecs", "zstd:99")]
    [InlineData("--codecs lz4hc:13 is not possible", "--codecs", "lz4hc:13")]
    [InlineData("--codecs lz4hc:x is not possible", "--codecs", "lz4hc:x")]
    [InlineData("--codecs lzo:1 is not possible", "--codecs", "lzo:1")]
    [InlineData("--codecs lz4:1 has a level (1), which lz4 does not take", "--codecs", "lz4:1")]
    [InlineData("--codecs zstd zstd:3 names a codec twice", "--codecs", "zstd", "zstd:3")]
    [InlineData("--page-size 5000 is not a page size", "--page-size", "4KiB,5000")]
    [InlineData("--page-size 4096 4KiB names a size twice", "--page-size", "4096", "4KiB")]
    [InlineData("--sample 32KiB is smaller than a page of 65536 bytes", "--sample", "32KiB")]
    [InlineData("--rounds 0", "--rounds", "0")]
    [InlineData("no file or folder", "--data", "/no/such/path")]
    [InlineData("together", "--pid", "1", "--data", "/tmp")]
    [InlineData("--svg - is no file", "--svg", "-")]
    [InlineData("name the same file", "--svg", "/tmp/pagefold-both", "--json", "/tmp/pagefold-both")]
    [InlineData("See 'pagefold bench codec --help'", "--bogus")]
    public void Bad_input_gets_one_line_and_exit_code_two(string expected, params string[] arguments) =>
        Command.AssertRefused(expected, ["bench", "codec", .. arguments]);

    private static bool Is(JsonElement row, string codec, int pageSize) =>
        Text(row, "codec") == codec && row.GetProperty("pageSize").GetInt32() == pageSize;

    private static string Text(JsonElement element, string property) => element.GetProperty(property).GetString()!;

    /// <summary>What a damaging codec does when it decompresses.</summary>
    public enum Damage
    {
        Byte,
        Nothing,
        Refusal,
    }

    /// <summary>A codec that halves every page and does not give it back.</summary>
    private sealed class DamagingCodec(Damage damage) : PageCodec
    {
        public override string Name => "wrong";

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize) => new Context(damage);

        private sealed class Context(Damage damage) : PageCodecContext
        {
            private byte[] _last = [];

            public override long Bytes => 0;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                _last = page.ToArray();
                written = page.Length / 2;
                page[..written].CopyTo(destination);
                return true;
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
            {
                if (damage == Damage.Byte)
                {
                    _last.CopyTo(page);
                    page[^1]++;
                }
                return damage != Damage.Refusal;
            }
        }
    }
}
