using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>A sparse array keeps what is set, and gives back all else when it is trimmed.</summary>
public unsafe class BlockArrayTests
{
    private const int BlockShift = 6;

    [Fact]
    public void Trimming_keeps_every_item_that_is_set_and_nothing_that_is_not() =>
        Gen.Select(Gen.UInt[0, 1 << 20], Gen.Bool).Array[1, 60].Sample(steps =>
        {
            MemoryBudget budget = new(64 << 20);
            BlockArray<ulong> array = new(budget, BlockShift);
            Dictionary<uint, ulong> model = [];
            foreach ((uint index, bool set) in steps)
            {
                uint known = model.Count > 0 && !set ? model.Keys.ElementAt((int)(index % model.Count)) : index;
                Assert.True(array.TryEnsure(known, out ulong* item));
                *item = set ? index + 1UL : 0;
                if (set)
                    model[known] = index + 1UL;
                else
                    model.Remove(known);
                if (index % 3 == 0)
                    array.TrimEmptyBlocks();
                Assert.All(model, pair => Assert.Equal(pair.Value, *array.Find(pair.Key)));
                Assert.Equal(budget.Used, array.Bytes);
            }
            array.TrimEmptyBlocks();
            Assert.All(model, pair => Assert.Equal(pair.Value, *array.Find(pair.Key)));
            long blocks = model.Keys.Select(index => index >> BlockShift).Distinct().Count();
            uint longest = model.Count == 0 ? 0 : (model.Keys.Max() >> BlockShift) + 1;
            // A root is at most twice as long as it has to be, and at least eight long.
            long root = model.Count == 0 ? 0 : (1 + Math.Max(8, 2 * longest)) * 8;
            Assert.InRange(array.Bytes, blocks << BlockShift << 3, (blocks << BlockShift << 3) + root);
            array.Free();
            Assert.Equal(0, budget.Used);
        }, iter: 200, threads: 1);

    [Fact]
    public void An_array_that_was_trimmed_to_nothing_grows_again()
    {
        MemoryBudget budget = new(64 << 20);
        BlockArray<uint> array = new(budget, BlockShift);
        for (int round = 0; round < 3; round++)
        {
            for (uint index = 0; index < 1 << 24; index += 1 << 18)
            {
                Assert.True(array.TryEnsure(index, out uint* item));
                *item = index + 1;
            }
            Assert.Equal(1u + (1 << 18), *array.Find(1 << 18));
            for (uint index = 0; index < 1 << 24; index += 1 << 18)
                *array.Find(index) = 0;
            array.TrimEmptyBlocks();
            Assert.Equal(0, budget.Used);
            Assert.True(array.Find(1 << 18) is null);
            Assert.Null(array.NextExisting(0));
        }
    }

    [Fact]
    public void Trimming_takes_nothing_that_is_held_for_a_shorter_root()
    {
        MemoryBudget budget = new(64 << 10);
        BlockArray<ulong> array = new(budget, BlockShift);
        const uint Low = 400 << BlockShift;
        // The long root is the first, and one half as long takes more than an empty block gives back.
        Assert.True(array.TryEnsure(1000 << BlockShift, out _));
        Assert.True(array.TryEnsure(Low, out ulong* low));
        *low = 1;
        Assert.True(budget.TryChargeIdle(budget.Available));
        int asked = 0;
        budget.LetIdleGo = bytes =>
        {
            asked++;
            long some = Math.Min((bytes + 4095) & ~4095L, budget.Idle);
            budget.LeaveIdle(-some);
            budget.Release(some);
            return some > 0;
        };
        array.TrimEmptyBlocks();
        Assert.Equal(0, asked);
        Assert.Equal(1UL, *array.Find(Low));
        array.Free();
        Assert.Equal(0, budget.Used);
    }
}
