namespace PageFold.Frames;

/// <summary>
/// Where an arena's frames come from. A backing lays its frames out in segments that are contiguous in the address space and answers for commit
/// and decommit of runs; which frames are free is the arena's business. Calls for disjoint runs may come from several threads. The arena
/// disposes it; a backing has no finalizer, because it does not know which frames are in use.
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

    /// <summary>Makes runs usable, touching them in one go where the system can; false when the system has no memory for all of them, and then none is.</summary>
    public abstract bool TryCommit(ReadOnlySpan<FrameRun> runs);

    /// <summary>Gives the memory of runs back to the operating system, in their order; their content is gone.</summary>
    /// <returns>How many runs went; those after them stay, because the system keeps them (locked memory).</returns>
    public abstract int Decommit(ReadOnlySpan<FrameRun> runs);

    /// <summary>Bytes of the first <paramref name="frames"/> frames that are in physical memory, as the operating system tells it; null where it cannot be asked.</summary>
    public abstract long? CountResidentBytes(uint frames);

    /// <summary>True if memory can be taken before its frames are committed, and kept.</summary>
    public virtual bool CanPrefault => false;

    /// <summary>
    /// Has the memory of a run come from the system, whether its frames are in use or not; their content stays. False when the system has
    /// too little.
    /// </summary>
    public virtual bool TryPrefault(FrameRun run) => false;

    /// <summary>
    /// Gives back the memory of frames that are kept and not in use; false if the system keeps it. Kept or not, it comes again when they
    /// are committed.
    /// </summary>
    public virtual bool TryLetGo(FrameRun run) => false;

    /// <summary>From now on the memory of the first <paramref name="frames"/> frames stays, committed or not.</summary>
    /// <param name="frames">How many.</param>
    /// <param name="isWhole">False if some of them may have none yet, or no longer.</param>
    public virtual void Keep(uint frames, bool isWhole)
    {
        // A backing that cannot prefault is never asked.
    }

    /// <summary>The file behind the frames, frame 0 at its beginning, for windows to map; -1 where there is none.</summary>
    public virtual int Descriptor => -1;

    /// <summary>Frames that one huge page can back, aligned to as many; zero where there are no huge pages or they cannot be cut up again.</summary>
    public virtual uint FramesPerHugePage => 0;

    /// <summary>Backs a block of frames, all committed, by one huge page, their content unchanged; false if the system has none to spare.</summary>
    public virtual bool TryMerge(FrameRun block) => false;

    /// <summary>Cuts the huge pages up that a run is part of, so that the run can go back. The run's content may be gone afterwards, that of other frames stays.</summary>
    public virtual void Cut(FrameRun run)
    {
    }

    public abstract void Dispose();
}

/// <summary>Frames with consecutive numbers.</summary>
/// <param name="First">The lowest of them.</param>
/// <param name="Count">How many there are.</param>
internal readonly record struct FrameRun(uint First, uint Count);
