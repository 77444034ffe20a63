using System.CommandLine;
using System.Text.Json;
using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Values;
using Command = PageFold.Cli.Tests.Command;

namespace PageFold.CacheBench.Tests;

/// <summary><c>pagefold bench cache</c>: the reports and the refusals. No time is asserted.</summary>
public sealed class CacheBenchTests : IDisposable
{
    private readonly Requests _requests = new();

    [Fact]
    public void Hit_ratios_have_a_row_for_each_trace_capacity_objective_and_cache()
    {
        string text = _requests.WriteText(string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i % 100}\n")), ".gz");
        JsonElement report = Measure(
            "--trace", $"{text}:text", "--generate", "zipf:200:2000:0.9", "--capacity", "10%,100", "--objective", "objects,bytes");
        JsonElement[] rows = [.. report.GetProperty("rows").EnumerateArray()];
        Assert.Equal(2 * 2 * 2 * SubjectKind.All.Count, rows.Length);
        Assert.All(rows, row =>
        {
            Assert.InRange(row.GetProperty("objectHitRatio").GetDouble(), 0, 1);
            Assert.InRange(row.GetProperty("byteHitRatio").GetDouble(), 0, 1);
            Assert.Contains(row.GetProperty("objective").GetString(), (string[])["objects", "bytes"]);
            Assert.Contains(row.GetProperty("subject").GetString(), SubjectKind.All.Select(kind => kind.Name));
        });
        JsonElement whole = rows.First(row => row.GetProperty("trace").GetString() == Path.GetFileName(text)
            && row.GetProperty("subject").GetString() == "memorycache" && row.GetProperty("capacityPercent").GetDouble() == 100);
        Assert.Equal(100, whole.GetProperty("entries").GetInt32());
        Assert.Equal(1000, whole.GetProperty("requests").GetInt32());
        Assert.Equal(0.9, whole.GetProperty("objectHitRatio").GetDouble(), 12);
        Assert.Equal(JsonValueKind.Null, whole.GetProperty("capacityBytes").ValueKind);
    }

    [Fact]
    public void A_trace_with_sizes_is_measured_at_equal_bytes()
    {
        Random random = new(1);
        string sized = _requests.WriteText(string.Concat(Enumerable.Range(0, 5000).Select(i =>
        {
            int key = (int)(500 * Math.Pow(random.NextDouble(), 3));
            return $"{i} {key} {10 + key * 7919 % 91}\n";
        })));
        JsonElement report = Measure("--trace", $"{sized}:sized", "--capacity", "20%", "--threads", "2");
        JsonElement[] rows = [.. report.GetProperty("rows").EnumerateArray()];
        Assert.Equal(SubjectKind.All.Count, rows.Length);
        Assert.All(rows, row =>
        {
            double capacity = row.GetProperty("capacityBytes").GetDouble();
            Assert.InRange(row.GetProperty("heldBytes").GetDouble(), 0.85 * capacity, 1.05 * capacity);
            Assert.InRange(row.GetProperty("entries").GetInt32(), 20, 250);
            Assert.NotEqual(row.GetProperty("objectHitRatio").GetDouble(), row.GetProperty("byteHitRatio").GetDouble());
        });
        string? note = Assert.Single(report.GetProperty("notes").EnumerateArray()).GetString();
        Assert.Contains("bitfaster-lru, bitfaster-lfu", note, StringComparison.Ordinal);
    }

    [Fact]
    public void Throughput_has_a_row_for_each_operation_and_ratios_to_the_first_cache()
    {
        JsonElement report = Measure(
            "--throughput", "--entries", "200", "--rounds", "1", "--threads", "1", "--subject", "bitfaster-lru,memorycache");
        JsonElement[] rows = [.. report.GetProperty("rows").EnumerateArray()];
        Assert.Equal(["getHit", "getMiss", "set", "mixed"], rows.Select(row => row.GetProperty("operation").GetString()).Distinct());
        Assert.Equal(8, rows.Length);
        Assert.All(rows, row => Assert.True(row.GetProperty("nanoseconds").GetDouble() > 0));
        Assert.All(rows.Where(row => row.GetProperty("subject").GetString() == "bitfaster-lru"),
            row => Assert.Equal(1, row.GetProperty("ratio").GetDouble()));
        Assert.All(rows.Where(row => row.GetProperty("operation").GetString() == "mixed"),
            row => Assert.InRange(row.GetProperty("hitRatio").GetDouble(), 0.2, 0.99));
    }

    [Fact]
    public void Throughput_of_PageFold_is_shown_beside_that_of_its_codec_alone_and_with_what_filling_takes()
    {
        JsonElement report = Measure("--throughput", "--entries", "300", "--rounds", "1", "--threads", "1", "--subject", "pagefold");
        IEnumerable<string?> coder = report.GetProperty("rows").EnumerateArray()
            .Where(row => row.GetProperty("subject").GetString() == "coder" && row.GetProperty("nanoseconds").GetDouble() > 0)
            .Select(row => row.GetProperty("operation").GetString());
        Assert.Equal(["getHit", "set"], coder);
        JsonElement fill = Assert.Single(report.GetProperty("fills").EnumerateArray());
        Assert.Equal(300, fill.GetProperty("entries").GetInt64());
        Assert.True(fill.GetProperty("longestSetMilliseconds").GetDouble() > 0);
        // The least tables are shared by few entries here.
        Assert.InRange(fill.GetProperty("metadataBytesPerEntry").GetDouble(), 12, 10_000);
    }

    [Fact]
    public void The_drawing_has_a_dot_for_each_cache_on_each_line_and_in_the_legend()
    {
        string file = _requests.WriteText(string.Empty);
        Run("--generate", "loop:100:2000", "--capacity", "10%,30%", "--subject", "bitfaster-lru,memorycache", "--svg", file);
        System.Xml.Linq.XElement[] drawn = [.. System.Xml.Linq.XDocument.Load(file).Descendants()];
        // Two capacities, the mean and the legend.
        Assert.Equal(4 * 2, drawn.Count(element => element.Name.LocalName == "circle"));
        Assert.Contains(drawn, element => element.Name.LocalName == "text" && element.Value == "loop:100:2000");
    }

    [Fact]
    public void Pauses_and_density_are_measured_in_processes_of_their_own()
    {
        JsonElement pauses = Measure(
            "--pauses", "--live", "1MiB", "--minutes", "0.001", "--subject", "bitfaster-lfu", "--gc", "server");
        JsonElement figures = Assert.Single(pauses.GetProperty("rows").EnumerateArray()).GetProperty("figures");
        Assert.InRange(figures.GetProperty("entries").GetInt32(), 900, 1100);
        Assert.True(figures.GetProperty("inducedMilliseconds").GetDouble() > 0);
        Assert.True(figures.GetProperty("operations").GetInt64() > 0);
        string filling = new('x', 400);
        string values = _requests.WriteText(string.Concat(Enumerable.Range(0, 500).Select(i => $"{{\"id\":\"{filling}{i}\"}}\n")));
        JsonElement density = Measure("--density", "--entries", "20000", "--values", values, "--subject", "memorycache");
        JsonElement row = Assert.Single(density.GetProperty("rows").EnumerateArray());
        Assert.Equal(20_000, row.GetProperty("entries").GetInt32());
        Assert.InRange(row.GetProperty("residentBytes").GetInt64(), 20_000 * 400, 20_000 * 1500);
        Assert.Equal(1, row.GetProperty("ratio").GetDouble());
    }

    [Fact]
    public void Density_has_rows_for_each_file_and_another_for_values_that_the_dictionary_was_not_trained_on()
    {
        byte[][] values = JsonValues.Mixed(2000, 1);
        string records = _requests.Write(ValuesFileTests.Encode(values), ".bin");
        string lines = _requests.Write([.. values[..1000].SelectMany(value => value.Append((byte)'\n'))]);
        JsonElement both = Measure("--density", "--entries", "1000", "--values", $"{records},{lines}", "--subject", "memorycache");
        Assert.Equal(
            [(Path.GetFileName(records), 2000), (Path.GetFileName(lines), 1000)],
            both.GetProperty("values").EnumerateArray()
                .Select(set => (set.GetProperty("values").GetString(), set.GetProperty("distinctValues").GetInt32())));
        Assert.Equal(
            [Path.GetFileName(records), Path.GetFileName(lines)],
            both.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("values").GetString()));
        // So few entries leave no memory to train in, which takes seconds; the report says that there is no dictionary.
        JsonElement trained = Measure("--density", "--entries", "4000", "--values", records, "--subject", "pagefold");
        JsonElement[] rows = [.. trained.GetProperty("rows").EnumerateArray()];
        Assert.Equal([false, true], rows.Select(row => row.GetProperty("isHeldOut").GetBoolean()));
        Assert.All(rows, row => Assert.InRange(row.GetProperty("entries").GetInt32(), 4000, 20_000));
        Assert.All(rows, row => Assert.Equal(0, row.GetProperty("dictionaries").GetInt32()));
        Assert.Contains(
            trained.GetProperty("notes").EnumerateArray(),
            note => note.GetString()!.Contains("trained no dictionary", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nothing to measure; name traces with --trace FILE:FORMAT")]
    [InlineData("--throughput and --density are two measurements", "--throughput", "--density")]
    [InlineData("--generate and --pauses are two measurements", "--generate", "loop:10:100", "--pauses")]
    [InlineData("--live goes with --pauses and not with --generate", "--generate", "loop:10:100", "--live", "1GiB")]
    [InlineData("--capacity goes with --trace and not with --density", "--density", "--capacity", "2%")]
    [InlineData("--svg goes with --trace and not with --density", "--density", "--svg", "a.svg")]
    [InlineData("--capacity 0% is no share", "--generate", "loop:10:100", "--capacity", "0%")]
    [InlineData("--capacity 101% is no share", "--generate", "loop:10:100", "--capacity", "10%,101%")]
    [InlineData("--capacity 10% of loop:10:100 is 1 entries", "--generate", "loop:10:100", "--capacity", "10%")]
    [InlineData("--objective hits is not possible", "--generate", "loop:10:100", "--objective", "hits")]
    [InlineData("--subject redis is no cache; choose of", "--generate", "loop:10:100", "--subject", "redis")]
    [InlineData("names a cache twice", "--generate", "loop:10:100", "--subject", "memorycache,memorycache")]
    [InlineData("--threads 3 is not possible; choose 1 or 2", "--generate", "loop:10:100", "--threads", "3")]
    [InlineData("--gc fast is not possible", "--pauses", "--gc", "fast")]
    [InlineData("--minutes 0 is not possible", "--pauses", "--minutes", "0")]
    [InlineData("--live 5 is not possible; choose 1.0 MiB to 1.0 TiB, as in 512MiB,4GiB.", "--pauses", "--live", "5")]
    [InlineData("--entries 10 is not possible", "--throughput", "--entries", "10")]
    [InlineData("--values /no/such: there is no such file", "--density", "--values", "/no/such")]
    public void Bad_input_is_refused_with_the_remedy(string expected, params string[] arguments) =>
        TraceFileTests.Refused(expected, () => Run(arguments));

    [Fact]
    public void A_trace_in_xz_without_the_program_names_the_package()
    {
        string trace = _requests.WriteText("1\n2\n3\n", ".xz");
        Command run = Command.Shell(
            "exec env PATH=/nowhere \"$(command -v dotnet)\" \"$0\" bench cache --trace \"$1:text\"", Program, trace);
        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains("xz-utils", Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_has_a_column_for_each_cache_and_the_mean()
    {
        Command run = Command.RunProcess("dotnet", [Program, "bench", "cache", "--generate", "loop:50:500", "--capacity", "50%,100%"]);
        Assert.True(run.ExitCode == 0, run.Error);
        foreach (string expected in (string[])["Hits, % of requests", "memory", "bitfaster", "fusion", "loop:50:500", "mean", "90.00"])
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _requests.Dispose();

    private static string Program => Path.Combine(AppContext.BaseDirectory, "PageFold.CacheBench.dll");

    /// <summary>Runs the command in this process.</summary>
    private static void Run(params string[] arguments)
    {
        ParseResult parsed = CacheBenchCommand.Create().Parse(arguments);
        Assert.Empty(parsed.Errors);
        Assert.Equal(0, parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false }));
    }

    private JsonElement Measure(params string[] arguments)
    {
        string report = Path.Combine(_requests.Folder, $"{Guid.NewGuid():N}.json");
        Run([.. arguments, "--json", report]);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(report));
        return json.RootElement.Clone();
    }
}
