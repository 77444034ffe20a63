namespace PageFold.Frames;

/// <summary>
/// Makes the n-th allocation fail, whatever it is for: every frame, table and buffer asks here first when a plan is set. Tests walk n through
/// all allocation points of an operation, and hold up what is usually too short to meet. Thread-safe.
/// </summary>
internal sealed class AllocationFaults
{
    private long _seen;
    private long _refuseFrom = long.MaxValue;
    private long _refuseCount;

    /// <summary>Allocation points passed so far.</summary>
    public long Seen => Volatile.Read(ref _seen);

    /// <summary>Runs while frames are neither free nor given back yet, on the thread that gives them back.</summary>
    public Action? InTransit { get; set; }

    /// <summary>Runs before the memory of each run of frames is taken ahead, on the thread that takes it.</summary>
    public Action? Prefaulting { get; set; }

    /// <summary>Refuses <paramref name="count"/> requests beginning with the <paramref name="nth"/> from now (1 is the next one).</summary>
    public void Refuse(long nth, long count = 1)
    {
        Volatile.Write(ref _refuseCount, count);
        Volatile.Write(ref _refuseFrom, Seen + nth);
    }

    /// <summary>Lets everything pass again.</summary>
    public void Clear() => Volatile.Write(ref _refuseFrom, long.MaxValue);

    /// <summary>True when the request that asks is to fail.</summary>
    public bool ShouldRefuse()
    {
        long number = Interlocked.Increment(ref _seen);
        long from = Volatile.Read(ref _refuseFrom);
        return number >= from && number - from < Volatile.Read(ref _refuseCount);
    }
}
