namespace PageFold.Frames;

/// <summary>The committed frames that are free, and the segments that are free as a whole.</summary>
/// <remarks>Segments count only where memory goes back in segments of several frames. Not thread-safe: the arena's lock guards
/// it.</remarks>
internal sealed class FreeFrames : IDisposable
{
    private readonly FrameSet _frames;
    private readonly FrameSet? _segments;
    private readonly byte[]? _inSegment;
    private readonly int _segmentShift;

    /// <param name="capacity">The number of frames in the address space.</param>
    /// <param name="granularity">Frames in a segment, a power of two up to 128.</param>
    public FreeFrames(uint capacity, uint granularity)
    {
        _frames = new FrameSet(capacity);
        _segmentShift = System.Numerics.BitOperations.Log2(granularity);
        if (granularity == 1)
            return;
        try
        {
            _segments = new FrameSet(capacity >> _segmentShift);
        }
        catch
        {
            _frames.Dispose();
            throw;
        }
        _inSegment = new byte[capacity >> _segmentShift];
    }

    public uint Count => _frames.Count;

    public bool Contains(uint frame) => _frames.Contains(frame);

    public bool TryFindFirst(out uint frame) => _frames.TryFindFirst(out frame);

    public void Add(uint frame)
    {
        _frames.Add(frame);
        if (_inSegment is not null && ++_inSegment[frame >> _segmentShift] == 1 << _segmentShift)
            _segments!.Add(frame >> _segmentShift);
    }

    public bool Remove(uint frame)
    {
        if (!_frames.Remove(frame))
            return false;
        if (_inSegment is not null && _inSegment[frame >> _segmentShift]-- == 1 << _segmentShift)
            _segments!.Remove(frame >> _segmentShift);
        return true;
    }

    /// <summary>Removes the highest run, or the highest whole segment; false if there is none.</summary>
    public bool TryTakeHighest(uint most, out FrameRun run)
    {
        uint first;
        uint count;
        run = default;
        if (_segments is not null)
        {
            if (!_segments.TryFindLast(out first))
                return false;
            first <<= _segmentShift;
            count = 1u << _segmentShift;
        }
        else
        {
            if (!_frames.TryFindLast(out first))
                return false;
            count = 1;
            while (count < most && first > 0 && _frames.Contains(first - 1))
            {
                first--;
                count++;
            }
        }
        for (uint i = 0; i < count; i++)
            Remove(first + i);
        run = new FrameRun(first, count);
        return true;
    }

    public void Dispose()
    {
        _frames.Dispose();
        _segments?.Dispose();
    }
}
