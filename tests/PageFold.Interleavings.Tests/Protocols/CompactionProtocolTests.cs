using System.Runtime.InteropServices;

namespace PageFold.Interleavings.Protocols;

/// <summary>Compaction moves objects while threads read, free and allocate them: latch of the class, slots, and the bytes.</summary>
public class CompactionProtocolTests
{
    private static readonly HashSet<string> Points =
        ["SizeClass.cs", "SizeClass.Compaction.cs", "SlotWord.cs", "Latch.cs", "Block.cs", "ZsPool.Slots.cs"];

    [Fact]
    public void A_handle_leads_to_its_own_bytes_while_its_object_moves_and_others_come_and_go()
    {
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 1, RunsByChance = 1500 };
        int moves = 0;
        exploration.AssertHolds(() => new Pool(() => moves++).Scenario);
        Assert.True(exploration.IsComplete, $"{exploration.Runs} runs are not all");
        Assert.True(moves > exploration.Runs / 4, $"compaction moved something in {moves} of {exploration.Runs} runs");
    }

    [Theory]
    [InlineData("SizeClass.TryMove.publishes-before-it-copies")]
    [InlineData("SizeClass.TryMove.does-not-hold-the-slot")]
    [InlineData("Latch.Enter.in-two-steps")]
    public void A_planted_fault_is_found(string fault)
    {
        using IDisposable on = Fault.TurnOn(fault);
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2, MaxRuns = 30_000 };
        exploration.AssertFails(() => new Pool(() => { }).Scenario);
    }

    /// <summary>A class of objects that straddle frames, sparse enough for compaction to move the last ones to the front.</summary>
    private sealed class Pool
    {
        private const int Size = 1500;

        private readonly ZsPool _pool = new(new ZsPoolOptions { MemoryLimit = 1 << 20, MaxChain = 4, Backing = FrameBackingKind.Portable });
        private readonly ZsHandle _goes;
        private readonly ZsHandle _stays;
        private readonly int _class;
        private readonly Action _moved;
        private ZsHandle _comes;

        public Pool(Action moved)
        {
            _moved = moved;
            ZsHandle[] handles = [.. Enumerable.Range(0, 6).Select(Allocate)];
            (_goes, _stays) = (handles[2], handles[5]);
            foreach (int number in (int[])[0, 1, 3, 4])
                _pool.Free(handles[number]);
            _class = _pool.Heap.Classes.Single(sizeClass => sizeClass.Objects > 0).Number;
        }

        public Scenario Scenario => new(
            [
                () => AssertHolds(_stays, 5),
                () =>
                {
                    _pool.Free(_goes);
                    _comes = Allocate(7);
                },
                () =>
                {
                    if (_pool.Heap.CompactClass(_class, CancellationToken.None).ObjectsMoved > 0)
                        _moved();
                },
            ],
            () =>
            {
                AssertHolds(_stays, 5);
                AssertHolds(_comes, 7);
                Assert.Equal(2, _pool.Heap.Objects);
                _pool.Free(_stays);
                _pool.Free(_comes);
                Assert.Equal((0, 0), (_pool.Heap.Objects, _pool.GetStatistics().PoolBytes));
                _pool.Dispose();
                Assert.InRange(_pool.Budget.Used, 0, 3000);
            });

        private ZsHandle Allocate(int number)
        {
            byte[] content = new byte[Size];
            MemoryMarshal.Cast<byte, int>(content.AsSpan()).Fill(number);
            return _pool.Allocate(content);
        }

        private void AssertHolds(ZsHandle handle, int number)
        {
            byte[] content = new byte[Size];
            _pool.Read(handle, 0, content);
            Assert.False(MemoryMarshal.Cast<byte, int>(content.AsSpan()).ContainsAnyExcept(number), "another object's bytes");
        }
    }
}
