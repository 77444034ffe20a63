using PageFold.Frames;

namespace PageFold.Interleavings.Protocols;

/// <summary>The gate: an owner's memory goes once, when no operation is inside, and a thread that works alone is alone.</summary>
public class GateProtocolTests
{
    private static readonly HashSet<string> Points = ["RundownGate.cs"];

    [Fact]
    public void The_memory_goes_once_when_the_last_operation_has_left()
    {
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2, RunsByChance = 2000 };
        exploration.AssertHolds(() => new Owner().Closing);
        Assert.True(exploration.IsComplete, $"{exploration.Runs} runs are not all");
    }

    [Fact]
    public void A_thread_that_works_alone_is_alone_also_while_the_gate_closes()
    {
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2, RunsByChance = 2000, ClockMayJump = true };
        exploration.AssertHolds(() => new Owner().Alone);
        Assert.True(exploration.IsComplete, $"{exploration.Runs} runs are not all");
    }

    [Theory]
    [InlineData("Gate.TryEnter.looks-before-it-counts")]
    [InlineData("Gate.Close.counts-before-it-closes")]
    [InlineData("Gate.Exit.looks-before-it-leaves")]
    public void A_planted_fault_in_closing_is_found(string fault)
    {
        using IDisposable on = Fault.TurnOn(fault);
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 3 };
        exploration.AssertFails(() => new Owner().Closing);
    }

    [Theory]
    [InlineData("Gate.TryEnter.looks-before-it-counts")]
    [InlineData("Gate.TryRunAlone.counts-before-it-announces")]
    public void A_planted_fault_in_working_alone_is_found(string fault)
    {
        using IDisposable on = Fault.TurnOn(fault);
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2, ClockMayJump = true };
        exploration.AssertFails(() => new Owner().Alone);
    }

    private sealed class Owner
    {
        private readonly RundownGate _gate;
        private int _inside;
        private int _finished;
        private bool _isAlone;

        public Owner()
        {
            _gate = new RundownGate(() =>
            {
                Assert.Equal((0, 0), (_inside, _finished));
                _finished++;
            });
        }

        public Scenario Closing => new([Use, Use, _gate.Close], AssertFinished);

        public Scenario Alone => new(
            [
                Use,
                UseAlone,
                () =>
                {
                    Use();
                    _gate.Close();
                },
            ],
            AssertFinished);

        private void AssertFinished()
        {
            Assert.Equal(1, _finished);
            Assert.False(_gate.TryEnter(out _));
        }

        private void Use()
        {
            if (!_gate.TryEnter(out RundownGate.Entry entry))
                return;
            using (entry)
            {
                _inside++;
                AssertThere();
                Scheduler.Step();
                AssertThere();
                _inside--;
            }
        }

        private void UseAlone()
        {
            if (!_gate.TryEnter(out RundownGate.Entry entry))
                return;
            using (entry)
            {
                _gate.TryRunAlone(() =>
                {
                    Assert.Equal(0, _inside);
                    _isAlone = true;
                    Scheduler.Step();
                    Assert.Equal((0, 0), (_inside, _finished));
                    _isAlone = false;
                });
            }
        }

        private void AssertThere()
        {
            Assert.Equal(0, _finished);
            Assert.False(_isAlone, "an operation is inside while a thread works alone");
        }
    }
}
