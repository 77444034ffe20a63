namespace PageFold.TlbLab.Tests;

/// <summary>Compares the checker with a second, independent machine in which each fill and each eviction is an event.</summary>
public class AgreementTests
{
    // A machine with more states is explored in part, breadth first; that part must show nothing worse.
    private const int MaxConcreteStates = 20_000;

    // Where the checker found something, schedules are tried until they find it too.
    private const int SchedulesOfEach = 1_000;
    private const int MaxSchedulesOfEach = 5_000;

    /// <summary>All combinations of the matrix.</summary>
    private static List<(Protocol Protocol, Architecture Architecture, LabEnvironment Environment)> Cells { get; } =
        [
            .. from protocol in NamedProtocols.All
               from environment in LabEnvironments.Matrix
               from architecture in Architecture.All
               select (protocol, architecture, environment),
        ];

    private static ParallelOptions OnAllProcessors => new()
    {
        MaxDegreeOfParallelism = Environment.ProcessorCount,
        CancellationToken = TestContext.Current.CancellationToken,
    };

    /// <summary>Some hundred thousand schedules in total: one that corrupts ends the search of its combination.</summary>
    [Fact]
    public void Random_schedules_find_what_the_checker_says_and_nothing_worse()
    {
        Bounds bounds = Bounds.Default;
        IReadOnlyList<CheckResult> results = Explorations.Matrix;
        List<string> wrong = [];
        Parallel.For(0, Cells.Count, OnAllProcessors, index =>
        {
            CheckResult result = results[index];
            Verdict worst = Worst(result, bounds, new RandomOracle(index + 1));
            if (worst == result.Verdict)
                return;
            lock (wrong)
                wrong.Add($"{NameOf(result)}: {worst} by random schedules, {result.Verdict} by exploration");
        });
        Assert.Empty(wrong);
    }

    /// <summary>Without sets of entries that a TLB may hold and without renaming of objects: every concrete state separately.</summary>
    [Theory]
    [InlineData(1, 2, 2, 1, 5)]
    [InlineData(2, 2, 1, 1, 81)]
    public void Exploring_every_concrete_state_gives_the_same_verdicts(
        int cpus, int objects, int cycles, int interrupts, int maxUnfinished)
    {
        Bounds bounds = new() { Cpus = cpus, Objects = objects, Cycles = cycles, Interrupts = interrupts };
        IReadOnlyList<CheckResult> results = VerdictMatrix.Run(NamedProtocols.All, Architecture.All, LabEnvironments.Matrix, bounds);
        List<string> wrong = [];
        int unfinished = 0;
        Parallel.For(0, Cells.Count, OnAllProcessors, index =>
        {
            CheckResult result = results[index];
            ConcreteMachine machine = new(result.Protocol, result.Architecture, result.Environment, bounds);
            Verdict worst = Explore(machine, out bool complete);
            if (!complete)
                Interlocked.Increment(ref unfinished);
            if (worst == result.Verdict || worst < result.Verdict && !complete)
                return;
            lock (wrong)
                wrong.Add($"{NameOf(result)}: {worst} of concrete states, {result.Verdict} by exploration");
        });
        Assert.Empty(wrong);
        Assert.InRange(unfinished, 0, maxUnfinished);
    }

    /// <summary>
    /// Protocols with steps removed, moved, doubled and replaced, in small bounds, so that all concrete states can be explored.
    /// </summary>
    [Fact]
    public void Exploring_any_protocol_gives_the_verdict_of_its_concrete_states()
    {
        Operation[] operations =
            [.. Enum.GetValues<Operation>().Where(operation => operation is not (Operation.TakeWindow or Operation.WindowOfProcessor))];
        Gen<ProtocolStep> step = Gen.Select(
            Gen.OneOf([.. operations.Select(Gen.Const)]), Gen.Int[0, 1], (operation, page) => new ProtocolStep(operation, page));
        Gen<Protocol> protocol = Gen.Select(
            Gen.OneOf([.. NamedProtocols.All.Select(Gen.Const)]),
            Gen.Select(Gen.Int[0, 3], Gen.Int[0, 15], Gen.Int[0, 15], step).Array[0, 4],
            Changed);
        Gen<Architecture> architectures = Gen.OneOf([.. Architecture.All.Select(Gen.Const)]);
        Bounds[] bounds =
        [
            new() { Cpus = 1, Objects = 3, Cycles = 3, Interrupts = 1 },
            new() { Cpus = 2, Objects = 2, Cycles = 1, Interrupts = 1 },
            new() { Cpus = 2, Objects = 3, Cycles = 2, Interrupts = 0 },
        ];
        int complete = 0;
        int wrong = 0;
        Gen<Bounds> limits = Gen.OneOf([.. bounds.Select(Gen.Const)]);
        Gen.Select(protocol, architectures, Gen.Int[0, 31], limits).Sample((any, architecture, environment, far) =>
        {
            CheckResult result = new Checker().Check(any, architecture, (LabEnvironment)environment, far);
            Verdict worst = Explore(new ConcreteMachine(any, architecture, (LabEnvironment)environment, far), out bool all);
            if (all)
                Assert.Equal(worst, result.Verdict);
            else
                Assert.True(worst <= result.Verdict);
            Interlocked.Add(ref complete, all ? 1 : 0);
            Interlocked.Add(ref wrong, worst == Verdict.Safe ? 0 : 1);
            // And every result has a timeline.
            Timeline timeline = Timeline.Of(result);
            Assert.Equal(result.TraceLength, timeline.Entries.Count(entry => entry.Kind != TimelineKind.Fill));
        }, iter: 250, print: sample => $"{string.Join("; ", sample.Item1.Steps)} on {sample.Item2}, "
            + $"{((LabEnvironment)sample.Item3).Name()}, {sample.Item4}");
        Assert.True(complete > 150 && wrong is > 25 and < 237, $"{complete} complete, {wrong} wrong");
    }

    private static string NameOf(CheckResult result) => $"{result.Protocol}/{result.Architecture}/{result.Environment.Name()}";

    private static Protocol Changed(Protocol protocol, (int How, int One, int Other, ProtocolStep Step)[] changes)
    {
        List<ProtocolStep> steps = [.. protocol.Steps];
        foreach ((int how, int first, int second, ProtocolStep step) in changes)
        {
            int one = first % steps.Count;
            int other = second % steps.Count;
            switch (how)
            {
                case 0 when steps.Count > 1:
                    steps.RemoveAt(one);
                    break;
                case 1:
                    (steps[one], steps[other]) = (steps[other], steps[one]);
                    break;
                case 2:
                    steps.Insert(one, steps[other]);
                    break;
                default:
                    steps[one] = step;
                    break;
            }
        }
        return new Protocol("any", string.Empty, steps);
    }

    private static Verdict Explore(ConcreteMachine machine, out bool complete)
    {
        char[] next = new char[machine.StateLength];
        machine.Save(next);
        HashSet<string> seen = [new(next)];
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> seenAlready = seen.GetAlternateLookup<ReadOnlySpan<char>>();
        Queue<string> left = new(seen);
        EveryChoice oracle = new();
        Verdict worst = Verdict.Safe;
        while (worst != Verdict.Corrupts && seen.Count <= MaxConcreteStates && left.TryDequeue(out string? state))
        {
            do
            {
                machine.Load(state);
                if (!machine.TryAdvance(oracle, out Verdict verdict, out _))
                    continue;
                worst = (Verdict)Math.Max((int)worst, (int)verdict);
                if (verdict >= Verdict.Faults)
                    continue;
                machine.Save(next);
                if (seenAlready.Add(next) && seenAlready.TryGetValue(next, out string? added))
                    left.Enqueue(added);
            }
            while (oracle.Next());
        }
        complete = worst == Verdict.Corrupts || left.Count == 0;
        return worst;
    }

    private static Verdict Worst(CheckResult result, Bounds bounds, RandomOracle oracle)
    {
        ConcreteMachine machine = new(result.Protocol, result.Architecture, result.Environment, bounds);
        Verdict worst = Verdict.Safe;
        for (int schedule = 0; worst != Verdict.Corrupts; schedule++)
        {
            if (schedule >= (worst == result.Verdict ? SchedulesOfEach : MaxSchedulesOfEach))
                break;
            machine.Reset();
            while (machine.TryAdvance(oracle, out Verdict verdict, out _))
            {
                worst = (Verdict)Math.Max((int)worst, (int)verdict);
                if (verdict >= Verdict.Faults)
                    break;
            }
        }
        return worst;
    }

    private sealed class RandomOracle(int seed) : IOracle
    {
        private ulong _state = (ulong)seed * 0x9E37_79B9_7F4A_7C15;

        public int Choose(int count)
        {
            _state ^= _state << 13;
            _state ^= _state >> 7;
            _state ^= _state << 17;
            return (int)((_state >> 32) * (ulong)count >> 32);
        }
    }

    /// <summary>Makes all sequences of choices, one after the other, by counting up from the last choice.</summary>
    private sealed class EveryChoice : IOracle
    {
        private readonly List<(int Chosen, int Count)> _choices = [];
        private int _made;

        public int Choose(int count)
        {
            if (_made == _choices.Count)
                _choices.Add((0, count));
            return _choices[_made++].Chosen;
        }

        /// <summary>Moves to the next sequence; false, and back to the first, after the last one.</summary>
        public bool Next()
        {
            _made = 0;
            while (_choices.Count > 0)
            {
                (int chosen, int count) = _choices[^1];
                if (chosen + 1 < count)
                {
                    _choices[^1] = (chosen + 1, count);
                    return true;
                }
                _choices.RemoveAt(_choices.Count - 1);
            }
            return false;
        }
    }
}
