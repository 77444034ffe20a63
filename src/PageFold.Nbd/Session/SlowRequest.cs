using PageFold.Nbd.Interop;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>
/// A request that a worker thread carries out, with a borrowed block for its data and its reply. Pooled by its connection: one owner at a
/// time, first the loop that handles requests, then the worker, then the sequence of replies.
/// </summary>
internal sealed class SlowRequest(SlowRequests pool) : IThreadPoolWorkItem
{
    /// <summary>Bytes of data, at most; the loop carries longer requests out itself, piece by piece.</summary>
    public const int MaxBytes = 128 << 10;

    private int _collected;

    public ReceivedRequest Request { get; private set; }

    public NbdError Error { get; private set; }

    /// <summary>The data, and in the end the reply, from the block's start; null once the queue of replies has taken it.</summary>
    public MemoryBlock? Block { get; set; }

    public int ReplyLength { get; private set; }

    private int Head => Request.Command != NbdCommand.Read ? 0
        : pool.IsStructured ? Replies.DataChunkOverhead : NbdConstants.SimpleReplyLength;

    public void Begin(MemoryBlock block, in ReceivedRequest request)
    {
        Block = block;
        Request = request;
        Error = NbdError.None;
        _collected = 0;
    }

    /// <summary>Takes some of a write's data.</summary>
    public void Collect(ReadOnlySpan<byte> data)
    {
        data.CopyTo(Block!.GetSpan()[(Head + _collected)..]);
        _collected += data.Length;
    }

    /// <summary>Hands the request to the worker threads.</summary>
    public void Start() => pool.Lane.Enter(this);

    /// <summary>Gives the request back to the pool.</summary>
    public void Release() => pool.Return(this);

    /// <summary>Carries the request out and sends the reply.</summary>
    public void Execute()
    {
        // Once the reply is sent the request may be another's.
        SlowLane lane = pool.Lane;
        try
        {
            Work();
            pool.Replies.Complete(this);
        }
#pragma warning disable CA1031 // An exception that leaves a thread of the pool ends the process; it is to end this connection.
        catch (Exception e)
#pragma warning restore CA1031
        {
            pool.Abort(e);
            Release();
        }
        finally
        {
            lane.Leave();
        }
    }

    private void Work()
    {
        Span<byte> data = Block!.GetSpan().Slice(Head, (int)Request.Length);
        Error = Request.Command == NbdCommand.Read
            ? pool.Commands.Read(Request.Offset, data)
            : pool.Commands.Write(Request.Offset, data);
        ReplyLength = BuildReply(Block.GetSpan());
    }

    /// <summary>Puts the head before the data of a read, or an answer without data in its place.</summary>
    private int BuildReply(Span<byte> reply)
    {
        bool isRead = Request.Command == NbdCommand.Read;
        if (isRead && pool.IsStructured && Error != NbdError.None)
            return Replies.ErrorChunk(reply, Request.Cookie, Error);
        if (isRead && pool.IsStructured)
            Replies.DataChunk(reply, Request.Cookie, done: true, Request.Offset, (int)Request.Length);
        else
            Replies.Simple(reply, Request.Cookie, Error);
        return isRead && Error == NbdError.None ? Head + (int)Request.Length : NbdConstants.SimpleReplyLength;
    }
}
