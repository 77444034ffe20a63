using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold.Allocation;

/// <summary>
/// What it takes to get from a zspage's descriptor to one of its objects: eight bytes a step of sizes, so that those of all sizes stay in a near cache.
/// </summary>
internal readonly unsafe struct ObjectLayout(ZspageGeometry geometry)
{
    private readonly int _stride = geometry.Stride;
    private readonly ushort _framesOffset = (ushort)geometry.FramesOffset;

    // Where the descriptor's tags begin; zero where a tag lies before its object.
    private readonly ushort _tagsOffset = (ushort)(geometry.TagBytes == 0 ? geometry.TagsOffset : 0);

    /// <summary>The bytes of an object that the caller keeps from moving, and its tag.</summary>
    /// <param name="arena">Where the frames are.</param>
    /// <param name="descriptor">Of the object's zspage.</param>
    /// <param name="index">The object's.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="tag">What the owner has written beside the object: the slot's number in the low half, the owner's own 32 bits in the high half.</param>
    public ObjectView View(FrameArena arena, byte* descriptor, int index, int size, out ulong* tag)
    {
        int offset = index * _stride + (_tagsOffset == 0 ? sizeof(ulong) : 0);
        int inFrame = offset & arena.FrameSize - 1;
        uint* frames = (uint*)(descriptor + _framesOffset) + (offset >> arena.FrameShift);
        byte* first = arena.AddressOf(frames[0]) + inFrame;
        // In the same frame as the object's beginning, since objects begin at multiples of 16.
        tag = _tagsOffset == 0 ? (ulong*)(first - sizeof(ulong)) : (ulong*)(descriptor + _tagsOffset) + index;
        int room = arena.FrameSize - inFrame;
        if (size <= room)
            return new ObjectView(first, size, null, 0);
        byte* second = arena.AddressOf(frames[1]);
        // Neighbouring frames, by chance: the object is contiguous already.
        return second == first + room ? new ObjectView(first, size, null, 0) : new ObjectView(first, room, second, size - room);
    }
}
