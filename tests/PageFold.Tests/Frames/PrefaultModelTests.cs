using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>
/// Frames that are held, and huge pages under them and across the mark: whatever comes and goes, what is resident is charged, and the arena
/// knows each huge page that the kernel has.
/// </summary>
public class PrefaultModelTests
{
    private const long Limit = 32 << 20;

    // Merging needs eight blocks of the limit to be free, and the mark is to lie in the middle of a block.
    private const long LeftOut = 19 << 20;

    private enum Step
    {
        Allocate,
        AllocateForTable,
        FreeHighest,
        FreeSome,
        Trim,
        Merge,
        TakeForTable,
        GiveBackTable,
        Prefault,
    }

    [Theory]
    [InlineData(FrameBackingKind.Anonymous, true, false)]
    [InlineData(FrameBackingKind.Anonymous, true, true)]
    [InlineData(FrameBackingKind.Anonymous, false, false)]
    [InlineData(FrameBackingKind.SharedMemory, false, true)]
    public void What_is_resident_is_charged_and_every_huge_page_is_known(FrameBackingKind backing, bool hugePages, bool isLocked)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        using KernelPages? kernel = KernelPages.TryOpen();
        if (isLocked)
        {
            using FrameArena probe = new(new FrameArenaOptions { MemoryLimit = Limit });
            Assert.SkipUnless(KernelPages.TryLock(probe), "This process may not lock so much memory.");
        }
        Gen.Select(Gen.Enum<Step>(), Gen.Int[0, 1 << 12]).Array[10, 60].Sample(
            steps => Run(steps, backing, hugePages, isLocked, kernel), iter: Rounds.Of(5), threads: 1);
    }

    private static void Run(
        (Step Step, int Number)[] steps, FrameBackingKind backing, bool hugePages, bool isLocked, KernelPages? kernel)
    {
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = Limit, Backing = backing, HugePages = hugePages });
        if (isLocked)
            Assert.True(KernelPages.TryLock(arena));
        // Upkeep is the model's.
        arena.DeferUpkeep(() => { });
        List<uint> frames = [];
        List<long> tables = [];
        foreach ((Step step, int number) in steps)
        {
            switch (step)
            {
                case Step.Allocate:
                    for (int i = 0; i < number && arena.TryAllocate(FrameArena.NoFrame, out uint frame); i++)
                        Take(frame);
                    break;
                case Step.AllocateForTable:
                    for (int i = 0; i < number / 4 && arena.TryAllocateForTable(ReserveUse.None, out uint frame); i++)
                        Take(frame);
                    break;
                case Step.FreeHighest:
                    frames.Sort();
                    for (int i = 0; i < number && frames.Count > 0; i++)
                        GiveBack(frames.Count - 1);
                    break;
                case Step.FreeSome:
                    for (int i = frames.Count - 1; i >= 0; i -= 1 + number % 700)
                        GiveBack(i);
                    break;
                case Step.Trim:
                    arena.Trim();
                    break;
                case Step.Merge:
                    arena.CollapseBlocksNow();
                    break;
                case Step.TakeForTable:
                    long bytes = number * 4096L;
                    // All that is idle can be had.
                    bool isThere = arena.Budget.Available + arena.Budget.Idle >= bytes;
                    Assert.Equal(isThere, arena.Budget.TryChargeTakingIdle(bytes));
                    if (isThere)
                        tables.Add(bytes);
                    break;
                case Step.GiveBackTable when tables.Count > 0:
                    arena.Budget.Release(tables[^1]);
                    tables.RemoveAt(tables.Count - 1);
                    break;
                case Step.Prefault when arena.PrefaultedBytes == 0:
                    long leftOut = arena.Budget.ChargeUpTo(LeftOut, 1);
                    arena.Prefault(CancellationToken.None);
                    arena.Budget.Release(leftOut);
                    break;
            }
            Assert.True(arena.Budget.Used + arena.Budget.Idle <= Limit);
            Assert.True(arena.MeasureResidentOf(Limit) <= arena.CommittedBytes + arena.Budget.Idle, $"{step}");
            bool mayCut = step is Step.Trim or Step.Merge or Step.FreeHighest or Step.FreeSome or Step.TakeForTable;
            if (kernel is not null && backing == FrameBackingKind.Anonymous && mayCut)
                Assert.True(kernel.CountHugeBlocks(arena) == arena.HugeBytes >> 21, $"{step}: {arena.HugeBytes >> 21} known");
        }
        foreach (uint frame in frames)
            Assert.True(Pages.Holds(arena.GetSpan(frame), frame));

        void Take(uint frame)
        {
            Pages.Fill(arena.GetSpan(frame), frame);
            frames.Add(frame);
        }

        void GiveBack(int index)
        {
            Assert.True(Pages.Holds(arena.GetSpan(frames[index]), frames[index]));
            arena.Free(frames[index]);
            frames.RemoveAt(index);
        }
    }
}
