using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>Consistent figures of a heap and its budget at one moment.</summary>
/// <remarks>
/// <see cref="Enter"/> takes the latches of all classes and <see cref="Exit"/> releases them. No object is allocated or freed in between,
/// where the figures are read. Statistics are rare and latches are short, so the stop takes some microseconds. Without the latches the
/// figures would have to be read again until nothing changes, which may never happen while writers work. The constructor allocates all
/// memory, so nothing is allocated under the latches. Latches are taken in the order of classes, and their holders take none of another
/// class, so there is no cycle.
/// </remarks>
internal sealed class HeapFigures(ZsHeap heap)
{
    private readonly SizeClass[] _classes = [.. heap.Classes];
    private readonly ClassFigures[] _figures = new ClassFigures[heap.Classes.Count];
    private long _used;
    private long _peak;

    /// <summary>Bytes of frames that zspages own.</summary>
    public long PoolBytes { get; private set; }

    /// <summary>All other charged bytes.</summary>
    public long TableBytes => _used - PoolBytes;

    /// <summary>The maximum of bytes that were charged at once.</summary>
    public long PeakBytes => Math.Max(_peak, _used);

    public IReadOnlyList<SizeClassStatistics> Classes =>
        [.. _classes.Select(sizeClass => sizeClass.Describe(_figures[sizeClass.Number]))];

    /// <summary>All figures of one moment, for a heap whose owner has none to add.</summary>
    public ZsPoolStatistics Read()
    {
        Enter();
        Exit();
        IReadOnlyList<SizeClassStatistics> classes = Classes;
        return new ZsPoolStatistics
        {
            Objects = classes.Sum(sizeClass => sizeClass.Objects),
            ObjectBytes = classes.Sum(sizeClass => sizeClass.Objects * sizeClass.ObjectSize),
            PoolBytes = PoolBytes,
            TableBytes = TableBytes,
            PeakBytes = PeakBytes,
            MemoryLimit = heap.Arena.Budget.Limit,
            FramesCompacted = heap.FramesCompacted,
            BytesMoved = heap.BytesMoved,
            Classes = classes,
        };
    }

    public void Enter()
    {
        MemoryBudget budget = heap.Arena.Budget;
        long frames = 0;
        foreach (SizeClass sizeClass in _classes)
        {
            ref ClassFigures figures = ref _figures[sizeClass.Number];
            sizeClass.BeginRead(out figures);
            frames += figures.Frames;
        }
        PoolBytes = frames * heap.Arena.FrameSize;
        // Frames are charged before a zspage owns them, and released afterwards.
        _used = budget.Used;
        _peak = budget.Peak;
    }

    public void Exit()
    {
        foreach (SizeClass sizeClass in _classes)
            sizeClass.EndRead();
    }
}
