using PageFold.Nbd.Interop;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Puts the replies of one connection in sequence: those of the loop that handles requests, and those of slow requests.</summary>
/// <remarks>
/// <para>
/// A reply that goes out in several pieces without structure has to stay in one: between <see cref="BeginWhole"/> and <see
/// cref="EndWhole"/> the replies of slow requests are parked. Otherwise replies and chunks may come in any order.
/// </para>
/// <para>
/// Every reply of the loop first waits until the client has taken enough of those before (<see cref="AwaitRoom"/>), and what was written
/// goes out by eights. Slow requests bring their own memory and never wait.
/// </para>
/// <para>The loop calls everything but <see cref="Complete"/>, which slow requests call on their threads, and the properties.</para>
/// </remarks>
internal sealed class ReplySequencer(ReplyQueue queue, RequestCounters counters, bool structured, Action<Exception> failed)
{
    // Under the queue's lock: slow requests that wait for the end of a whole reply.
    private readonly Stack<SlowRequest> _parked = new(SlowRequests.Most);
    private bool _isWhole;
    private bool _isBroken;

    private Task _sending = Task.CompletedTask;

    /// <summary>True if the client leaves replies untaken that others wait behind.</summary>
    public bool IsHeldUp => queue.IsHeldUp;

    /// <summary>True once the client takes no more replies.</summary>
    public bool HasEnded => queue.HasEnded;

    /// <summary>When the client last took a reply, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastTaken => queue.LastTaken;

    /// <summary>Begins to send.</summary>
    public void Start() => _sending = queue.SendAsync();

    /// <summary>Lets all replies go out that were written.</summary>
    public void Flush() => queue.Flush();

    /// <summary>
    /// Lets replies go out if there are many, then waits while too many are left, or there is no memory for the next one.
    /// </summary>
    public void AwaitRoom()
    {
        queue.FlushIfMany();
        if (queue.IsCongested)
            queue.AwaitRoom();
    }

    /// <summary>Begins a reply, or a piece of one, of at most so many bytes. To be disposed at once when it is written.</summary>
    public ReplyRoom Reserve(int length)
    {
        AwaitRoom();
        return queue.Reserve(length);
    }

    /// <summary>Answers a request without data, and counts it.</summary>
    public void Answer(in ReceivedRequest request, NbdError error)
    {
        using (ReplyRoom reply = Reserve(Replies.ErrorChunkLength))
        {
            // An error in place of a structured reply has a form of its own; any other answer is simple.
            bool chunk = structured && request.Command is NbdCommand.Read or NbdCommand.BlockStatus;
            reply.Commit(chunk
                ? Replies.ErrorChunk(reply.Span, request.Cookie, error)
                : Replies.Simple(reply.Span, request.Cookie, error));
        }
        Count(request, error);
    }

    /// <summary>Counts a request whose reply is written.</summary>
    public void Count(in ReceivedRequest request, NbdError error) =>
        counters.Count(request.Command, request.Length, error, request.Started);

    /// <summary>Keeps the replies of slow requests back from here on.</summary>
    public void BeginWhole()
    {
        lock (queue.Lock)
            _isWhole = true;
    }

    /// <summary>Lets the replies of slow requests follow.</summary>
    /// <param name="complete">
    /// False if a part of the reply is missing. Nothing is written any more then, since the client would take it for that part.
    /// </param>
    public void EndWhole(bool complete)
    {
        lock (queue.Lock)
        {
            _isWhole = false;
            _isBroken |= !complete;
            while (_parked.TryPop(out SlowRequest? slow))
            {
                try
                {
                    Write(slow);
                }
                catch (OutOfMemoryException e)
                {
                    // No reply goes out behind one that is missing; the memory of the others is given back all the same.
                    _isBroken = true;
                    failed(e);
                }
                slow.Release();
            }
        }
    }

    /// <summary>Writes the reply of a slow request, at once or behind the whole reply that is going out, and ends the request.</summary>
    public void Complete(SlowRequest slow)
    {
        lock (queue.Lock)
        {
            if (_isWhole)
            {
                _parked.Push(slow);
                return;
            }
            Write(slow);
        }
        queue.Flush();
        slow.Release();
    }

    /// <summary>A block for a slow request's data and reply; null if there is none to borrow.</summary>
    public MemoryBlock? TryBorrow() => queue.TryBorrow();

    /// <summary>Gives a borrowed block back that no reply needs.</summary>
    public void Return(MemoryBlock block) => queue.Return(block);

    /// <summary>Gives memory back that is kept for the next replies. For any thread, while the loop waits for its client.</summary>
    public void GiveBackSpare() => queue.GiveBackSpare();

    /// <summary>Sends what is left, and ends. No slow request is under way any more.</summary>
    public void Finish()
    {
        queue.Flush();
        queue.Complete();
        _sending.GetAwaiter().GetResult();
        queue.GiveBackSpare();
    }

    private void Write(SlowRequest slow)
    {
        if (_isBroken)
            return;
        if (queue.Append(slow.Block!, slow.ReplyLength))
            slow.Block = null;
        Count(slow.Request, slow.Error);
    }
}
