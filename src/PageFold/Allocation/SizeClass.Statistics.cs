namespace PageFold.Allocation;

/// <summary>The figures of a class, read under its latch.</summary>
internal struct ClassFigures
{
    public int Zspages;
    public long Objects;
    public long Frames;
    public long ReclaimableFrames;
    public FullnessCounts Fullness;

    [System.Runtime.CompilerServices.InlineArray(SizeClass.Bands + 1)]
    public struct FullnessCounts
    {
        private int _first;
    }
}

internal sealed unsafe partial class SizeClass
{
    /// <summary>Takes the latch and reads the figures; the class does not change until <see cref="EndRead"/>.</summary>
    /// <remarks>A caller that reads several classes takes them in ascending order of numbers and holds no other lock.</remarks>
    public void BeginRead(out ClassFigures figures)
    {
        _latch.Enter();
        figures = new ClassFigures { Zspages = _zspages, Objects = _objects, Frames = _frames, ReclaimableFrames = Reclaimable };
        int full = _zspages;
        for (int band = 0; band < Bands; band++)
        {
            int listed = _listed[band] + _listed[band + BackedGroups];
            figures.Fullness[band] = listed;
            full -= listed;
        }
        figures.Fullness[Bands] = full;
    }

    public void EndRead() => _latch.Exit();

    public SizeClassStatistics Describe(in ClassFigures figures) => new()
    {
        ObjectSize = Geometry.ObjectSize,
        FramesPerZspage = Geometry.Frames,
        ObjectsPerZspage = Geometry.Objects,
        Zspages = figures.Zspages,
        Objects = figures.Objects,
        Frames = figures.Frames,
        ReclaimableFrames = figures.ReclaimableFrames,
        Fullness = ((ReadOnlySpan<int>)figures.Fullness).ToArray(),
    };
}
