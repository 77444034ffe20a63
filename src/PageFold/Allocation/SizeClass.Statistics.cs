namespace PageFold.Allocation;

/// <summary>What a class holds, read while its latch is held.</summary>
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
    /// <summary>Keeps the class as it is until <see cref="EndLook"/>, and tells what it holds. Who looks at several classes begins with the lowest number and holds no other lock.</summary>
    public void BeginLook(out ClassFigures figures)
    {
        _latch.Enter();
        figures = new ClassFigures { Zspages = _zspages, Objects = _objects, Frames = _frames, ReclaimableFrames = Reclaimable };
        int full = _zspages;
        for (int group = 0; group < Groups; group++)
        {
            figures.Fullness[group % Bands] += _listed[group];
            full -= _listed[group];
        }
        figures.Fullness[Bands] = full;
    }

    public void EndLook() => _latch.Exit();

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
