using System.Collections.Concurrent;
using System.Numerics;

namespace PageFold.Allocation;

/// <summary>The size classes of a frame size.</summary>
/// <remarks>
/// Sizes are 16 bytes apart up to 1 KiB. Above, the step is a 32nd of the next lower power of two, but at most a 256th of a frame: 16 bytes
/// throughout with frames of 4 KiB, and 256 bytes from 8 KiB on with frames of 64 KiB. The smallest class is 32 bytes, tag included.
/// Rounding up wastes half a step for each object, and each class wastes half a frame; docs/density.md compares the two. Adjacent
/// sizes whose zspages hold as many objects in as many frames share one class, that of the largest.
/// </remarks>
internal sealed class SizeClasses
{
    /// <summary>The default number of the largest steps in a frame.</summary>
    public const int DefaultSteps = 256;

    /// <summary>The default maximum length of a chain, in frames.</summary>
    public const int DefaultMaxChain = 64;

    private const int MaxUnit = 16;

    // Steps between two powers of two, where the step is neither the smallest nor the largest.
    private const int OctaveShift = 5;

    private static readonly ConcurrentDictionary<(int FrameSize, int MaxChain, int Steps), SizeClasses> Known = new();

    // By size in units, tag included: the class and the layout.
    private readonly ushort[] _classOf;
    private readonly ObjectLayout[] _layouts;
    private readonly int _unitShift;

    private SizeClasses(int frameSize, int maxChain, int steps)
    {
        int coarsest = frameSize / steps;
        int unit = Math.Min(coarsest, MaxUnit);
        int units = frameSize / unit;
        _unitShift = BitOperations.Log2((uint)unit);
        // The last entry is for objects that fill a frame and have no room for a tag beside them.
        _classOf = new ushort[units + 2];
        List<ZspageGeometry> geometries = [ZspageGeometry.OneObjectAFrame(frameSize)];
        int before = 0;
        // From the largest size down, so that the largest size of a shared geometry defines the class.
        for (int size = units; size >= 0; size--)
        {
            int stride = StrideFor(Math.Max(2, size) * unit, unit, coarsest);
            if (stride != before)
            {
                ZspageGeometry geometry = ZspageGeometry.For(frameSize, stride, maxChain);
                if (geometries[^1].Frames != geometry.Frames || geometries[^1].Objects != geometry.Objects)
                    geometries.Add(geometry);
                before = stride;
            }
            _classOf[size] = (ushort)(geometries.Count - 1);
        }
        geometries.Reverse();
        for (int size = 0; size <= units + 1; size++)
            _classOf[size] = (ushort)(geometries.Count - 1 - _classOf[size]);
        Geometries = geometries;
        _layouts = [.. _classOf.Select(number => new ObjectLayout(geometries[number]))];
    }

    /// <summary>The classes of a frame size and a maximum chain, computed once for all pools.</summary>
    public static SizeClasses For(int frameSize, int maxChain, int steps = DefaultSteps) =>
        Known.GetOrAdd((frameSize, maxChain, steps), static key => new SizeClasses(key.FrameSize, key.MaxChain, key.Steps));

    /// <summary>The geometries by class, in ascending order of size.</summary>
    public IReadOnlyList<ZspageGeometry> Geometries { get; }

    /// <summary>The class of objects of <paramref name="size"/> bytes, from 1 to a frame.</summary>
    public int IndexFor(int size) => _classOf[UnitsOf(size)];

    /// <summary>The layout of objects of <paramref name="size"/> bytes in the zspages of their class.</summary>
    public ref readonly ObjectLayout LayoutFor(int size) => ref _layouts[UnitsOf(size)];

    private static int StrideFor(int bytes, int unit, int coarsest)
    {
        int step = Math.Clamp((1 << BitOperations.Log2((uint)bytes - 1)) >> OctaveShift, unit, coarsest);
        return (bytes + step - 1) / step * step;
    }

    private int UnitsOf(int size) => size + sizeof(ulong) + (1 << _unitShift) - 1 >> _unitShift;
}
