using System.Collections.Concurrent;

namespace PageFold.Allocation;

/// <summary>
/// The size classes of a frame size: a step is a 256th of a frame (16 bytes of 4096), the smallest class is two steps. Neighbouring sizes whose zspages
/// hold as many objects in as many frames share one class, the largest of them.
/// </summary>
internal sealed class SizeClasses
{
    /// <summary>The default number of steps in a frame.</summary>
    public const int DefaultSteps = 256;

    /// <summary>The default longest chain, in frames.</summary>
    public const int DefaultMaxChain = 64;

    private static readonly ConcurrentDictionary<(int FrameSize, int MaxChain, int Steps), SizeClasses> Known = new();

    private readonly ushort[] _classOfStep;
    private readonly ObjectLayout[] _layouts;
    private readonly int _stepShift;

    private SizeClasses(int frameSize, int maxChain, int steps)
    {
        // The last step is for objects that fill a frame and so have no room for a tag beside them.
        _classOfStep = new ushort[steps + 2];
        _stepShift = System.Numerics.BitOperations.Log2((uint)(frameSize / steps));
        List<ZspageGeometry> geometries = [ZspageGeometry.OneObjectAFrame(frameSize)];
        _classOfStep[steps + 1] = 0;
        // From the largest size down, so that the first of a shared geometry is the largest size that fits it.
        for (int step = steps; step >= 0; step--)
        {
            ZspageGeometry geometry = ZspageGeometry.For(frameSize, Math.Max(2, step) << _stepShift, maxChain);
            if (geometries[^1].Frames != geometry.Frames || geometries[^1].Objects != geometry.Objects)
                geometries.Add(geometry);
            _classOfStep[step] = (ushort)(geometries.Count - 1);
        }
        geometries.Reverse();
        for (int step = 0; step <= steps + 1; step++)
            _classOfStep[step] = (ushort)(geometries.Count - 1 - _classOfStep[step]);
        Geometries = geometries;
        _layouts = [.. _classOfStep.Select(number => new ObjectLayout(geometries[number]))];
    }

    /// <summary>The classes of a frame size and longest chain, worked out once for all pools.</summary>
    public static SizeClasses For(int frameSize, int maxChain, int steps = DefaultSteps) =>
        Known.GetOrAdd((frameSize, maxChain, steps), static key => new SizeClasses(key.FrameSize, key.MaxChain, key.Steps));

    /// <summary>By class, sizes ascending.</summary>
    public IReadOnlyList<ZspageGeometry> Geometries { get; }

    /// <summary>The class of objects of <paramref name="size"/> bytes, 1 to a frame.</summary>
    public int IndexFor(int size) => _classOfStep[StepOf(size)];

    /// <summary>How objects of <paramref name="size"/> bytes lie in the zspages of their class.</summary>
    public ref readonly ObjectLayout LayoutFor(int size) => ref _layouts[StepOf(size)];

    private int StepOf(int size) => size + sizeof(ulong) + (1 << _stepShift) - 1 >> _stepShift;
}
