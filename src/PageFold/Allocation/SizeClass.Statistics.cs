namespace PageFold.Allocation;

internal sealed unsafe partial class SizeClass
{
    public SizeClassStatistics GetStatistics()
    {
        int[] fullness = new int[Bands + 1];
        int listed = 0;
        _latch.Enter();
        try
        {
            for (int group = 0; group < Groups; group++)
            {
                for (uint head = _heads[group]; head != None; head = Open(head).Header->Next)
                {
                    fullness[group % Bands]++;
                    listed++;
                }
            }
            fullness[Bands] = _zspages - listed;
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
        finally
        {
            _latch.Exit();
        }
    }
}
