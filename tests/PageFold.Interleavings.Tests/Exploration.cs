using System.Text;

namespace PageFold.Interleavings;

/// <summary>Threads over state of their own, and what holds when all have ended.</summary>
/// <param name="Threads">What each thread does. An exception is a failure.</param>
/// <param name="Check">Runs when all threads have ended.</param>
internal sealed record Scenario(Action[] Threads, Action Check);

/// <summary>Runs a scenario in many interleavings and tells the first that fails, point by point.</summary>
internal sealed class Exploration : IDisposable
{
    private const int MaxTraced = 150;

    private List<Worker> _workers = [];

    /// <summary>Source files whose accesses are points; null for all. Locks and waits are points always.</summary>
    public IReadOnlySet<string>? Files { get; init; }

    /// <summary>Preemptions of a run, at most. Where a thread cannot go on, switching costs none.</summary>
    public int MaxPreemptions { get; init; } = 2;

    /// <summary>The most runs, depth first.</summary>
    public int MaxRuns { get; init; } = 100_000;

    /// <summary>Runs by chance after those.</summary>
    public int RunsByChance { get; init; }

    public int Seed { get; init; } = 1;

    /// <summary>True if time may pass whenever a thread looks at the clock.</summary>
    public bool ClockMayJump { get; init; }

    /// <summary>Runs so far.</summary>
    public int Runs { get; private set; }

    /// <summary>Points passed in all of them.</summary>
    public long Steps { get; private set; }

    /// <summary>True if every run with so few preemptions was tried.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Explores; returns the first failure with its trace, or null.</summary>
    /// <param name="make">Makes the scenario anew for each run, the same each time.</param>
    public string? FindFailure(Func<Scenario> make)
    {
        // Few preemptions first: the shortest way to a failure is the easiest to read.
        for (int preemptions = 0; preemptions <= MaxPreemptions && Runs < MaxRuns; preemptions++)
        {
            DepthFirst chooser = new(preemptions);
            do
            {
                if (RunOnce(make, chooser, preemptions) is { } failure)
                    return failure;
                IsComplete = !chooser.TryNext();
            }
            while (!IsComplete && Runs < MaxRuns);
        }
        int seed = Seed;
        for (int i = 0; i < RunsByChance; i++, seed++)
        {
            if (RunOnce(make, new ByChance(seed, oneIn: 2 + i % 12), int.MaxValue) is { } failure)
                return $"By chance, seed {seed}. {failure}";
        }
        return null;
    }

    /// <summary>Explores, and fails the test with the first failure.</summary>
    public void AssertHolds(Func<Scenario> make)
    {
        string? failure = FindFailure(make);
        Assert.True(failure is null, failure);
        Assert.True(Runs > 10, "The threads of the scenario do not meet.");
        string which = IsComplete ? "all" : "not all";
        TestContext.Current.TestOutputHelper?.WriteLine($"{Runs} runs, {Steps} points, {which} of {MaxPreemptions} preemptions");
    }

    /// <summary>Explores, and fails the test if nothing is found. What is found is told in the test's output.</summary>
    public void AssertFails(Func<Scenario> make)
    {
        string? failure = FindFailure(make);
        Assert.True(failure is not null, $"{Runs} runs have not found the fault.");
        TestContext.Current.TestOutputHelper?.WriteLine($"Found in run {Runs}: {failure.Split('\n')[0]}");
    }

    public void Dispose()
    {
        foreach (Worker worker in _workers)
            worker.Dispose();
    }

    private string? RunOnce(Func<Scenario> make, Chooser chooser, int maxPreemptions)
    {
        Runs++;
        if (Execute(make, chooser, isTraced: false, out _) is not { } failure)
            return null;
        if (failure is NotDeterministicException or TimeoutException)
            throw new NotDeterministicException($"Run {Runs} is of no use.", failure);
        // Once more with the same choices, to tell what happened.
        Exception? again = Execute(make, new Replay([.. chooser.Path], maxPreemptions), isTraced: true, out List<string> trace);
        if (again?.GetType() != failure.GetType())
            throw new NotDeterministicException($"Run {Runs} failed with {failure.Message}; once more with {again?.Message ?? "nothing"}.");
        StringBuilder text = new($"Run {Runs}: {failure.Message}\n{failure.StackTrace}\n  the last of {trace.Count} points:");
        foreach (string line in trace.TakeLast(MaxTraced))
            text.Append("\n  ").Append(line);
        return text.ToString();
    }

    private Exception? Execute(Func<Scenario> make, Chooser chooser, bool isTraced, out List<string> trace)
    {
        Scenario scenario = make();
        while (_workers.Count < scenario.Threads.Length)
            _workers.Add(new Worker(_workers.Count));
        Scheduler scheduler = new(chooser, Files, ClockMayJump, isTraced);
        if (!scheduler.Run(_workers[..scenario.Threads.Length], scenario.Threads))
            _workers = [];
        Steps += scheduler.Steps;
        trace = scheduler.Trace;
        return scheduler.Failure ?? Record.Exception(scenario.Check);
    }
}
