namespace PageFold.Frames;

/// <summary>The source of an arena's memory.</summary>
/// <remarks>
/// A backing arranges its frames in segments that are contiguous in the address space, and commits and gives back runs of frames. The arena
/// decides which frames are free. Calls for disjoint runs may come from several threads. The arena disposes the backing; a backing has no
/// finalizer, because it does not know which frames are in use.
/// </remarks>
internal abstract unsafe class FrameBacking(int frameShift, uint capacity) : IDisposable
{
    public int FrameShift { get; } = frameShift;

    /// <summary>The number of frames in the reserved address space.</summary>
    public uint Capacity { get; } = capacity;

    /// <summary>Runs are committed and given back in aligned multiples of this many frames; a power of two.</summary>
    public abstract uint Granularity { get; }

    /// <summary>Bytes that a segment of <see cref="Granularity"/> frames takes beside its frames.</summary>
    public abstract int SegmentOverhead { get; }

    /// <summary>Base addresses of the segments; a segment has 1 &lt;&lt; <see cref="SegmentShift"/> frames.</summary>
    public abstract byte** Segments { get; }

    public abstract int SegmentShift { get; }

    /// <summary>
    /// Commits runs, touching them in one call where the system can; false, and nothing is committed, when memory is
    /// missing.
    /// </summary>
    public abstract bool TryCommit(ReadOnlySpan<FrameRun> runs);

    /// <summary>Gives the memory of runs back to the operating system, in order; their content is lost.</summary>
    /// <returns>How many runs went. The system keeps those after them (locked memory).</returns>
    public abstract int Decommit(ReadOnlySpan<FrameRun> runs);

    /// <summary>
    /// Bytes of the first <paramref name="frames"/> frames in physical memory; null where the system does not report
    /// them.
    /// </summary>
    public abstract long? CountResidentBytes(uint frames);

    /// <summary>True if memory can be taken before its frames are committed, and kept.</summary>
    public virtual bool CanPrefault => false;

    /// <summary>
    /// Takes the memory of a run from the system, in use or not, and keeps its content; false when the system has too
    /// little.
    /// </summary>
    public virtual bool TryPrefault(FrameRun run) => false;

    /// <summary>Gives back the memory of held frames that are not in use; false if the system keeps it.</summary>
    /// <remarks>In both cases a later commit brings the memory back.</remarks>
    public virtual bool TryLetGo(FrameRun run) => false;

    /// <summary>Keeps the memory of the first <paramref name="frames"/> frames from now on, committed or not.</summary>
    /// <param name="frames">The number of frames.</param>
    /// <param name="isWhole">False if some of them may have no memory.</param>
    public virtual void Keep(uint frames, bool isWhole)
    {
        // A backing that cannot prefault is never asked.
    }

    /// <summary>The descriptor of the memory file, which starts with frame 0 and which windows map; -1 where there is none.</summary>
    public virtual int Descriptor => -1;

    /// <summary>Frames under one huge page, which is aligned to as many; zero if there are no huge pages or they cannot be split.</summary>
    public virtual uint FramesPerHugePage => 0;

    /// <summary>
    /// Collapses a block of committed frames into one huge page, content unchanged; false if the system has none to
    /// spare.
    /// </summary>
    public virtual bool TryCollapse(FrameRun block) => false;

    /// <summary>Splits the huge pages that contain parts of a run, so that the run can be given back.</summary>
    /// <remarks>The content of the run may be lost. The content of other frames stays.</remarks>
    public virtual void Split(FrameRun run)
    {
    }

    public abstract void Dispose();
}

/// <summary>A run of frames with consecutive numbers.</summary>
/// <param name="First">The lowest number.</param>
/// <param name="Count">The number of frames.</param>
internal readonly record struct FrameRun(uint First, uint Count);
