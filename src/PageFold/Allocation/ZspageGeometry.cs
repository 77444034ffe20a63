using System.Numerics;

namespace PageFold.Allocation;

/// <summary>
/// How the zspages of one size class are laid out: a chain of frames, seen as one stretch of bytes, that begins with the zspage's descriptor and
/// goes on with objects of one size, the last of them ending at or before the end of the last frame.
/// </summary>
/// <remarks>
/// <para>
/// The descriptor holds a header, a bit for every frame that the zspage owns, two bits for every object (in use; all its frames owned) and every
/// frame's number. It lies in the first frame, so a zspage is named by that frame and needs no table beside it. An object's tag lies before its bytes, where a
/// look at the one brings in the other, and where a tag costs nothing until there is an object.
/// </para>
/// <para>
/// A frame is taken when the first object reaches it and given back when the last object that touches it leaves, so a long chain costs nothing but
/// its descriptor. Chosen is the shortest chain whose bytes per object are within a thousandth of the best that the longest allowed chain reaches. For sizes
/// close to a frame that is one frame for the descriptor, with the tags in it, and then one object a frame.
/// </para>
/// </remarks>
internal sealed class ZspageGeometry
{
    /// <summary>Bytes of <see cref="ZspageHeader"/>.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Where the bits of owned frames begin.</summary>
    public const int OwnedOffset = HeaderBytes;

    /// <summary>An object's index has nine bits in its location.</summary>
    public const int MaxObjects = 1 << SlotWord.IndexBits;

    private const int Alignment = 16;

    private ZspageGeometry(int frameSize, int stride, int tagBytes, int frames, int objects, int firstObject)
    {
        FrameShift = BitOperations.Log2((uint)frameSize);
        Stride = stride;
        TagBytes = tagBytes;
        Frames = frames;
        Objects = objects;
        FirstObject = firstObject;
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

    /// <summary>Where the first object begins, in bytes from the chain's start.</summary>
    public int FirstObject { get; }

    public int FrameShift { get; }

    /// <summary>64-bit words of a bitmap with a bit an object.</summary>
    public int ObjectWords { get; }

    public int UsedOffset { get; }

    public int BackedOffset { get; }

    /// <summary>Where the tags begin if they lie in the descriptor.</summary>
    public int TagsOffset { get; }

    public int FramesOffset { get; }

    public int DescriptorBytes => FramesOffset + Frames * sizeof(uint);

    public int FrameSize => 1 << FrameShift;

    /// <summary>Bytes of frames for an object in a full zspage.</summary>
    public double BytesPerObject => (double)Frames * FrameSize / Objects;

    /// <summary>Where an object begins, its tag first if it lies there, in bytes from the chain's start.</summary>
    public int OffsetOf(int index) => FirstObject + index * Stride;

    /// <summary>The first and the last frame that an object touches.</summary>
    public (int First, int Last) FramesOf(int index)
    {
        int offset = OffsetOf(index);
        return (offset >> FrameShift, offset + Stride - 1 >> FrameShift);
    }

    /// <summary>The first and the last object that touch a frame; the last is before the first where there is none.</summary>
    public (int First, int Last) ObjectsIn(int frame)
    {
        int begin = (frame << FrameShift) - FirstObject;
        int end = begin + FrameSize - 1;
        int first = begin <= 0 ? 0 : begin / Stride;
        int last = end < 0 ? -1 : Math.Min(Objects - 1, end / Stride);
        return (first, last);
    }

    /// <summary>The fewest frames, whole zspages and the beginning of one, that so many objects need.</summary>
    public long FramesNeeded(long objects)
    {
        (long full, long rest) = Math.DivRem(objects, Objects);
        return full * Frames + (rest == 0 ? 0 : FirstObject + rest * Stride + FrameSize - 1 >> FrameShift);
    }

    /// <summary>
    /// The geometry for objects of a size.
    /// </summary>
    /// <param name="frameSize">Bytes in a frame.</param>
    /// <param name="stride">Bytes in an object and its tag, at most a frame.</param>
    /// <param name="maxChain">The longest chain, in frames; the frame of a descriptor that needs one for itself does not count.</param>
    public static ZspageGeometry For(int frameSize, int stride, int maxChain)
    {
        ZspageGeometry best = OneObjectAFrame(frameSize);
        double least = best.BytesPerObject;
        for (int frames = 1; frames <= maxChain; frames++)
        {
            int objects = ObjectsIn(frames * frameSize, frames, stride);
            if (objects > 0)
                least = Math.Min(least, (double)frames * frameSize / objects);
        }
        for (int frames = 1; frames <= maxChain; frames++)
        {
            int objects = ObjectsIn(frames * frameSize, frames, stride);
            if (objects > 0 && (double)frames * frameSize / objects <= least * 1.001)
                return new ZspageGeometry(frameSize, stride, sizeof(ulong), frames, objects, Aligned(DescriptorFor(frames, objects)));
        }
        return best;
    }

    /// <summary>One frame for the descriptor and then one object a frame.</summary>
    public static ZspageGeometry OneObjectAFrame(int frameSize)
    {
        int objects = MaxObjects;
        while (DescriptorFor(objects + 1, objects) + objects * sizeof(ulong) > frameSize)
            objects--;
        return new ZspageGeometry(frameSize, frameSize, tagBytes: 0, objects + 1, objects, frameSize);
    }

    /// <summary>The most objects that fit behind their own descriptor, which has to fit into the first frame.</summary>
    private static int ObjectsIn(int bytes, int frames, int stride)
    {
        int objects = Math.Min(MaxObjects, bytes / stride);
        while (objects > 0 && !Fits(objects))
            objects--;
        return objects;

        bool Fits(int count)
        {
            int descriptor = Aligned(DescriptorFor(frames, count));
            return descriptor <= bytes / frames && descriptor + (long)count * stride <= bytes;
        }
    }

    private static int DescriptorFor(int frames, int objects) =>
        HeaderBytes + (Words(frames) + 2 * Words(objects)) * sizeof(ulong) + frames * sizeof(uint);

    private static int Words(int bits) => (bits + 63) / 64;

    private static int Aligned(int bytes) => (bytes + Alignment - 1) & -Alignment;
}
