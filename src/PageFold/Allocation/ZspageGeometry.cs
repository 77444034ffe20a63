using System.Numerics;

namespace PageFold.Allocation;

/// <summary>
/// How the zspages of one size class are laid out: a chain of frames, seen as one stretch of bytes, with objects of one size side by side, the last of them ending at or before the end
/// of the last frame; and a descriptor beside it.
/// </summary>
/// <remarks>
/// <para>
/// The descriptor holds a header, a bit for every frame that the zspage owns, two bits for every object (in use; all its frames owned) and every
/// frame's number. An object's tag lies before its bytes, where a look at the one brings in the other, and where a tag costs nothing until there is an object.
/// </para>
/// <para>
/// A frame is taken when the first object reaches it and given back when the last object that touches it leaves, so a long chain costs nothing but
/// its descriptor. Chosen is the shortest chain whose bytes per object, descriptor included, are within a two-thousandth of the best that the longest allowed chain reaches. For the last
/// few bytes below a frame, where a tag has no room beside the object, that is one object a frame and the tags in the descriptor.
/// </para>
/// </remarks>
internal sealed class ZspageGeometry
{
    /// <summary>Bytes of <see cref="ZspageHeader"/>.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Where the bits of owned frames begin.</summary>
    public const int OwnedOffset = HeaderBytes;

    // Enough for a frame of the smallest objects, and for good chains of small frames.
    private const int LeastIndexBits = 9;
    private const int SmallestStrideShift = 5;

    // Objects of a whole frame that share a descriptor: enough for its header not to matter.
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

    /// <summary>Bytes from one object to the next, its tag included.</summary>
    public int Stride { get; }

    /// <summary>Bytes of the tag before an object; zero where tags lie in the descriptor.</summary>
    public int TagBytes { get; }

    /// <summary>The most bytes that an object may have.</summary>
    public int ObjectSize => Stride - TagBytes;

    /// <summary>Frames in a chain.</summary>
    public int Frames { get; }

    /// <summary>Objects in a zspage.</summary>
    public int Objects { get; }

    public int FrameShift { get; }

    /// <summary>Bits of an object's index in its location.</summary>
    public int IndexBits => IndexBitsFor(FrameShift);

    /// <summary>64-bit words of a bitmap with a bit an object.</summary>
    public int ObjectWords { get; }

    public int UsedOffset { get; }

    public int BackedOffset { get; }

    /// <summary>Where the tags begin if they lie in the descriptor.</summary>
    public int TagsOffset { get; }

    public int FramesOffset { get; }

    /// <summary>Lines that the descriptor takes in the <see cref="ZspageTable"/>.</summary>
    public int DescriptorLines => (DescriptorBytes + ZspageTable.LineBytes - 1) / ZspageTable.LineBytes;

    public int DescriptorBytes => FramesOffset + Frames * sizeof(uint);

    public int FrameSize => 1 << FrameShift;

    /// <summary>Bytes of frames and descriptor for an object in a full zspage.</summary>
    public double BytesPerObject => ((double)Frames * FrameSize + DescriptorLines * ZspageTable.LineBytes) / Objects;

    /// <summary>
    /// Bits of an index in a location: 9 for frames up to 16 KiB, 11 for 64 KiB. So a frame of any size can be filled with the smallest objects. Larger frames need fewer zspages for the same
    /// memory, so the bits come from the zspage's number.
    /// </summary>
    public static int IndexBitsFor(int frameShift) => Math.Max(LeastIndexBits, frameShift - SmallestStrideShift);

    /// <summary>The most objects in a zspage.</summary>
    public static int MaxObjects(int frameSize) => 1 << IndexBitsFor(BitOperations.Log2((uint)frameSize));

    /// <summary>Where an object begins, its tag first if it lies there, in bytes from the chain's start.</summary>
    public int OffsetOf(int index) => index * Stride;

    /// <summary>The first and the last frame that an object touches.</summary>
    public (int First, int Last) FramesOf(int index)
    {
        int offset = OffsetOf(index);
        return (offset >> FrameShift, offset + Stride - 1 >> FrameShift);
    }

    /// <summary>The first and the last object that touch a frame; the last is before the first where there is none.</summary>
    public (int First, int Last) ObjectsIn(int frame)
    {
        int begin = frame << FrameShift;
        return (begin / Stride, Math.Min(Objects - 1, (begin + FrameSize - 1) / Stride));
    }

    /// <summary>The fewest frames, whole zspages and the beginning of one, that so many objects need.</summary>
    public long FramesNeeded(long objects)
    {
        (long full, long rest) = Math.DivRem(objects, Objects);
        return full * Frames + (rest * Stride + FrameSize - 1 >> FrameShift);
    }

    /// <summary>
    /// The geometry for objects of a size.
    /// </summary>
    /// <param name="frameSize">Bytes in a frame.</param>
    /// <param name="stride">Bytes in an object and its tag, at most a frame.</param>
    /// <param name="maxChain">The longest chain, in frames; one object a frame has a chain of its own.</param>
    public static ZspageGeometry For(int frameSize, int stride, int maxChain)
    {
        ZspageGeometry best = OneObjectAFrame(frameSize);
        double least = best.BytesPerObject;
        ZspageGeometry[] chains = [.. Enumerable.Range(1, maxChain).Select(frames => Chain(frameSize, stride, frames))];
        foreach (ZspageGeometry chain in chains)
            least = Math.Min(least, chain.BytesPerObject);
        return Array.Find(chains, chain => chain.BytesPerObject <= least * 1.0005) ?? best;
    }

    /// <summary>One object a frame, with its tag in the descriptor.</summary>
    public static ZspageGeometry OneObjectAFrame(int frameSize) => new(frameSize, frameSize, tagBytes: 0, WholeFrameObjects, WholeFrameObjects);

    private static ZspageGeometry Chain(int frameSize, int stride, int frames) =>
        new(frameSize, stride, sizeof(ulong), frames, Math.Min(MaxObjects(frameSize), frames * frameSize / stride));

    private static int Words(int bits) => (bits + 63) / 64;
}
