namespace PageFold.TlbLab.Tests;

/// <summary>Removing a step from a correct protocol makes a verdict worse somewhere.</summary>
public class NecessityTests
{
    public static TheoryData<string> RightProtocols =>
        new(NamedProtocols.All.Where(protocol => protocol != NamedProtocols.Mailed).Select(protocol => protocol.Name));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(RightProtocols))]
    public void Every_step_of_a_protocol_that_is_safe_somewhere_is_necessary_somewhere(string name)
    {
        Protocol protocol = NamedProtocols.All.Single(one => one.Name == name);
        IReadOnlyList<StepNecessity> steps = Explorations.NecessityOf(protocol);
        int accesses = protocol.Steps.Count(step => step.Operation is Operation.Access or Operation.AccessCopy);
        Assert.Equal(protocol.Steps.Count - accesses + 1, steps.Count);
        Assert.All(steps, step => Assert.True(
            step.IsNecessary == true, $"{string.Join(" and ", step.Steps.Select(number => protocol.Steps[number]))} of {protocol}"));
    }

    /// <summary>A pair of guards is no formality: without it the protocol corrupts.</summary>
    [Theory]
    [InlineData("clear-flush-both-local", Operation.PreemptDisable, LabEnvironment.Preemptible)]
    [InlineData("copy", Operation.PreemptDisable, LabEnvironment.Preemptible)]
    [InlineData("shipping", Operation.EnterLazyMmu, LabEnvironment.LazyMmu)]
    public void Without_its_guards_a_protocol_corrupts(string name, Operation guard, LabEnvironment environment)
    {
        Protocol protocol = NamedProtocols.All.Single(one => one.Name == name);
        IReadOnlyList<StepNecessity> steps = Explorations.NecessityOf(protocol);
        StepNecessity pair = Assert.Single(steps, step => step.Steps.Count == 2);
        Assert.Equal(guard, protocol.Steps[pair.Steps[0]].Operation);
        Assert.Contains(pair.Worse, result => result.Environment == environment && result.Verdict == Verdict.Corrupts);
    }

    [Fact]
    public void A_flush_that_changes_nothing_is_reported()
    {
        // The first page is never flushed, so flushing the second does not matter.
        IReadOnlyList<StepNecessity> steps = Explorations.NecessityOf(NamedProtocols.Mailed);
        StepNecessity unnecessary = Assert.Single(steps, step => step.IsNecessary == false);
        Assert.Equal(new ProtocolStep(Operation.FlushLocal, 1), NamedProtocols.Mailed.Steps[Assert.Single(unnecessary.Steps)]);
    }

    [Fact]
    public void An_exploration_that_gives_up_does_not_know_what_is_necessary()
    {
        IReadOnlyList<StepNecessity> steps =
            StepNecessity.Of(NamedProtocols.Mailed, Explorations.Small, maxStates: 10, cancellation: Cancellation);
        Assert.All(steps, step => Assert.True(step is { IsNecessary: null, IsComplete: false }));
    }

    [Fact]
    public void Counts_its_explorations()
    {
        int count = 0;
        StepNecessity.Of(
            NamedProtocols.NoFlush, Explorations.Small, checkedOne: _ => Interlocked.Increment(ref count), cancellation: Cancellation);
        Assert.Equal(StepNecessity.ExplorationsOf(NamedProtocols.NoFlush), count);
    }
}
