using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using PageFold.Nbd.Interop;

namespace PageFold.Nbd.Session;

/// <summary>
/// The replies of one connection on their way to the client: written by the threads that make them, sent in one piece where several are
/// there. A pipe between the writers, who hold <see cref="Lock"/> while they write a reply, and one sender; its memory is blocks of
/// <see cref="ConnectionMemory"/>.
/// </summary>
/// <remarks>
/// <para>
/// The pipe itself never makes a writer wait. Who reads requests looks at <see cref="IsCongested"/> between two of them, and so bounds what
/// waits here: the queue is congested when the client has too much to take, or when there is no spare block for the next reply. A sent
/// block becomes the spare one, and two blocks the connection is sure of, so that it gets on with one on its way while the other fills up.
/// Slow requests bring a block of their own.
/// </para>
/// <para>
/// The sender runs on the thread of the writer that flushed, until the socket has no room; so a batch of replies costs one system call and
/// no change of threads.
/// </para>
/// </remarks>
internal sealed class ReplyQueue
{
    /// <summary>Bytes of a block; a reply is never longer. Two pieces of data with their headers fit.</summary>
    public const int BlockBytes = MemoryBlock.Bytes;

    // Half of what clients usually have under way: both ends have work then. Measured, at depth 16, on two processors: 4 costs more in system calls than it wins, 16 lets one end wait for the other.
    private const int Many = 8;

    private readonly Stream _stream;
    private readonly int _maxBytes;
    private readonly Signal _drained;
    private readonly Action<Exception> _failed;
    private readonly MemoryLease _lease;
    private readonly Pipe _pipe;

    // Under the lock: the block of a slow reply that is being written.
    private MemoryBlock? _offered;

    // For the next replies of the loop that reads requests. That loop sees to one before it needs it; a block that was sent comes here too.
    // The second one lets a batch of replies come and go without the memory of all connections.
    private MemoryBlock? _spare;
    private MemoryBlock? _second;
    private long _queued;
    private long _lastTaken;
    private int _waiting;
    private int _unflushed;
    private bool _ended;

    /// <param name="stream">Where replies go.</param>
    /// <param name="memory">Where blocks come from.</param>
    /// <param name="maxBytes">The most bytes that should wait for the client.</param>
    /// <param name="drained">Given to a loop that waits, when the queue is congested no more.</param>
    /// <param name="failed">Is told that the client takes no more.</param>
    public ReplyQueue(Stream stream, ConnectionMemory memory, int maxBytes, Signal drained, Action<Exception> failed)
    {
        (_stream, _maxBytes, _drained, _failed) = (stream, maxBytes, drained, failed);
        _lease = new MemoryLease(memory, ConnectionMemory.BlocksForReplies) { Recycler = Recycle };
#pragma warning disable CA2000 // The pool has nothing of its own to dispose of.
        _pipe = new Pipe(new PipeOptions(
            new Blocks(this),
            PipeScheduler.Inline,
            PipeScheduler.Inline,
            pauseWriterThreshold: 0,
            resumeWriterThreshold: 0,
            minimumSegmentSize: BlockBytes,
            useSynchronizationContext: false));
#pragma warning restore CA2000
    }

    /// <summary>Held while a reply is written, from <see cref="Reserve"/> to <see cref="Commit"/>.</summary>
    public Lock Lock { get; } = new();

    /// <summary>
    /// More is waiting than should, or there is no memory for a reply; wait for the signal. For the loop that reads requests: what it
    /// writes next has room if this is false.
    /// </summary>
    public bool IsCongested => !Volatile.Read(ref _ended) && (IsTooLong || !HasSpare());

    /// <summary>The client leaves replies untaken that others wait behind. For any thread.</summary>
    public bool IsHeldUp => IsTooLong || Volatile.Read(ref _waiting) != 0;

    /// <summary>When the client last took some, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastTaken => Volatile.Read(ref _lastTaken);

    private bool HasOne => Volatile.Read(ref _spare) is not null || Volatile.Read(ref _second) is not null;

    private bool IsTooLong => Volatile.Read(ref _queued) > _maxBytes;

    public Span<byte> Reserve(int length) => _pipe.Writer.GetSpan(length)[..length];

    public void Commit(int length)
    {
        _pipe.Writer.Advance(length);
        Interlocked.Add(ref _queued, length);
        _unflushed++;
    }

    /// <summary>A block for a slow request's data and reply; null if there is none to borrow.</summary>
    public MemoryBlock? TryBorrow() => _lease.TryBorrow();

    /// <summary>Gives a borrowed block back that no reply needs.</summary>
    public void Return(MemoryBlock block) => _lease.Return(block);

    /// <summary>
    /// Writes a reply that lies at the start of a borrowed block, with the lock held. True if the whole block has joined the queue, as it
    /// does where the reply does not fit behind the last one; otherwise the reply was copied.
    /// </summary>
    public bool Append(MemoryBlock block, int length)
    {
        _offered = block;
        try
        {
            block.GetSpan()[..length].CopyTo(Reserve(length));
            Commit(length);
            return _offered is null;
        }
        finally
        {
            _offered = null;
        }
    }

    /// <summary>Lets what was written go out once there is a good deal of it, so that the client has something to go on with while the rest of its requests are worked on.</summary>
    public void FlushIfMany()
    {
        if (Volatile.Read(ref _unflushed) >= Many)
            Flush();
    }

    /// <summary>Lets what was written go out.</summary>
    public void Flush()
    {
        if (Volatile.Read(ref _unflushed) == 0)
            return;
        lock (Lock)
        {
            if (_unflushed == 0)
                return;
            _unflushed = 0;
            // Without a threshold a flush never waits.
            ValueTask<FlushResult> flush = _pipe.Writer.FlushAsync();
            Debug.Assert(flush.IsCompleted, "The pipe has no threshold to wait for.");
            if (flush.IsCompleted)
                _ = flush.Result;
        }
    }

    /// <summary>Has the signal given once the queue is congested no more; the loop that reads requests waits for it then.</summary>
    public void RequestDrainSignal()
    {
        Volatile.Write(ref _waiting, 1);
        Interlocked.MemoryBarrier();
        if (!IsCongested)
            SignalIfWaiting();
    }

    /// <summary>Gives spare blocks back. To be called while the loop that reads requests waits for its client.</summary>
    public void GiveBackSpare()
    {
        if (!HasOne)
            return;
        if (Interlocked.Exchange(ref _spare, null) is { } spare)
            _lease.Return(spare);
        if (Interlocked.Exchange(ref _second, null) is { } second)
            _lease.Return(second);
    }

    /// <summary>Sends until the queue is completed, or the client has gone.</summary>
    public async Task SendAsync()
    {
        try
        {
            while (true)
            {
                ReadResult result = await _pipe.Reader.ReadAsync();
                ReadOnlyMemory<byte> part = result.Buffer.First;
                bool last = result.IsCompleted && part.Length == result.Buffer.Length;
                if (part.Length > 0)
                {
                    await _stream.WriteAsync(part);
                    Interlocked.Add(ref _queued, -part.Length);
                    Volatile.Write(ref _lastTaken, Environment.TickCount64);
                }
                // Part by part, so that each block is free for the next reply as soon as it was sent.
                _pipe.Reader.AdvanceTo(result.Buffer.GetPosition(part.Length));
                if (last)
                    break;
                if (!IsTooLong && HasOne)
                    SignalIfWaiting();
            }
            await _pipe.Reader.CompleteAsync();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // What is written from here on goes nowhere; nobody must wait for it.
            Volatile.Write(ref _ended, true);
            await _pipe.Reader.CompleteAsync();
            _failed(e);
            SignalIfWaiting();
        }
    }

    /// <summary>No more replies come; what is there is still sent.</summary>
    public void Complete()
    {
        lock (Lock)
            _pipe.Writer.Complete();
    }

    private void SignalIfWaiting()
    {
        if (Interlocked.Exchange(ref _waiting, 0) != 0)
            _drained.Set();
    }

    private bool HasSpare()
    {
        if (HasOne)
            return true;
        if (_lease.TryTake() is not { } block)
            return HasOne;
        Recycle(block);
        return true;
    }

    /// <summary>A block that was sent is the next spare one, unless there are two.</summary>
    private void Recycle(MemoryBlock block)
    {
        if (Interlocked.CompareExchange(ref _spare, block, null) is not null
            && Interlocked.CompareExchange(ref _second, block, null) is not null)
            _lease.Return(block);
    }

    private MemoryBlock TakeForPipe()
    {
        MemoryBlock? block = _offered ?? Interlocked.Exchange(ref _spare, null) ?? Interlocked.Exchange(ref _second, null);
        _offered = null;
        // The loop makes sure of a block before it writes, unless nothing goes out any more.
        return block ?? throw new ObjectDisposedException(nameof(ReplyQueue));
    }

    /// <summary>What the pipe takes its memory from.</summary>
    private sealed class Blocks(ReplyQueue queue) : MemoryPool<byte>
    {
        public override int MaxBufferSize => BlockBytes;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => queue.TakeForPipe();

        protected override void Dispose(bool disposing)
        {
            // The blocks are their owners'.
        }
    }
}
