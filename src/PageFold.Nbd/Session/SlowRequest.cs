using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>
/// A request that is worked on by a thread of its own, with room for its data and its reply. Pooled by its connection: one owner at a time, first the loop that reads requests, then the thread that works on it.
/// </summary>
internal sealed class SlowRequest(Transmission owner, SlowRequests pool, RamDisk disk, bool structured) : IThreadPoolWorkItem
{
    /// <summary>Bytes of data at most; longer requests are worked on piece by piece where they are read.</summary>
    public const int MostBytes = 128 << 10;

    private const int HeadRoom = 32;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(HeadRoom + MostBytes);
    private int _collected;
    private int _replyStart;
    private int _replyLength;

    public NbdRequest Request { get; private set; }

    public long Started { get; private set; }

    public NbdError Error { get; private set; }

    public ReadOnlySpan<byte> Reply => _buffer.AsSpan(_replyStart, _replyLength);

    public void Begin(NbdRequest request, long started)
    {
        Request = request;
        Started = started;
        Error = NbdError.None;
        _collected = 0;
    }

    /// <summary>Takes some of a write's data.</summary>
    public void Collect(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_buffer.AsSpan(HeadRoom + _collected));
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
            disk.SlowLane.Leave();
        }
    }

    private void Work()
    {
        Span<byte> data = _buffer.AsSpan(HeadRoom, (int)Request.Length);
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
        BuildReply(data);
    }

    private void BuildReply(ReadOnlySpan<byte> data)
    {
        bool chunk = structured && Request.Command == NbdCommand.Read;
        if (Error != NbdError.None || Request.Command != NbdCommand.Read)
        {
            _replyStart = 0;
            _replyLength = chunk ? Replies.ErrorChunk(_buffer, Request.Cookie, Error) : Replies.Simple(_buffer, Request.Cookie, Error);
            return;
        }
        // The head goes right before the data.
        int head = chunk ? Replies.DataChunkOverhead : NbdConstants.SimpleReplyLength;
        _replyStart = HeadRoom - head;
        _replyLength = head + data.Length;
        Span<byte> reply = _buffer.AsSpan(_replyStart);
        if (chunk)
            Replies.DataChunk(reply, Request.Cookie, done: true, (long)Request.Offset, data.Length);
        else
            Replies.Simple(reply, Request.Cookie, NbdError.None);
    }
}

/// <summary>A connection's slow requests: some at a time, made when first needed. The loop that reads requests takes them; any thread returns them.</summary>
internal sealed class SlowRequests(Transmission owner, Signal changed, RamDisk disk, bool structured)
{
    /// <summary>How many are worked on at once; with their data that is two megabytes a connection.</summary>
    public const int Most = 16;

    private readonly Stack<SlowRequest> _idle = new(Most);
    private int _busy;

    /// <summary>Some are under way.</summary>
    public bool IsBusy => Volatile.Read(ref _busy) > 0;

    /// <summary>As many are under way as may be.</summary>
    public bool IsFull => Volatile.Read(ref _busy) >= Most;

    public SlowRequest Take(NbdRequest request, long started)
    {
        Interlocked.Increment(ref _busy);
        SlowRequest? slow;
        lock (_idle)
            _ = _idle.TryPop(out slow);
        slow ??= new SlowRequest(owner, this, disk, structured);
        slow.Begin(request, started);
        return slow;
    }

    public void Start(SlowRequest slow) => disk.SlowLane.Enter(slow);

    public void Return(SlowRequest slow)
    {
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
