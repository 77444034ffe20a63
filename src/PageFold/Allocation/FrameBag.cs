using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>Frames that were freed under a class's lock and return to the arena when the lock is released.</summary>
internal ref struct FrameBag(Span<uint> room)
{
    private readonly Span<uint> _frames = room;

    public int Count { get; private set; }

    public void Add(uint frame) => _frames[Count++] = frame;

    public readonly void FreeAll(FrameArena arena)
    {
        foreach (uint frame in _frames[..Count])
            arena.Free(frame);
    }
}
