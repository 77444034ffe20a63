using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>Runs <c>pagefold tlb</c> once, with the matrix on standard output and its figures in a file.</summary>
public sealed class TlbRun : IDisposable
{
    private readonly ServeFolder _folder = new();

    public TlbRun()
    {
        Run = Command.Run("tlb", "--json", _folder["report"]);
        Json = File.Exists(_folder["report"]) ? JsonDocument.Parse(File.ReadAllText(_folder["report"])).RootElement : default;
    }

    public JsonElement Json { get; }

    internal Command Run { get; }

    public void Dispose() => _folder.Dispose();
}

/// <summary>The commands of the lab as a user runs them.</summary>
public class TlbTests(TlbRun matrix) : IClassFixture<TlbRun>
{
    private static readonly string[] Protocols =
    [
        "mailed", "original", "clear-flush-both-local", "clear-flush-both-broadcast", "noflush", "flush-before-clear", "copy", "shipping",
    ];

    private static readonly string[] Architectures = ["x86-64", "ppc64-hash", "ppc64-radix", "armv7", "arm64", "riscv64", "s390x"];

    private static readonly string[] Environments =
    [
        "plain", "speculative", "preemptible", "unguarded", "lazy-mmu", "reentrant", "speculative+preemptible+lazy-mmu+reentrant",
    ];

    [Fact]
    public void The_matrix_as_JSON_has_every_combination_once()
    {
        Assert.True(matrix.Run.ExitCode == 0, matrix.Run.Error);
        JsonElement[] rows = [.. matrix.Json.EnumerateArray()];
        IEnumerable<string> combinations =
            from protocol in Protocols
            from environment in Environments
            from architecture in Architectures
            select $"{protocol} {architecture} {environment}";
        Assert.Equal(
            combinations.Order(),
            rows.Select(row => $"{Text(row, "protocol")} {Text(row, "architecture")} {Text(row, "environment")}").Order());
        foreach (JsonElement row in rows)
        {
            string verdict = Text(row, "verdict");
            Assert.Contains(verdict, (string[])["safe", "corrupts", "faults", "breaksRule"]);
            Assert.True(row.GetProperty("statesExplored").GetInt32() > 0);
            Assert.Equal(verdict != "safe", row.TryGetProperty("traceLength", out _));
            Assert.Equal(verdict == "breaksRule", row.TryGetProperty("rule", out _));
            if (Text(row, "protocol") == "shipping")
                Assert.Equal("safe", verdict);
        }
    }

    [Fact]
    public void The_matrix_fits_eighty_columns_and_says_its_bounds()
    {
        Assert.True(matrix.Run.ExitCode == 0, matrix.Run.Error);
        Assert.All(matrix.Run.Output.Split('\n'), line => Assert.True(line.Length <= 80, line));
        string[] parts =
        [
            "mailed", "shipping", "all but", "2 CPUs, 3 objects, 3 map cycles per CPU, 2 interrupts", "barrier-after-set", "corrupts",
            "safe",
        ];
        foreach (string expected in parts)
            Assert.Contains(expected, matrix.Run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_of_the_matrix_can_be_chosen()
    {
        Command run = Command.Run(
            "tlb", "--protocol", "mailed,copy", "--arch", "arm64", "--environment", "plain", "unguarded+speculative", "--json", "-");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(
            [
                "mailed arm64 plain corrupts", "mailed arm64 speculative+unguarded corrupts",
                "copy arm64 plain safe", "copy arm64 speculative+unguarded corrupts",
            ],
            run.Json.EnumerateArray().Select(row => string.Join(
                ' ', Text(row, "protocol"), Text(row, "architecture"), Text(row, "environment"), Text(row, "verdict"))));
    }

    [Fact]
    public void The_list_that_answers_the_question_of_2012()
    {
        Command run = Command.Run("tlb", "--safe-on", "x86-64", "--corrupts-on", "ppc64-hash");
        Assert.True(run.ExitCode == 0, run.Error);
        string[] parts =
        [
            "original", "clear-flush-both-local", "clear-flush-both-broadcast", "flush-before-clear", "stranded",
            "7 combinations are safe on x86-64 and corrupt on ppc64-hash",
        ];
        foreach (string expected in parts)
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("mailed", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_what_one_thread_does_not_show()
    {
        Command run = Command.Run("tlb", "--safe-with-one-thread", "--corrupts-on", "ppc64-hash", "--json", "-");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(
            ["clear-flush-both-broadcast", "clear-flush-both-local", "copy", "flush-before-clear", "mailed", "noflush"],
            run.Json.EnumerateArray().Where(row => Text(row, "environment") == "unguarded").Select(row => Text(row, "protocol")).Order());
    }

    [Fact]
    public void Explains_the_stale_first_page()
    {
        Command run = Command.Run("tlb", "explain", "--protocol", "mailed", "--arch", "x86-64");
        Assert.True(run.ExitCode == 0, run.Error);
        string[] parts =
        [
            "B: access(p0) hits A0", "TLB 0", "PTEs", "wants B0 and gets A0, which the TLB of CPU 0", "A shortest trace, 15 steps",
        ];
        foreach (string expected in parts)
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Explains_the_stranded_hash_entry_in_a_drawing_and_as_JSON()
    {
        string drawing = Path.Combine(Path.GetTempPath(), $"pagefold-{Guid.NewGuid()}.svg");
        try
        {
            Command run = Command.Run("tlb", "explain", "--protocol", "original", "--arch", "ppc64-hash", "--svg", drawing, "--json", "-");
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Equal("corrupts", Text(run.Json, "verdict"));
            Assert.Equal(2, run.Json.GetProperty("bounds").GetProperty("cpus").GetInt32());
            Assert.Contains("stranded in the hash table", Text(run.Json, "sentence"), StringComparison.Ordinal);
            JsonElement last = run.Json.GetProperty("trace").EnumerateArray().Last();
            Assert.Equal("A0 A1", last.GetProperty("hashTable")[0].GetString());
            string svg = File.ReadAllText(drawing);
            System.Xml.Linq.XDocument.Parse(svg);
            Assert.Contains("B: access(p0) hits A0", svg, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(drawing);
        }
    }

    [Fact]
    public void Shows_what_each_step_is_for()
    {
        Command run = Command.Run("tlb", "steps", "--protocol", "mailed", "--cycles", "2", "--interrupts", "1");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("flush_local(p1)", run.Output, StringComparison.Ordinal);
        Assert.Contains("nowhere: unnecessary", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exploration_that_gives_up_reports_how_far_it_came_and_exits_with_three()
    {
        Command run = Command.Run(
            "tlb", "--protocol", "shipping", "--arch", "x86-64", "--environment", "plain", "preemptible", "--cpus", "3", "--max-states",
            "20000");
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("gave up", run.Output, StringComparison.Ordinal);
        Assert.Contains("after 20,00", run.Error, StringComparison.Ordinal);
        Assert.Contains("--max-states", run.Error, StringComparison.Ordinal);
        Command explain = Command.Run(
            "tlb", "explain", "--protocol", "shipping", "--arch", "x86-64", "--environment", "preemptible", "--cpus", "3", "--max-states",
            "20000");
        Assert.Equal(3, explain.ExitCode);
        Assert.Contains("not known", explain.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_incomplete_exploration_is_never_called_safe()
    {
        string[] few = ["--protocol", "copy", "--arch", "x86-64", "--environment", "plain", "unguarded", "--max-states", "100"];
        Command matrix = Command.Run(["tlb", .. few, "--json", "-"]);
        Assert.Equal(3, matrix.ExitCode);
        Assert.Empty(matrix.Json.EnumerateArray());
        Assert.Single(matrix.Error.Split('\n'), line => line.Contains("gave up", StringComparison.Ordinal));
        Command list = Command.Run("tlb", "--safe-on", "x86-64", "--protocol", "copy", "--max-states", "100");
        Assert.Contains("what they would add is not known", list.Output, StringComparison.Ordinal);
        Command explain = Command.Run("tlb", "explain", "--protocol", "copy", "--arch", "x86-64", "--max-states", "100", "--json", "-");
        Assert.False(explain.Json.TryGetProperty("verdict", out _));
        Assert.False(explain.Json.GetProperty("isComplete").GetBoolean());
        Command steps = Command.Run("tlb", "steps", "--protocol", "mailed", "--max-states", "10", "--json", "-");
        Assert.Equal(3, steps.ExitCode);
        Assert.All(steps.Json.EnumerateArray(), step => Assert.False(step.TryGetProperty("necessary", out _)));
    }

    [Fact]
    public void Bounds_that_cannot_show_anything_cause_a_remark()
    {
        Command run = Command.Run(
            "tlb", "--protocol", "copy", "--environment", "reentrant", "unguarded", "--cpus", "1", "--objects", "1", "--cycles", "1",
            "--interrupts", "0");
        Assert.True(run.ExitCode == 0, run.Error);
        foreach (string expected in (string[])["with one object", "with one map cycle", "without interrupts", "with one CPU"])
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Explains_the_environment()
    {
        Command run = Command.Run(
            "tlb", "explain", "--protocol", "clear-flush-both-broadcast", "--arch", "ppc64-hash", "--environment", "lazy-mmu");
        Assert.Contains("lazy-mmu: each task maps inside a batch", run.Output, StringComparison.Ordinal);
        Assert.Contains("each task is inside a batch of its own", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(22, "the matrix needs 23 columns and the terminal has 22; make it wider, or use --json -.", "x86-64")]
    [InlineData(30, "the terminal has 30; make it wider, choose fewer with --arch, or use --json -.", "x86-64,arm64")]
    [InlineData(23, "", "x86-64")]
    public void A_terminal_too_narrow_for_what_is_shown_is_told_how_wide_to_be(int columns, string expected, string architectures)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A terminal is made with script.");
        string line = $"stty cols {columns}; dotnet {Command.Program} tlb --protocol mailed --arch {architectures} 2>&1 >/dev/null | cat";
        Command terminal = Command.RunProcess("script", ["-qec", line, "/dev/null"]);
        Assert.Contains(expected, terminal.Output, StringComparison.Ordinal);
        Assert.Equal(expected.Length > 0, terminal.Output.Contains("the matrix needs", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--protocol bogus does not exist; choose mailed, original", "tlb", "--protocol", "bogus")]
    [InlineData("--arch sparc does not exist; choose x86-64, ppc64-hash", "tlb", "--arch", "sparc")]
    [InlineData("--environment calm does not exist; choose plain, speculative", "tlb", "--environment", "calm")]
    [InlineData("has calm in it", "tlb", "--environment", "plain+calm")]
    [InlineData("--safe-on sparc", "tlb", "--safe-on", "sparc")]
    [InlineData("are the same", "tlb", "--safe-on", "arm64", "--corrupts-on", "arm64")]
    [InlineData("--cpus 1 leaves nothing", "tlb", "--safe-with-one-thread", "--cpus", "1")]
    [InlineData("--arch goes with the matrix", "tlb", "--safe-on", "arm64", "--arch", "x86-64")]
    [InlineData("--cpus 4 is not possible; choose 1 to 3", "tlb", "--cpus", "4")]
    [InlineData("--objects 0", "tlb", "--objects", "0")]
    [InlineData("--cycles some", "tlb", "--cycles", "some")]
    [InlineData("--interrupts 9", "tlb", "--interrupts", "9")]
    [InlineData("--max-states 0", "tlb", "--max-states", "0")]
    [InlineData("'--bogus'", "tlb", "--bogus")]
    [InlineData("there is no command 'tlb bogus'; the commands are: explain, steps", "tlb", "bogus")]
    [InlineData("--cpus stands before 'explain'", "tlb", "--cpus", "3", "explain", "--protocol", "mailed", "--arch", "x86-64")]
    [InlineData("--protocol stands before 'steps'", "tlb", "--protocol", "mailed", "steps")]
    [InlineData("--arch is missing; write --arch NAME: ", "tlb", "explain", "--protocol", "mailed")]
    [InlineData("--arch vax does not exist", "tlb", "explain", "--protocol", "mailed", "--arch", "vax")]
    [InlineData("--svg - is no file", "tlb", "explain", "--protocol", "mailed", "--arch", "arm64", "--svg", "-")]
    [InlineData("--protocol none does not exist", "tlb", "steps", "--protocol", "none")]
    public void Bad_input_gets_one_line_and_exit_code_two(string expected, params string[] arguments)
    {
        Command.AssertRefused(expected, arguments);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
