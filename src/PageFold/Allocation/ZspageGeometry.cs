using System.Numerics;

namespace PageFold.Allocation;

/// <summary>The layout of the zspages of one size class: a chain of frames with objects of one size, and a descriptor beside it.</summary>
/// <remarks>
/// <para>
/// The frames of a chain are numbered as one range of bytes; objects lie side by side in it. The descriptor holds a header, a bit for each
/// frame (owned), two bits for each object (in use; all its frames owned) and the number of each frame. An object's tag lies before its
/// bytes: reading one loads the other, and a tag costs nothing until there is an object.
/// </para>
/// <para>
/// A frame is taken when the first object reaches it and given back when the last object that touches it is freed, so a long chain costs
/// only its descriptor. The geometry is the shortest chain whose bytes for each object, descriptor included, are within a two-thousandth of
/// the best that any allowed chain reaches. Objects that fill a frame almost completely, so that a tag has no room beside them, have one
/// frame each, and their tags lie in the descriptor.
/// </para>
/// </remarks>
internal sealed class ZspageGeometry
{
    /// <summary>Bytes of <see cref="ZspageHeader"/>.</summary>
    public const int HeaderBytes = 16;

    /// <summary>The offset of the bits of owned frames.</summary>
    public const int OwnedOffset = HeaderBytes;

    // Enough for a frame of the smallest objects, and for good chains of small frames.
    private const int MinIndexBits = 9;
    private const int MinStrideShift = 5;

    // Objects of a whole frame that share a descriptor: enough to make its header negligible.
    private const int WholeFrameObjects = 64;

    private ZspageGeometry(int frameSize, int stride, int tagBytes, int frames, int objects)
    {
        FrameShift = BitOperations.Log2((uint)frameSize);
        Stride = stride;
        TagBytes = tagBytes;
        Frames = frames;
        Objects = objects;
        ObjectWords = Words(objects);
        UsedOffset = OwnedOffset + Words(frames) * sizeof(ulong);
        BackedOffset = UsedOffset + ObjectWords * sizeof(ulong);
        TagsOffset = BackedOffset + ObjectWords * sizeof(ulong);
        FramesOffset = TagsOffset + (tagBytes == 0 ? objects * sizeof(ulong) : 0);
    }

    /// <summary>Bytes between the beginnings of two objects, tag included.</summary>
    public int Stride { get; }

    /// <summary>Bytes of the tag before an object; zero where tags lie in the descriptor.</summary>
    public int TagBytes { get; }

    /// <summary>The maximum size of an object, in bytes.</summary>
    public int ObjectSize => Stride - TagBytes;

    /// <summary>Frames in a chain.</summary>
    public int Frames { get; }

    /// <summary>Objects in a zspage.</summary>
    public int Objects { get; }

    public int FrameShift { get; }

    /// <summary>Bits of an object's index in its location.</summary>
    public int IndexBits => IndexBitsFor(FrameShift);

    /// <summary>64-bit words of a bitmap with one bit for each object.</summary>
    public int ObjectWords { get; }

    public int UsedOffset { get; }

    public int BackedOffset { get; }

    /// <summary>The offset of the tags, if they lie in the descriptor.</summary>
    public int TagsOffset { get; }

    public int FramesOffset { get; }

    /// <summary>Lines of the descriptor in the <see cref="ZspageTable"/>.</summary>
    public int DescriptorLines => (DescriptorBytes + ZspageTable.LineBytes - 1) / ZspageTable.LineBytes;

    public int DescriptorBytes => FramesOffset + Frames * sizeof(uint);

    public int FrameSize => 1 << FrameShift;

    /// <summary>Bytes of frames and descriptor for each object of a full zspage.</summary>
    public double BytesPerObject => ((double)Frames * FrameSize + DescriptorLines * ZspageTable.LineBytes) / Objects;

    /// <summary>Bits of an index in a location: 9 for frames up to 16 KiB, 10 for 32 KiB, 11 for 64 KiB.</summary>
    /// <remarks>
    /// So the smallest objects can fill a frame of any size. Larger frames need fewer zspages for the same memory, so the bits come from
    /// the zspage's number.
    /// </remarks>
    public static int IndexBitsFor(int frameShift) => Math.Max(MinIndexBits, frameShift - MinStrideShift);

    /// <summary>The maximum number of objects in a zspage.</summary>
    public static int MaxObjects(int frameSize) => 1 << IndexBitsFor(BitOperations.Log2((uint)frameSize));

    /// <summary>The offset of an object in the chain, in bytes; it starts with the tag if that lies before the object.</summary>
    public int OffsetOf(int index) => index * Stride;

    /// <summary>The first and the last frame that an object touches.</summary>
    public (int First, int Last) FramesOf(int index)
    {
        int offset = OffsetOf(index);
        return (offset >> FrameShift, offset + Stride - 1 >> FrameShift);
    }

    /// <summary>The first and the last object that touch a frame; the last is less than the first if there is none.</summary>
    public (int First, int Last) ObjectsIn(int frame)
    {
        int begin = frame << FrameShift;
        return (begin / Stride, Math.Min(Objects - 1, (begin + FrameSize - 1) / Stride));
    }

    /// <summary>The minimum of frames, in full zspages and the beginning of one more, that so many objects need.</summary>
    public long FramesNeeded(long objects)
    {
        (long full, long rest) = Math.DivRem(objects, Objects);
        return full * Frames + (rest * Stride + FrameSize - 1 >> FrameShift);
    }

    /// <summary>Chooses the geometry for objects of a size.</summary>
    /// <param name="frameSize">Bytes in a frame.</param>
    /// <param name="stride">Bytes in an object and its tag, at most a frame.</param>
    /// <param name="maxChain">The maximum length of a chain, in frames; the geometry of one object a frame is not bound by it.</param>
    public static ZspageGeometry For(int frameSize, int stride, int maxChain)
    {
        ZspageGeometry best = OneObjectAFrame(frameSize);
        double least = best.BytesPerObject;
        ZspageGeometry[] chains = [.. Enumerable.Range(1, maxChain).Select(frames => Chain(frameSize, stride, frames))];
        foreach (ZspageGeometry chain in chains)
            least = Math.Min(least, chain.BytesPerObject);
        return Array.Find(chains, chain => chain.BytesPerObject <= least * 1.0005) ?? best;
    }

    /// <summary>The geometry of one object a frame, with tags in the descriptor.</summary>
    public static ZspageGeometry OneObjectAFrame(int frameSize) =>
        new(frameSize, frameSize, tagBytes: 0, WholeFrameObjects, WholeFrameObjects);

    private static ZspageGeometry Chain(int frameSize, int stride, int frames) =>
        new(frameSize, stride, sizeof(ulong), frames, Math.Min(MaxObjects(frameSize), frames * frameSize / stride));

    private static int Words(int bits) => (bits + 63) / 64;
}
