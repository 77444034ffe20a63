namespace PageFold.Frames;

/// <summary>
/// Where an arena's frames come from. A backing lays its frames out in segments that are contiguous in the address space and answers for commit
/// and decommit of runs; which frames are free is the arena's business. Calls for disjoint runs may come from several threads.
/// </summary>
internal abstract unsafe class FrameBacking(int frameShift, uint capacity) : IDisposable
{
    public int FrameShift { get; } = frameShift;

    /// <summary>How many frames the reserved address space holds.</summary>
    public uint Capacity { get; } = capacity;

    /// <summary>Runs are committed and given back in aligned multiples of this many frames; a power of two.</summary>
    public abstract uint Granularity { get; }

    /// <summary>Bytes that a segment of <see cref="Granularity"/> frames takes beside its frames.</summary>
    public abstract int SegmentOverhead { get; }

    /// <summary>Base addresses of the segments; a segment has 1 &lt;&lt; <see cref="SegmentShift"/> frames.</summary>
    public abstract byte** Segments { get; }

    public abstract int SegmentShift { get; }

    /// <summary>Makes a run usable, touching it in one go where the system can; false when the system has no memory for it.</summary>
    public abstract bool TryCommit(uint first, uint count);

    /// <summary>Gives a run's memory back to the operating system; its content is gone. False when the system keeps it (locked memory).</summary>
    public abstract bool TryDecommit(uint first, uint count);

    /// <summary>Bytes of the first <paramref name="frames"/> frames that are in physical memory, as the operating system tells it; null where it cannot be asked.</summary>
    public abstract long? CountResidentBytes(uint frames);

    public abstract void Dispose();
}
