namespace PageFold.TlbLab.Tests;

/// <summary>Leaving a step out of a protocol that is right is found out somewhere.</summary>
public class NecessityTests
{
    // Every step that matters does within these.
    private static Bounds Small { get; } = new() { Cpus = 2, Objects = 3, Cycles = 2, Interrupts = 1 };

    public static TheoryData<string> RightProtocols => new(NamedProtocols.All.Where(protocol => protocol != NamedProtocols.Mailed).Select(protocol => protocol.Name));

    [Theory]
    [MemberData(nameof(RightProtocols))]
    public void Every_step_of_a_protocol_that_is_safe_somewhere_is_necessary_somewhere(string name)
    {
        Protocol protocol = NamedProtocols.All.Single(one => one.Name == name);
        IReadOnlyList<StepNecessity> steps = StepNecessity.Of(protocol, Small, cancellation: TestContext.Current.CancellationToken);
        int accesses = protocol.Steps.Count(step => step.Operation is Operation.Access or Operation.AccessCopy);
        Assert.Equal(protocol.Steps.Count - accesses + 1, steps.Count);
        Assert.All(steps, step => Assert.True(step.IsNecessary == true, $"{string.Join(" and ", step.Steps.Select(number => protocol.Steps[number]))} of {protocol}"));
    }

    /// <summary>A pair of guards is more than a matter of form: without it the protocol goes wrong.</summary>
    [Theory]
    [InlineData("clear-flush-both-local", Operation.PreemptDisable, LabEnvironment.Preemptible)]
    [InlineData("copy", Operation.PreemptDisable, LabEnvironment.Preemptible)]
    [InlineData("shipping", Operation.EnterLazyMmu, LabEnvironment.LazyMmu)]
    public void Without_its_guards_a_protocol_corrupts(string name, Operation guard, LabEnvironment environment)
    {
        Protocol protocol = NamedProtocols.All.Single(one => one.Name == name);
        StepNecessity pair = Assert.Single(StepNecessity.Of(protocol, Small, cancellation: TestContext.Current.CancellationToken), step => step.Steps.Count == 2);
        Assert.Equal(guard, protocol.Steps[pair.Steps[0]].Operation);
        Assert.Contains(pair.Worse, result => result.Environment == environment && result.Verdict == Verdict.Corrupts);
    }

    [Fact]
    public void A_flush_that_changes_nothing_is_reported()
    {
        // The first page is never flushed, so it does not matter that the second is.
        StepNecessity unnecessary = Assert.Single(StepNecessity.Of(NamedProtocols.Mailed, Small, cancellation: TestContext.Current.CancellationToken), step => step.IsNecessary == false);
        Assert.Equal(new ProtocolStep(Operation.FlushLocal, 1), NamedProtocols.Mailed.Steps[Assert.Single(unnecessary.Steps)]);
    }

    [Fact]
    public void Whoever_gives_up_does_not_know()
    {
        IReadOnlyList<StepNecessity> steps = StepNecessity.Of(NamedProtocols.Mailed, Small, maxStates: 10, cancellation: TestContext.Current.CancellationToken);
        Assert.All(steps, step => Assert.True(step is { IsNecessary: null, IsComplete: false }));
    }

    [Fact]
    public void Counts_its_explorations()
    {
        int count = 0;
        StepNecessity.Of(NamedProtocols.NoFlush, Small, checkedOne: _ => Interlocked.Increment(ref count), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(StepNecessity.ExplorationsOf(NamedProtocols.NoFlush), count);
    }
}
