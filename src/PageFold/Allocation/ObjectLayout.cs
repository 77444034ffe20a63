using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold.Allocation;

/// <summary>The part of a geometry that leads from a zspage's descriptor to one of its objects.</summary>
/// <remarks>Eight bytes for each step of sizes, so that the layouts of all sizes stay in a near cache.</remarks>
internal readonly unsafe struct ObjectLayout(ZspageGeometry geometry)
{
    private readonly int _stride = geometry.Stride;
    private readonly ushort _framesOffset = (ushort)geometry.FramesOffset;

    // The offset of the tags in the descriptor; zero where a tag lies before its object.
    private readonly ushort _tagsOffset = (ushort)(geometry.TagBytes == 0 ? geometry.TagsOffset : 0);

    /// <summary>Locates the bytes of a pinned object, and its tag.</summary>
    /// <param name="arena">The arena of the frames.</param>
    /// <param name="descriptor">The descriptor of the object's zspage.</param>
    /// <param name="index">The index of the object.</param>
    /// <param name="size">Bytes in the object.</param>
    /// <param name="tag">The owner's words: the slot's number in the low half, 32 bits of the owner's in the high half.</param>
    public ObjectView View(FrameArena arena, byte* descriptor, int index, int size, out ulong* tag)
    {
        int offset = index * _stride + (_tagsOffset == 0 ? sizeof(ulong) : 0);
        int inFrame = offset & arena.FrameSize - 1;
        uint* frames = (uint*)(descriptor + _framesOffset) + (offset >> arena.FrameShift);
        byte* first = arena.AddressOf(frames[0]) + inFrame;
        // In the same frame as the object's beginning, because objects begin at multiples of 16.
        tag = _tagsOffset == 0 ? (ulong*)(first - sizeof(ulong)) : (ulong*)(descriptor + _tagsOffset) + index;
        int room = arena.FrameSize - inFrame;
        if (size <= room)
            return new ObjectView(first, size, null, 0);
        byte* second = arena.AddressOf(frames[1]);
        // The frames happen to be adjacent: the object is contiguous already.
        return second == first + room ? new ObjectView(first, size, null, 0) : new ObjectView(first, room, second, size - room);
    }
}
