namespace PageFold;

/// <summary>What a compaction did.</summary>
/// <param name="ObjectsMoved">Objects that moved.</param>
/// <param name="BytesMoved">Bytes of size classes that they take.</param>
/// <param name="FramesFreed">Frames that their zspages needed before and do not need now.</param>
public readonly record struct CompactionResult(long ObjectsMoved, long BytesMoved, long FramesFreed)
{
    /// <summary>Adds up two compactions.</summary>
    public static CompactionResult operator +(CompactionResult left, CompactionResult right) => Add(left, right);

    /// <summary>Adds up two compactions.</summary>
    public static CompactionResult Add(CompactionResult left, CompactionResult right) => new(
        left.ObjectsMoved + right.ObjectsMoved, left.BytesMoved + right.BytesMoved, left.FramesFreed + right.FramesFreed);
}
