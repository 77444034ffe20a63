using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using PageFold.Nbd.Interop;

namespace PageFold.Nbd.Session;

/// <summary>
/// The replies of one connection on their way to the client: a pipe between the threads that write them and one sender.
/// </summary>
/// <remarks>
/// <para>
/// A writer holds <see cref="Lock"/> while it writes a reply. Several replies go out in one piece. The memory of the pipe is blocks of
/// <see cref="ConnectionMemory"/>.
/// </para>
/// <para>
/// The pipe itself never makes a writer wait. The loop that handles requests calls <see cref="AwaitRoom"/> before each reply, which bounds
/// what waits here: the queue is congested when the client has too much to take, or when there is no spare block for the next reply. A
/// block that was sent becomes a spare one. Two blocks are guaranteed to the connection, so that one fills up while the other is on its
/// way. Slow requests bring a block of their own.
/// </para>
/// </remarks>
internal sealed class ReplyQueue
{
    /// <summary>Bytes of a block; a reply is never longer. Two pieces of data with their headers fit.</summary>
    public const int BlockBytes = MemoryBlock.Bytes;

    // Half of what clients usually have under way, so that both ends have work. Measured at depth 16 on two processors: 4 costs more in
    // system calls than it gains, and with 16 one end waits for the other.
    private const int Many = 8;

    private readonly Stream _stream;
    private readonly int _maxBytes;
    private readonly Signal _changed;
    private readonly Action<Exception> _failed;
    private readonly MemoryLease _lease;
    private readonly Pipe _pipe;

    // Under the lock: the block of a slow reply that is being written.
    private MemoryBlock? _offered;

    // For the next replies of the loop, which makes sure of one before it needs it. A block that was sent comes here too. The second one
    // lets a batch of replies come and go without a call to the memory of all connections.
    private MemoryBlock? _spare;
    private MemoryBlock? _second;
    private long _queued;
    private long _lastTaken;
    private int _waiting;
    private int _unflushed;
    private bool _ended;

    /// <param name="stream">Receives the replies.</param>
    /// <param name="memory">The memory of the blocks.</param>
    /// <param name="maxBytes">The most bytes that should wait for the client.</param>
    /// <param name="changed">What the loop waits for in <see cref="AwaitRoom"/>.</param>
    /// <param name="failed">Receives what ends the sending.</param>
    public ReplyQueue(Stream stream, ConnectionMemory memory, int maxBytes, Signal changed, Action<Exception> failed)
    {
        (_stream, _maxBytes, _changed, _failed) = (stream, maxBytes, changed, failed);
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

    /// <summary>Held while a reply is written, by <see cref="ReplyRoom"/> and around <see cref="Append"/>.</summary>
    public Lock Lock { get; } = new();

    /// <summary>
    /// True if more waits than should, or there is no memory for a reply. For the loop: if this is false there is room for its next reply.
    /// </summary>
    public bool IsCongested => !Volatile.Read(ref _ended) && (IsTooLong || !HasSpare());

    /// <summary>True once the client takes no more.</summary>
    public bool HasEnded => Volatile.Read(ref _ended);

    /// <summary>True if the client leaves replies untaken that others wait behind. For any thread.</summary>
    public bool IsHeldUp => IsTooLong || Volatile.Read(ref _waiting) != 0;

    /// <summary>When the client last took some, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastTaken => Volatile.Read(ref _lastTaken);

    private bool HasOne => Volatile.Read(ref _spare) is not null || Volatile.Read(ref _second) is not null;

    private bool IsTooLong => Volatile.Read(ref _queued) > _maxBytes;

    /// <summary>Takes the lock, and memory for a reply. The caller has made sure that the queue is not congested.</summary>
    public ReplyRoom Reserve(int length)
    {
        Lock.Enter();
        try
        {
            return new ReplyRoom(this, Span(length));
        }
        catch
        {
            Lock.Exit();
            throw;
        }
    }

    /// <summary>Adds a reply that was written. The caller holds the lock.</summary>
    public void Commit(int length)
    {
        _pipe.Writer.Advance(length);
        Interlocked.Add(ref _queued, length);
        _unflushed++;
    }

    /// <summary>Borrows a block for a slow request's data and reply; null if there is none.</summary>
    public MemoryBlock? TryBorrow() => _lease.TryBorrow();

    /// <summary>Gives a borrowed block back that no reply needs.</summary>
    public void Return(MemoryBlock block) => _lease.Return(block);

    /// <summary>Adds a reply that lies at the start of a borrowed block. The caller holds the lock.</summary>
    /// <returns>
    /// True if the block itself has joined the queue, as it does where the reply does not fit behind the last one; false if the reply was
    /// copied.
    /// </returns>
    public bool Append(MemoryBlock block, int length)
    {
        _offered = block;
        try
        {
            block.GetSpan()[..length].CopyTo(Span(length));
            Commit(length);
            return _offered is null;
        }
        finally
        {
            _offered = null;
        }
    }

    /// <summary>Flushes if eight replies were written since the last flush.</summary>
    /// <remarks>So the client has some to go on with while the rest of its requests are handled.</remarks>
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

    /// <summary>Flushes, and waits until the queue is not congested. For the loop.</summary>
    public void AwaitRoom()
    {
        Flush();
        while (IsCongested)
        {
            RequestDrainSignal();
            _changed.Wait();
        }
        // The client had to wait for memory here, or has taken replies: either is no silence of the client's.
        Volatile.Write(ref _lastTaken, Environment.TickCount64);
    }

    /// <summary>Gives spare blocks back. To be called while the loop waits for its client.</summary>
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
    /// <remarks>
    /// The sender runs on the thread of the writer that flushed, until the socket has no room. So a batch of replies costs one system call
    /// and no change of threads.
    /// </remarks>
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
            // What is written from here on goes nowhere; the loop must not wait for it.
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

    /// <summary>Has the signal given once the queue is not congested.</summary>
    private void RequestDrainSignal()
    {
        Volatile.Write(ref _waiting, 1);
        Interlocked.MemoryBarrier();
        if (!IsCongested)
            SignalIfWaiting();
    }

    private void SignalIfWaiting()
    {
        if (Interlocked.Exchange(ref _waiting, 0) != 0)
            _changed.Set();
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

    private Span<byte> Span(int length) => _pipe.Writer.GetSpan(length)[..length];

    /// <summary>Keeps a block that was sent as a spare one, unless there are two.</summary>
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
        // The loop makes sure of a block before it writes, unless the client takes no more.
        return block ?? throw new ObjectDisposedException(nameof(ReplyQueue));
    }

    /// <summary>The pool that the pipe takes its memory from.</summary>
    private sealed class Blocks(ReplyQueue queue) : MemoryPool<byte>
    {
        public override int MaxBufferSize => BlockBytes;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => queue.TakeForPipe();

        protected override void Dispose(bool disposing)
        {
            // Each block belongs to its lease.
        }
    }
}
