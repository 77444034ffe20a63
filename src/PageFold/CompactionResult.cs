namespace PageFold;

/// <summary>What a compaction did.</summary>
public readonly record struct CompactionResult
{
    /// <summary>Objects that moved.</summary>
    public long ObjectsMoved { get; init; }

    /// <summary>Bytes of size classes that they take.</summary>
    public long BytesMoved { get; init; }

    /// <summary>Frames that their zspages needed before and do not need now.</summary>
    public long FramesFreed { get; init; }

    /// <summary>True if the caller cancelled it before its end; what was moved stays moved.</summary>
    public bool WasCancelled { get; init; }

    /// <summary>Adds up two compactions.</summary>
    public static CompactionResult operator +(CompactionResult left, CompactionResult right) => Add(left, right);

    /// <summary>Adds up two compactions.</summary>
    public static CompactionResult Add(CompactionResult left, CompactionResult right) => new()
    {
        ObjectsMoved = left.ObjectsMoved + right.ObjectsMoved,
        BytesMoved = left.BytesMoved + right.BytesMoved,
        FramesFreed = left.FramesFreed + right.FramesFreed,
        WasCancelled = left.WasCancelled || right.WasCancelled,
    };
}
