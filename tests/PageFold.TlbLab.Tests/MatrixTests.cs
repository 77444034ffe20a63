namespace PageFold.TlbLab.Tests;

/// <summary>The verdicts of the matrix for the named protocols.</summary>
public class MatrixTests
{
    [Fact]
    public void The_shipping_protocol_is_safe_everywhere_without_forbidding_preemption()
    {
        Assert.DoesNotContain(NamedProtocols.Shipping.Steps, step => step.Operation is Operation.PreemptDisable or Operation.PreemptEnable);
        IReadOnlyList<LabEnvironment> outsideTheMatrix = [LabEnvironments.Everything | LabEnvironment.Unguarded];
        IReadOnlyList<CheckResult> asleep =
            VerdictMatrix.Run([NamedProtocols.Shipping], Architecture.All, outsideTheMatrix, cancellation: Cancellation);
        IReadOnlyList<CheckResult> results =
            [.. Explorations.Matrix.Where(result => result.Protocol == NamedProtocols.Shipping), .. asleep];
        Assert.Equal(Architecture.All.Count * (LabEnvironments.Matrix.Count + 1), results.Count);
        Assert.All(results, result => Assert.True(
            result is { Verdict: Verdict.Safe, IsComplete: true },
            $"{result.Architecture} {result.Environment.Name()}: {Timeline.Of(result).Sentence}"));
    }

    [Fact]
    public void The_shipping_protocol_is_what_the_pool_does()
    {
        Assert.Equal(
            [
                new(Operation.TakeWindow), new(Operation.Set), new(Operation.Set, 1), new(Operation.FlushRange),
                new(Operation.Access), new(Operation.Access, 1),
                new(Operation.EnterLazyMmu), new(Operation.GetAndClear), new(Operation.GetAndClear, 1), new(Operation.LeaveLazyMmu),
                new(Operation.FlushRange), new(Operation.ReturnWindow),
            ],
            NamedProtocols.Shipping.Steps);
    }

    /// <summary>The answer to the question of 2012.</summary>
    [Fact]
    public void These_are_safe_on_x86_and_corrupt_on_ppc64_with_the_hash_table()
    {
        IEnumerable<CheckResult> results =
            Explorations.Matrix.Where(result => result.Architecture == Architecture.X64 || result.Architecture == Architecture.Ppc64Hash);
        IEnumerable<CheckResult[]> split =
            results.Chunk(2).Where(pair => pair[0].Verdict == Verdict.Safe && pair[1].Verdict == Verdict.Corrupts);
        string[] found = [.. split.Select(pair => $"{pair[0].Protocol} {pair[0].Environment.Name()}")];
        Assert.Equal(
            [
                "original plain", "original speculative", "original preemptible", "original lazy-mmu", "clear-flush-both-local lazy-mmu",
                "clear-flush-both-broadcast lazy-mmu", "flush-before-clear lazy-mmu",
            ],
            found);
    }

    [Theory]
    [InlineData("mailed", "x86-64", "plain", Verdict.Corrupts, 15)]
    [InlineData("original", "x86-64", "plain", Verdict.Safe, 0)]
    [InlineData("original", "ppc64-hash", "plain", Verdict.Corrupts, 16)]
    [InlineData("clear-flush-both-local", "riscv64", "speculative", Verdict.Faults, 5)]
    [InlineData("clear-flush-both-local", "arm64", "speculative", Verdict.BreaksRule, 14)]
    [InlineData("copy", "x86-64", "reentrant", Verdict.Corrupts, 15)]
    public void Traces_are_as_short_as_can_be(string protocol, string architecture, string environment, Verdict verdict, int length)
    {
        CheckResult result = Check(protocol, architecture, environment);
        Assert.Equal((verdict, length), (result.Verdict, result.TraceLength));
    }

    [Fact]
    public void The_document_shows_the_matrix()
    {
        string document = File.ReadAllText(Path.Combine(Root(), "docs", "mapping.md"));
        (LabEnvironment Environment, char Letter)[] letters =
            [
                (LabEnvironment.Plain, 'P'), (LabEnvironment.Speculative, 'S'), (LabEnvironment.Preemptible, 'M'),
                (LabEnvironment.Unguarded, 'U'), (LabEnvironment.LazyMmu, 'L'), (LabEnvironment.Reentrant, 'R'),
            ];
        LabEnvironment[] environments = [.. letters.Select(letter => letter.Environment)];
        CheckResult[] results = [.. Explorations.Matrix.Where(result => environments.Contains(result.Environment))];
        Assert.Equal(NamedProtocols.All.Count * Architecture.All.Count * environments.Length, results.Length);
        foreach (IGrouping<Protocol, CheckResult> protocol in results.GroupBy(result => result.Protocol))
        {
            IEnumerable<string> cells = Architecture.All.Select(architecture =>
            {
                IEnumerable<CheckResult> failed =
                    protocol.Where(result => result.Architecture == architecture && result.Verdict != Verdict.Safe);
                string wrong = string.Join(' ', failed.Select(Mark));
                return wrong.Length == 0 ? "–" : wrong;
            });
            Assert.Contains($"| `{protocol.Key}` | {string.Join(" | ", cells)} |", document, StringComparison.Ordinal);
        }

        string Mark(CheckResult result)
        {
            char letter = letters.Single(one => one.Environment == result.Environment).Letter;
            return result.Verdict switch
            {
                Verdict.Corrupts => $"{letter}",
                Verdict.Faults => $"{letter}*",
                _ => $"{char.ToLowerInvariant(letter)}",
            };
        }
    }

    /// <summary>A change of these counts is a change of the model, and has to be intended.</summary>
    /// <remarks>A checker that was used before, as in the matrix, explores as many states as a new one.</remarks>
    [Theory]
    [InlineData("mailed", "x86-64", "plain", 264)]
    [InlineData("mailed", "ppc64-hash", "plain", 1690)]
    [InlineData("original", "x86-64", "speculative", 14079)]
    [InlineData("shipping", "x86-64", "plain", 4900)]
    [InlineData("shipping", "armv7", "preemptible", 188821)]
    [InlineData("shipping", "s390x", "unguarded", 82837)]
    [InlineData("shipping", "ppc64-hash", "speculative+preemptible+lazy-mmu+reentrant", 410535)]
    public void State_counts_are_stable(string protocol, string architecture, string environment, int states)
    {
        Assert.True(LabEnvironments.TryParse(environment, out LabEnvironment parsed, out _));
        CheckResult result = Explorations.Matrix.Single(
            one => one.Protocol.Name == protocol && one.Architecture.Name == architecture && one.Environment == parsed);
        Assert.Equal(states, result.StatesExplored);
        if (states < 10_000)
            Assert.Equal(states, Check(protocol, architecture, environment).StatesExplored);
    }

    /// <summary>Larger bounds find nothing new, and smaller ones find nothing that larger ones do not find.</summary>
    [Fact]
    public void Larger_bounds_are_never_better()
    {
        Bounds small = new() { Cpus = 1, Objects = 2, Cycles = 1, Interrupts = 0 };
        Bounds[] growing =
        [
            small,
            small with { Cycles = 2 },
            small with { Cpus = 2, Cycles = 2 },
            Explorations.Small,
            Bounds.Default,
        ];
        IReadOnlyList<CheckResult>? before = null;
        foreach (Bounds bounds in growing)
        {
            IReadOnlyList<CheckResult> results = bounds == Bounds.Default
                ? Explorations.Matrix
                : VerdictMatrix.Run(NamedProtocols.All, Architecture.All, LabEnvironments.Matrix, bounds, cancellation: Cancellation);
            for (int cell = 0; cell < results.Count; cell++)
            {
                CheckResult now = results[cell];
                Assert.True(
                    before is null || now.Verdict >= before[cell].Verdict,
                    $"{now.Protocol}/{now.Architecture}/{now.Environment.Name()} in {bounds}");
            }
            before = results;
        }
    }

    [Fact]
    public void An_exploration_that_gives_up_reports_that_and_how_far_it_came()
    {
        CheckResult result = new Checker().Check(
            NamedProtocols.Shipping, Architecture.X64, LabEnvironments.Everything, maxStates: 10_000, cancellation: Cancellation);
        Assert.False(result.IsComplete);
        Assert.InRange(result.StatesExplored, 10_000, 10_100);
        Assert.InRange(result.Depth, 1, 72);
        Assert.Contains("not all", Timeline.Of(result).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checker_forgets_what_it_explored_before()
    {
        Checker checker = new();
        foreach (int _ in Enumerable.Range(0, 2))
        {
            Assert.Equal(164341, StatesOf(LabEnvironment.Preemptible));
            Assert.Equal(4900, StatesOf(LabEnvironment.Plain));
        }

        int StatesOf(LabEnvironment environment) =>
            checker.Check(NamedProtocols.Shipping, Architecture.X64, environment, cancellation: Cancellation).StatesExplored;
    }

    [Fact]
    public void Ends_when_it_is_cancelled()
    {
        using CancellationTokenSource cancel = new();
        cancel.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => new Checker().Check(
            NamedProtocols.Shipping, Architecture.X64, LabEnvironments.Everything, cancellation: cancel.Token));
    }

    [Theory]
    [InlineData(0, 3, 2, 1, "1 to 3 CPUs, not 0")]
    [InlineData(4, 3, 2, 1, "1 to 3 CPUs, not 4")]
    [InlineData(2, 5, 2, 1, "1 to 4 objects, not 5")]
    [InlineData(2, 3, 16, 1, "1 to 15 map cycles, not 16")]
    [InlineData(2, 3, 2, 4, "0 to 3 interrupts, not 4")]
    public void Bounds_that_the_machine_does_not_have_are_refused(int cpus, int objects, int cycles, int interrupts, string message)
    {
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(
            () => new Bounds { Cpus = cpus, Objects = objects, Cycles = cycles, Interrupts = interrupts });
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_protocols_are_refused()
    {
        Refused("0 steps");
        Refused("use one kind", new(Operation.TakeWindow), new(Operation.WindowOfProcessor));
        Refused("page 2", new ProtocolStep(Operation.Set, 2));

        static void Refused(string message, params ProtocolStep[] steps)
        {
            ArgumentException refused = Assert.Throws<ArgumentException>(() => new Protocol("any", string.Empty, steps));
            Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static CheckResult Check(string protocol, string architecture, string environment)
    {
        Assert.True(LabEnvironments.TryParse(environment, out LabEnvironment parsed, out _));
        Protocol named = NamedProtocols.All.Single(one => one.Name == protocol);
        return new Checker().Check(named, Architecture.All.Single(one => one.Name == architecture), parsed);
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "PageFold.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder!;
    }
}
