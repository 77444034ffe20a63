using System.Diagnostics;
using System.IO.Pipelines;

namespace PageFold.Nbd.Session;

/// <summary>
/// The replies of one connection on their way to the client: written by whoever has one ready, sent in one piece where several are there. A pipe between the writers, who hold <see cref="Lock"/>
/// while they write a reply, and one sender.
/// </summary>
/// <remarks>
/// The pipe itself never makes a writer wait. Who reads requests looks at <see cref="IsCongested"/> between two of them, and so bounds what waits here. The sender runs on the thread of the writer that flushed, until the
/// socket has no room; so a batch of replies costs one system call and no change of threads.
/// </remarks>
internal sealed class ReplyQueue(Stream stream, int maxBytes, Signal drained, Action<Exception> failed)
{
    /// <summary>Bytes of a block; a reply is never longer. Three pieces of data with their headers fit.</summary>
    public const int BlockBytes = 256 << 10;

    // Half of what clients usually have under way: both ends have work then. Measured, at depth 16, on two processors: 4 costs more in system calls than it wins, 16 lets one end wait for the other.
    private const int Many = 8;

    private readonly Pipe _pipe = new(new PipeOptions(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, resumeWriterThreshold: 0, minimumSegmentSize: BlockBytes, useSynchronizationContext: false));

    private long _queued;
    private long _lastTaken;
    private int _waiting;
    private int _unflushed;

    /// <summary>Held while a reply is written, from <see cref="Reserve"/> to <see cref="Commit"/>.</summary>
    public Lock Lock { get; } = new();

    /// <summary>More is waiting than should; wait for the signal.</summary>
    public bool IsCongested => Volatile.Read(ref _queued) > maxBytes;

    /// <summary>Bytes that the client has not taken yet.</summary>
    public long Queued => Volatile.Read(ref _queued);

    /// <summary>When the client last took some, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastTaken => Volatile.Read(ref _lastTaken);

    public Span<byte> Reserve(int length) => _pipe.Writer.GetSpan(length)[..length];

    public void Commit(int length)
    {
        _pipe.Writer.Advance(length);
        Interlocked.Add(ref _queued, length);
        _unflushed++;
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

    /// <summary>Has the signal given once the queue has been drained; the caller waits for it then.</summary>
    public void RequestDrainSignal()
    {
        Volatile.Write(ref _waiting, 1);
        Interlocked.MemoryBarrier();
        if (!IsCongested)
            SignalIfWaiting();
    }

    /// <summary>Sends until the queue is completed, or the client has gone.</summary>
    public async Task SendAsync()
    {
        try
        {
            while (true)
            {
                ReadResult result = await _pipe.Reader.ReadAsync();
                foreach (ReadOnlyMemory<byte> part in result.Buffer)
                {
                    await stream.WriteAsync(part);
                    Interlocked.Add(ref _queued, -part.Length);
                    Volatile.Write(ref _lastTaken, Environment.TickCount64);
                    if (!IsCongested)
                        SignalIfWaiting();
                }
                _pipe.Reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    break;
            }
            await _pipe.Reader.CompleteAsync();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // What is written from here on goes nowhere; nobody must wait for it.
            Volatile.Write(ref _queued, long.MinValue / 2);
            await _pipe.Reader.CompleteAsync();
            SignalIfWaiting();
            failed(e);
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
            drained.Set();
    }
}
