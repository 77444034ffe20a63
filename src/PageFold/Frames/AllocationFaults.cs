namespace PageFold.Frames;

/// <summary>A test's plan of allocations that fail.</summary>
/// <remarks>
/// Every allocation of a frame, a table or a buffer asks the plan first, if one is set. A test lets the first, second, ... allocation of an
/// operation fail in turn. The two actions let a test hold a thread in a state that is otherwise too short to observe. Thread-safe.
/// </remarks>
internal sealed class AllocationFaults
{
    private long _seen;
    private long _refuseFrom = long.MaxValue;
    private long _refuseCount;

    /// <summary>Allocations requested so far.</summary>
    public long Seen => Volatile.Read(ref _seen);

    /// <summary>Runs on the thread that gives frames back, while these frames are neither free nor back with the system.</summary>
    public Action? InTransit { get; set; }

    /// <summary>Runs on the thread that prefaults, before it takes the memory of each run of frames.</summary>
    public Action? Prefaulting { get; set; }

    /// <summary>Refuses <paramref name="count"/> requests, starting with the <paramref name="nth"/> from now (1 is the next one).</summary>
    public void Refuse(long nth, long count = 1)
    {
        Volatile.Write(ref _refuseCount, count);
        Volatile.Write(ref _refuseFrom, Seen + nth);
    }

    /// <summary>Refuses nothing from now on.</summary>
    public void Clear() => Volatile.Write(ref _refuseFrom, long.MaxValue);

    /// <summary>Counts a request and returns true if it must fail.</summary>
    public bool ShouldRefuse()
    {
        long number = Interlocked.Increment(ref _seen);
        long from = Volatile.Read(ref _refuseFrom);
        return number >= from && number - from < Volatile.Read(ref _refuseCount);
    }
}
