namespace PageFold.Allocation;

internal sealed partial class SizeClass
{
    public SizeClassStatistics GetStatistics()
    {
        int[] fullness = new int[Bands + 1];
        lock (_lock)
        {
            for (int band = 0; band < Bands; band++)
                fullness[band] = _counts[band] + _counts[band + BackedGroups];
            fullness[Bands] = _counts[FullGroup];
            return new SizeClassStatistics
            {
                ObjectSize = Geometry.ObjectSize,
                FramesPerZspage = Geometry.Frames,
                ObjectsPerZspage = Geometry.Objects,
                Zspages = _zspages,
                Objects = _objects,
                Frames = _frames,
                ReclaimableFrames = Reclaimable,
                Fullness = fullness,
            };
        }
    }
}
