using System.Runtime.InteropServices;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>Runs <c>pagefold bench alloc</c> once, with the table on standard output and the figures in a file.</summary>
public sealed class BenchAllocRun : IDisposable
{
    private readonly DataFolder _data = new(4096);

    public BenchAllocRun()
    {
        string file = Path.Combine(_data.Path, "report.json");
        Run = Command.RunAlone("bench", "alloc", "--data", _data.Path, "--rounds", "1", "--json", file);
        Json = File.Exists(file) ? JsonDocument.Parse(File.ReadAllText(file)).RootElement : default;
    }

    public JsonElement Json { get; }

    internal Command Run { get; }

    public void Dispose() => _data.Dispose();
}

/// <summary><c>pagefold bench alloc</c> as a user runs it. No time is asserted.</summary>
public class BenchAllocTests(BenchAllocRun bench) : IClassFixture<BenchAllocRun>
{
    [Fact]
    public void Verifies_the_content_of_every_object()
    {
        Assert.True(bench.Run.ExitCode == 0, bench.Run.Error);
        Assert.True(bench.Json.GetProperty("verified").GetBoolean());
        // A quarter of the data is zeros; the rest is text and noise.
        Assert.InRange(bench.Json.GetProperty("objects").GetInt32(), 3073, 3074);
        Assert.InRange(bench.Json.GetProperty("askedBytes").GetInt64(), 4 << 20, 12 << 20);
        Assert.Equal("lz4", bench.Json.GetProperty("codec").GetString());
    }

    [Fact]
    public void Measures_every_installed_allocator_and_names_the_others()
    {
        Assert.Contains("pagefold", Subjects());
        string[] unavailable = [.. bench.Json.GetProperty("unavailable").EnumerateObject().Select(property => property.Name)];
        Assert.Equal(4, Subjects().Length + unavailable.Length);
        Assert.Empty(Subjects().Intersect(unavailable));
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains("glibc", Subjects());
            Assert.Equal(Installed("libjemalloc.so.2"), Subjects().Contains("jemalloc"));
            Assert.Equal(
                Installed("libmimalloc.so.2", "libmimalloc.so.2.0", "libmimalloc.so.3", "libmimalloc.so"), Subjects().Contains("mimalloc"));
        }
    }

    [Fact]
    public void Times_every_phase_of_every_allocator()
    {
        foreach (string subject in Subjects())
        {
            foreach (string phase in (string[])["churnWithContent", "churnZeroed", "churn", "fill", "free"])
            {
                JsonElement row = Assert.Single(
                    bench.Json.GetProperty("rows").EnumerateArray(),
                    row => row.GetProperty("subject").GetString() == subject && row.GetProperty("phase").GetString() == phase);
                Assert.True(row.GetProperty("nanoseconds").GetDouble() > 0);
                Assert.True(row.GetProperty("least").GetDouble() > 0);
                Assert.True(row.GetProperty("most").GetDouble() >= row.GetProperty("least").GetDouble());
            }
        }
    }

    [Fact]
    public void Measures_the_memory_of_every_allocator_separately()
    {
        long asked = bench.Json.GetProperty("askedBytes").GetInt64();
        foreach (string subject in Subjects())
        {
            Assert.Equal(asked, Memory(subject, "fresh").GetProperty("askedBytes").GetInt64());
            Assert.InRange(Memory(subject, "halfFreed").GetProperty("askedBytes").GetInt64(), asked / 3, asked * 2 / 3);
            foreach (string state in (string[])["fresh", "halfFreed", "churned"])
            {
                JsonElement memory = Memory(subject, state);
                double heldPerAsked = memory.GetProperty("heldPerAsked").GetDouble();
                Assert.True(heldPerAsked > 0);
                Assert.Equal(
                    (double)memory.GetProperty("heldBytes").GetInt64() / memory.GetProperty("askedBytes").GetInt64(), heldPerAsked, 9);
            }
        }
        Assert.InRange(Memory("pagefold", "fresh").GetProperty("heldPerAsked").GetDouble(), 1, 1.6);
        Assert.InRange(Memory("pagefold", "fresh").GetProperty("accountedBytes").GetInt64(), asked, asked * 8 / 5);
    }

    [Fact]
    public void Shows_the_tables_and_a_comparison_with_the_fastest()
    {
        string[] parts = ["PageFold", "churn, content", "free all", "fresh", "Memory held / bytes asked", "the time of", "verified"];
        foreach (string expected in parts)
            Assert.Contains(expected, bench.Run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no file or folder", "--data", "/no/such/path")]
    [InlineData("--codec gzip", "--codec", "gzip")]
    [InlineData("--level 3", "--level", "3")]
    [InlineData("--page-size 5000", "--page-size", "5000")]
    [InlineData("--sample 0", "--sample", "0")]
    [InlineData("smaller than a page", "--sample", "4095")]
    [InlineData("--rounds 0", "--rounds", "0")]
    [InlineData("--rounds many", "--rounds", "many")]
    [InlineData("--pid 0", "--pid", "0")]
    [InlineData("together", "--pid", "1", "--data", "/tmp")]
    [InlineData("--json needs a file", "--json", "")]
    [InlineData("'--bogus'", "--bogus")]
    public void Bad_input_gets_one_line_and_exit_code_two(string expected, params string[] arguments)
    {
        Command.AssertRefused(expected, ["bench", "alloc", .. arguments]);
    }

    private static string Machine => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64";

    private static bool Installed(params string[] libraries) =>
        ((string[])["/lib", "/usr/lib", "/usr/lib64", $"/usr/lib/{Machine}-linux-gnu"])
            .Any(folder => libraries.Any(library => File.Exists(Path.Combine(folder, library))));

    private string[] Subjects() =>
        [.. bench.Json.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("subject").GetString()!).Distinct()];

    private JsonElement Memory(string subject, string state) => Assert.Single(bench.Json.GetProperty("memory").EnumerateArray(),
        memory => memory.GetProperty("subject").GetString() == subject && memory.GetProperty("state").GetString() == state);
}
