using PageFold.Allocation;

namespace PageFold.Interleavings.Protocols;

/// <summary>The lock within a slot: readers pin, a writer is alone, an upgrade and an attempt of compaction give way.</summary>
public class SlotWordProtocolTests
{
    private static readonly HashSet<string> Points = ["SlotWord.cs"];

    [Fact]
    public void Readers_see_what_one_holder_published_and_holders_are_alone()
    {
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2, RunsByChance = 2000 };
        exploration.AssertHolds(() => new Slot().Scenario);
        Assert.True(exploration.IsComplete, $"{exploration.Runs} runs are not all");
    }

    [Theory]
    [InlineData("SlotWord.AcquireExclusive.looks-before-it-announces")]
    [InlineData("SlotWord.ReleaseShared.in-two-steps")]
    [InlineData("SlotWord.TryUpgrade.beside-other-readers")]
    public void A_planted_fault_is_found(string fault)
    {
        using IDisposable on = Fault.TurnOn(fault);
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 3 };
        exploration.AssertFails(() => new Slot().Scenario);
    }

    /// <summary>A slot and the two halves of what it names, which only an exclusive holder may change.</summary>
    private sealed class Slot
    {
        private ulong _slot = SlotWord.ForPayload(SlotKind.Value, 1);
        private ulong _first = 1;
        private ulong _second = 1;
        private int _holders;

        public Scenario Scenario => new(
            [
                () => Replace(2),
                Read,
                Upgrade,
                Move,
            ],
            () =>
            {
                Assert.False(SlotWord.IsLocked(_slot), $"the slot stays locked: {_slot:x}");
                AssertWhole(_slot);
            });

        private void Replace(ulong value)
        {
            SlotWord.AcquireExclusive(ref _slot);
            Change(value);
        }

        private void Read()
        {
            Assert.Equal(SharedOutcome.Acquired, SlotWord.TryAcquireShared(ref _slot, out ulong word));
            AssertWhole(word);
            Scheduler.Step();
            AssertWhole(word);
            SlotWord.ReleaseShared(ref _slot);
        }

        private void Upgrade()
        {
            Assert.Equal(SharedOutcome.Acquired, SlotWord.TryAcquireShared(ref _slot, out ulong word));
            AssertWhole(word);
            if (SlotWord.TryUpgrade(ref _slot, word))
                Change(SlotWord.Payload(word) + 10);
            else
                SlotWord.ReleaseShared(ref _slot);
        }

        private void Move()
        {
            ulong word = Volatile.Read(ref _slot);
            if (!SlotWord.IsLocked(word) && SlotWord.TryAcquireExclusive(ref _slot, word))
                Change(SlotWord.Payload(word) + 100);
        }

        private void Change(ulong value)
        {
            Assert.Equal(1, ++_holders);
            _first = value;
            Scheduler.Step();
            Assert.Equal(1, _holders--);
            _second = value;
            SlotWord.ReleaseExclusive(ref _slot, SlotWord.ForPayload(SlotKind.Value, value));
        }

        private void AssertWhole(ulong word) =>
            Assert.Equal((SlotWord.Payload(word), SlotWord.Payload(word)), (_first, _second));
    }
}
