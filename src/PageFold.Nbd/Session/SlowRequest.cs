using PageFold.Disks;
using PageFold.Nbd.Interop;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>
/// A request that is worked on by a thread of its own, with a borrowed block for its data and its reply. Pooled by its connection: one
/// owner at a time, first the loop that reads requests, then the thread that works on it.
/// </summary>
internal sealed class SlowRequest(Transmission owner, SlowRequests pool, RamDisk disk, SlowLane lane, bool structured) : IThreadPoolWorkItem
{
    /// <summary>Bytes of data at most; longer requests are worked on piece by piece where they are read.</summary>
    public const int MostBytes = 128 << 10;

    private int _collected;

    public NbdRequest Request { get; private set; }

    public long Started { get; private set; }

    public NbdError Error { get; private set; }

    /// <summary>
    /// Where its data is, and from the start of which its reply lies in the end; null once the replies' queue has taken it.
    /// </summary>
    public MemoryBlock? Block { get; set; }

    public int ReplyLength { get; private set; }

    private int Head => Request.Command != NbdCommand.Read ? 0 : structured ? Replies.DataChunkOverhead : NbdConstants.SimpleReplyLength;

    public void Begin(MemoryBlock block, NbdRequest request, long started)
    {
        Block = block;
        Request = request;
        Started = started;
        Error = NbdError.None;
        _collected = 0;
    }

    /// <summary>Takes some of a write's data.</summary>
    public void Collect(ReadOnlySpan<byte> data)
    {
        data.CopyTo(Block!.GetSpan()[(Head + _collected)..]);
        _collected += data.Length;
    }

    /// <summary>Does the work and sends the reply.</summary>
    public void Execute()
    {
        try
        {
            Work();
            owner.Complete(this);
        }
#pragma warning disable CA1031 // On a thread of the pool whatever is not caught ends the process; it is to end this connection.
        catch (Exception e)
#pragma warning restore CA1031
        {
            owner.Abort(e);
            pool.Return(this);
        }
        finally
        {
            // By now the request may be another's; the lane is the disk's.
            lane.Leave();
        }
    }

    private void Work()
    {
        Span<byte> data = Block!.GetSpan().Slice(Head, (int)Request.Length);
        try
        {
            if (Request.Command == NbdCommand.Read)
                disk.Read((long)Request.Offset, data);
            else if (!disk.TryWrite((long)Request.Offset, data))
                Error = owner.OutOfMemory();
        }
        catch (Exception e) when (Transmission.IsOfTheDisk(e))
        {
            owner.Report(e);
            Error = NbdError.InputOutput;
        }
        ReplyLength = BuildReply(Block.GetSpan());
    }

    /// <summary>Puts the head before what was read, or an answer without data in its place.</summary>
    private int BuildReply(Span<byte> reply)
    {
        bool read = Request.Command == NbdCommand.Read;
        if (read && structured && Error != NbdError.None)
            return Replies.ErrorChunk(reply, Request.Cookie, Error);
        if (read && structured)
            Replies.DataChunk(reply, Request.Cookie, done: true, (long)Request.Offset, (int)Request.Length);
        else
            Replies.Simple(reply, Request.Cookie, Error);
        return read && Error == NbdError.None ? Head + (int)Request.Length : NbdConstants.SimpleReplyLength;
    }
}

/// <summary>
/// A connection's slow requests: some at a time, as long as there are blocks to borrow for their data. The loop that reads requests takes
/// them; any thread returns them.
/// </summary>
internal sealed class SlowRequests(Transmission owner, ReplyQueue replies, Signal changed, RamDisk disk, SlowLane lane, bool structured)
{
    /// <summary>How many are worked on at once; with their data that is two megabytes a connection.</summary>
    public const int Most = 16;

    private readonly Stack<SlowRequest> _idle = new(Most);
    private int _busy;

    /// <summary>Some are under way.</summary>
    public bool IsBusy => Volatile.Read(ref _busy) > 0;

    /// <summary>As many are under way as may be.</summary>
    public bool IsFull => Volatile.Read(ref _busy) >= Most;

    /// <summary>Takes one; null if there is no memory for its data, in which case the loop does the work itself, piece by piece.</summary>
    public SlowRequest? TryTake(NbdRequest request, long started)
    {
        if (replies.TryBorrow() is not { } block)
            return null;
        Interlocked.Increment(ref _busy);
        SlowRequest? slow;
        lock (_idle)
            _ = _idle.TryPop(out slow);
        slow ??= new SlowRequest(owner, this, disk, lane, structured);
        slow.Begin(block, request, started);
        return slow;
    }

    public void Start(SlowRequest slow) => lane.Enter(slow);

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

    /// <summary>Waits until none is under way.</summary>
    public void Finish()
    {
        while (Volatile.Read(ref _busy) > 0)
            changed.Wait();
    }
}
