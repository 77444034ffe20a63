using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>The account of all memory while several threads charge it.</summary>
public class MemoryBudgetTests
{
    [Fact]
    public async Task A_table_lets_no_more_go_than_it_lacks_while_other_memory_comes_and_goes()
    {
        const long Limit = 1 << 20;
        const int Table = 4096;
        const int Rounds = 500_000;
        MemoryBudget budget = new(Limit);
        Assert.True(budget.TryChargeIdle(Limit / 2));
        long least = long.MaxValue;
        budget.LetIdleGo = bytes =>
        {
            least = Math.Min(least, bytes);
            budget.LeaveIdle(-Table);
            budget.Release(Table);
            return true;
        };
        bool isOver = false;
        long taken = 0;
        Task other = Pages.OnItsOwnThread(() =>
        {
            // All that is left is taken, and free again.
            for (; !Volatile.Read(ref isOver); Volatile.Write(ref taken, taken + 1))
                budget.Release(budget.ChargeUpTo(Limit, 1));
        });
        for (int i = 0; i < Rounds || Volatile.Read(ref taken) < 1000 || least == long.MaxValue; i++)
        {
            if (budget.TryChargeTakingIdle(Table))
                budget.Release(Table);
            while (budget.Idle < Limit / 2)
                budget.TryChargeIdle(Table);
        }
        Volatile.Write(ref isOver, true);
        await other;
        // Nothing is let go for what is free by then.
        Assert.InRange(least, 1, long.MaxValue);
        Assert.Equal((0, Limit / 2), (budget.Used, budget.Idle));
    }

    [Fact]
    public void A_block_that_the_system_does_not_have_is_refused_and_not_charged()
    {
        MemoryBudget budget = new(long.MaxValue);
        Assert.False(NativeBuffer.TryAllocate(budget, 1L << 60, out NativeBuffer buffer));
        Assert.True(buffer.IsEmpty);
        Assert.False(NativeBuffer.TryAllocateForTable(budget, 1L << 60, out _));
        Assert.Equal((0, 0), (budget.Used, budget.BlockCount));
    }

    [Fact]
    public void A_block_that_went_with_its_forgotten_owner_is_not_freed_once_more()
    {
        MemoryBudget budget = new(1 << 20);
        Assert.True(NativeBuffer.TryAllocate(budget, 4096, out NativeBuffer gone));
        budget.FreeBlocks();
        Assert.Equal(0, budget.BlockCount);
        gone.Free(budget);
        Assert.True(NativeBuffer.TryAllocate(budget, 4096, out NativeBuffer next));
        next.Span.Fill(7);
        Assert.Equal(1, budget.BlockCount);
        next.Free(budget);
        Assert.Equal(0, budget.BlockCount);
    }
}
