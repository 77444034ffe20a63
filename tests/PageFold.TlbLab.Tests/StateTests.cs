namespace PageFold.TlbLab.Tests;

/// <summary>The set of states, and the names of objects in them.</summary>
public class StateTests
{
    [Fact]
    public void The_set_of_states_is_a_set() =>
        Gen.Int[0, 300].List[0, 20_000].Sample(numbers =>
        {
            StateSet set = new();
            foreach (int _ in Enumerable.Range(0, 2))
            {
                HashSet<int> model = [];
                set.Clear();
                foreach (int number in numbers)
                {
                    MachineState state = default;
                    state[number % MachineState.Size] = (byte)(number / MachineState.Size + 1);
                    Assert.Equal(model.Add(number), set.TryAdd(state, new Arrival(number, default)));
                    Assert.Equal(model.Count, set.Count);
                    Assert.Equal(number == set.ArrivalAt(set.Count - 1).From, state.Equals(set[set.Count - 1]));
                }
            }
        }, iter: 30);

    [Fact]
    public void Normalised_states_do_not_change_again_and_return_their_new_names() =>
        Gen.Select(Gen.Int[0, 3].Array[1, 60], Gen.Int[0, 6], Gen.Int[0, 1]).Sample((choices, architecture, environment) =>
        {
            // A state that a random walk reaches.
            Architecture on = Architecture.All[architecture];
            Protocol protocol = environment == 0 ? NamedProtocols.Mailed : NamedProtocols.Shipping;
            Machine machine = new(protocol, on, LabEnvironments.Everything, Bounds.Default);
            MachineState state = machine.Initial();
            machine.Normalise(state);
            List<Transition> next = [];
            foreach (int choice in choices)
            {
                machine.Enumerate(state, next);
                if (next.Count == 0)
                    break;
                MachineState reached = state;
                if (machine.Apply(reached, next[choice * (next.Count - 1) / 3]).EndsRun)
                    continue;
                state = reached;
                uint names = machine.Normalise(state);
                Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 4).Select(item => ObjectNames.NameOf(names, item)).Order());
                MachineState again = state;
                Assert.Equal(ObjectNames.Same, machine.Normalise(again));
                Assert.True(state.Equals(again));
            }
        });

    [Fact]
    public void Names_of_environments_can_be_parsed()
    {
        foreach (int bits in Enumerable.Range(0, 32))
        {
            LabEnvironment environment = (LabEnvironment)bits;
            Assert.True(LabEnvironments.TryParse(environment.Name(), out LabEnvironment parsed, out _));
            Assert.Equal(environment, parsed);
        }
        Assert.False(LabEnvironments.TryParse("speculative+lazy", out _, out string unknown));
        Assert.Equal("lazy", unknown);
        Assert.Equal("speculative+preemptible+lazy-mmu+reentrant", LabEnvironments.Everything.Name());
    }
}
