using System.Runtime.InteropServices;

namespace PageFold.Store;

/// <summary>What a store counts.</summary>
internal enum StoreCounter
{
    Pages,
    CompressedBytes,
    SameFilled,
    Incompressible,
    Refused,
    Emptied,
    WrittenBack,
    WrittenBackBytes,
    WritebackWrites,
    WritebackReads,

    /// <summary>Compressed pages by codec number: this one and the three after it.</summary>
    FirstCodec,
    LastCodec = FirstCodec + CodecTable.Most - 1,
}

/// <summary>
/// Counters without a lock: each processor adds to a line of its own, and a reader adds the lines up. Thread-safe; a part may be negative, the sum is right.
/// </summary>
internal sealed class StoreCounters
{
    private readonly Line[] _lines = new Line[Frames.Stripes.Count];

    public void Add(int stripe, StoreCounter counter, long amount)
    {
        if (amount != 0)
            Interlocked.Add(ref _lines[stripe][(int)counter], amount);
    }

    public long Read(StoreCounter counter)
    {
        long sum = 0;
        foreach (ref Line line in _lines.AsSpan())
            sum += Volatile.Read(ref line[(int)counter]);
        return sum;
    }

    [System.Runtime.CompilerServices.InlineArray(16)]
    [StructLayout(LayoutKind.Sequential)]
    private struct Line
    {
        private long _first;
    }
}
