using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>
/// What a heap and its budget hold at one moment. Nothing comes or goes in any class between <see cref="Enter"/> and <see cref="Exit"/>, which take and leave the latches of all classes; the
/// figures are read in between.
/// </summary>
/// <remarks>
/// A statistic is rare and a latch is short, so the stop is some microseconds. A look without the latches would have to be repeated until nothing changes, which with writers at work may be never. All
/// memory is taken by the constructor, none while latches are held. The classes' latches are taken in their order; their holders take none of another class, so there is no cycle.
/// </remarks>
internal sealed class HeapFigures(ZsHeap heap)
{
    private readonly ClassFigures[] _classes = new ClassFigures[heap.Classes.Count];
    private long _used;
    private long _peak;

    /// <summary>Bytes of frames that zspages own.</summary>
    public long PoolBytes { get; private set; }

    /// <summary>Every other byte that is charged.</summary>
    public long TableBytes => _used - PoolBytes;

    /// <summary>The most bytes that were charged at once.</summary>
    public long PeakBytes => Math.Max(_peak, _used);

    public IReadOnlyList<SizeClassStatistics> Classes => [.. heap.Classes.Select(sizeClass => sizeClass.Describe(_classes[sizeClass.Number]))];

    public void Enter()
    {
        MemoryBudget budget = heap.Arena.Budget;
        long frames = 0;
        for (int number = 0; number < _classes.Length; number++)
        {
            heap.Classes[number].BeginLook(out _classes[number]);
            frames += _classes[number].Frames;
        }
        PoolBytes = frames * heap.Arena.FrameSize;
        // Frames are charged before a zspage owns them, and are given back after.
        _used = budget.Used;
        _peak = budget.Peak;
    }

    public void Exit()
    {
        for (int number = 0; number < _classes.Length; number++)
            heap.Classes[number].EndLook();
    }
}
