using System.Runtime.InteropServices;

namespace PageFold.Frames;

/// <summary>Frames in small segments of aligned native memory, for systems where single frames cannot be given back.</summary>
/// <remarks>A segment is committed and freed as a whole, so memory goes back once all frames of a segment are free.</remarks>
internal sealed unsafe class PortableBacking : FrameBacking
{
    private const int MaxSegmentShift = 4;
    private const int Alignment = 64;

    private readonly int _segmentCount;
    private readonly byte** _segments;
    private bool _disposed;

    public PortableBacking(int frameShift, uint capacity)
        : base(frameShift, capacity)
    {
        // A small arena has small segments: at most a sixteenth of it.
        SegmentShift = Math.Min(MaxSegmentShift, Math.Max(0, System.Numerics.BitOperations.Log2(capacity) - 4));
        _segmentCount = (int)((capacity + (1u << SegmentShift) - 1) >> SegmentShift);
        _segments = (byte**)NativeMemory.AllocZeroed((nuint)_segmentCount, (nuint)sizeof(byte*));
    }

    public override uint Granularity => 1u << SegmentShift;

    // What allocators add to a block: a header and alignment, or a page where a large block has a mapping of its own.
    public override int SegmentOverhead => SegmentShift + FrameShift >= 17 ? 4096 : 2 * Alignment;

    public override byte** Segments => _segments;

    public override int SegmentShift { get; }

    public override bool TryCommit(ReadOnlySpan<FrameRun> runs)
    {
        for (int i = 0; i < runs.Length; i++)
        {
            for (uint segment = FirstSegment(runs[i]); segment < EndSegment(runs[i]); segment++)
            {
                try
                {
                    _segments[segment] = (byte*)NativeMemory.AlignedAlloc((nuint)1 << SegmentShift + FrameShift, Alignment);
                }
                catch (OutOfMemoryException)
                {
                    FreeSegments(FirstSegment(runs[i]), segment);
                    _ = Decommit(runs[..i]);
                    return false;
                }
            }
        }
        return true;
    }

    public override int Decommit(ReadOnlySpan<FrameRun> runs)
    {
        foreach (FrameRun run in runs)
            FreeSegments(FirstSegment(run), EndSegment(run));
        return runs.Length;
    }

    public override long? CountResidentBytes(uint frames) => null;

    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        for (int segment = 0; segment < _segmentCount; segment++)
            NativeMemory.AlignedFree(_segments[segment]);
        NativeMemory.Free(_segments);
    }

    private uint FirstSegment(FrameRun run) => run.First >> SegmentShift;

    private uint EndSegment(FrameRun run) => run.First + run.Count >> SegmentShift;

    private void FreeSegments(uint from, uint end)
    {
        for (uint segment = from; segment < end; segment++)
        {
            NativeMemory.AlignedFree(_segments[segment]);
            _segments[segment] = null;
        }
    }
}
