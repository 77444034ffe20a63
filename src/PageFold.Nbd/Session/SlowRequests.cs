namespace PageFold.Nbd.Session;

/// <summary>
/// The slow requests of one connection: a limited number at a time, as long as there are blocks to borrow for their data. The loop that
/// handles requests takes them; any thread returns them.
/// </summary>
internal sealed class SlowRequests(
    ReplySequencer replies, DiskCommands commands, SlowLane lane, Signal changed, bool structured, Action<Exception> abort)
{
    /// <summary>The most at once; with their data that is two megabytes a connection.</summary>
    public const int Most = 16;

    private readonly Stack<SlowRequest> _idle = new(Most);
    private int _busy;

    public ReplySequencer Replies => replies;

    public DiskCommands Commands => commands;

    /// <summary>Where the requests of the disk run, those of other connections too.</summary>
    public SlowLane Lane => lane;

    public bool IsStructured => structured;

    /// <summary>True if some are under way.</summary>
    public bool IsBusy => Volatile.Read(ref _busy) > 0;

    /// <summary>True if as many are under way as may be.</summary>
    public bool IsFull => Volatile.Read(ref _busy) >= Most;

    /// <summary>Takes one; null if there is no memory for its data, in which case the loop carries the request out itself.</summary>
    public SlowRequest? TryTake(in ReceivedRequest request)
    {
        if (replies.TryBorrow() is not { } block)
            return null;
        Interlocked.Increment(ref _busy);
        SlowRequest? slow;
        lock (_idle)
            _ = _idle.TryPop(out slow);
        slow ??= new SlowRequest(this);
        slow.Begin(block, request);
        return slow;
    }

    public void Return(SlowRequest slow)
    {
        if (slow.Block is { } block)
        {
            slow.Block = null;
            replies.Return(block);
        }
        lock (_idle)
            _idle.Push(slow);
        Interlocked.Decrement(ref _busy);
        changed.Set();
    }

    /// <summary>Ends the connection.</summary>
    public void Abort(Exception e) => abort(e);

    /// <summary>Waits until one more may be taken.</summary>
    public void AwaitRoom()
    {
        while (IsFull)
            changed.Wait();
    }

    /// <summary>Waits until none is under way.</summary>
    public void Finish()
    {
        while (IsBusy)
            changed.Wait();
    }
}
