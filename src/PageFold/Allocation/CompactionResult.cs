namespace PageFold;

/// <summary>The result of a compaction.</summary>
/// <param name="ObjectsMoved">Objects that were moved.</param>
/// <param name="BytesMoved">Bytes of these objects, rounded up to their size classes.</param>
/// <param name="FramesFreed">Frames that zspages gave back.</param>
public readonly record struct CompactionResult(long ObjectsMoved, long BytesMoved, long FramesFreed)
{
    /// <summary>Adds up two compactions.</summary>
    public static CompactionResult operator +(CompactionResult left, CompactionResult right) => Add(left, right);

    /// <summary>Adds up two compactions.</summary>
    public static CompactionResult Add(CompactionResult left, CompactionResult right) => new(
        left.ObjectsMoved + right.ObjectsMoved, left.BytesMoved + right.BytesMoved, left.FramesFreed + right.FramesFreed);
}
