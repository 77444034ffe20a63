using System.Buffers;
using System.IO.Pipelines;
using PageFold.Nbd.Interop;

namespace PageFold.Nbd.Session;

/// <summary>
/// Reads what a client sends, in one block of memory: what was not consumed stays in it, in one piece. The block is there while something
/// comes, and goes back when the client has been silent for a while. Used by the connection's own thread, on which it waits: a read has
/// always ended when it returns.
/// </summary>
/// <remarks>A reader leaves less than half of a block unconsumed, or has no more come.</remarks>
internal sealed class ReceiveBuffer : PipeReader
{
    // Less room than this is not worth a system call: what was not consumed moves to the front first.
    private const int MinRoom = 32 << 10;
    private static readonly TimeSpan KeptWhileSilent = TimeSpan.FromMilliseconds(ConnectionMemory.MillisecondsKept);

    private readonly MemoryLease _lease;
    private readonly ClientStream _client;
    private readonly Stream? _encrypted;
    private MemoryBlock? _block;
    private ReadOnlySequence<byte> _shown;
    private int _start;
    private int _end;
    private bool _hasNews;
    private bool _ended;

    /// <param name="memory">Where the block comes from.</param>
    /// <param name="client">The connection itself.</param>
    /// <param name="encrypted">The encryption around the connection; null for none.</param>
    public ReceiveBuffer(ConnectionMemory memory, ClientStream client, Stream? encrypted)
    {
        _lease = new MemoryLease(memory, ConnectionMemory.BlocksToReceive);
        (_client, _encrypted) = (client, encrypted);
    }

    public override bool TryRead(out ReadResult result)
    {
        result = _hasNews || _ended ? Show() : default;
        return _hasNews || _ended;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (!_ended && !_hasNews)
        {
            int count = _encrypted is null ? Receive() : Decrypt(_encrypted);
            _end += count;
            _ended = count == 0;
        }
        return new(Show());
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _hasNews = _shown.Slice(examined).Length > 0;
        _start += (int)_shown.Slice(0, consumed).Length;
        if (_start == _end)
            (_start, _end) = (0, 0);
        _shown = default;
    }

    public override void CancelPendingRead() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null)
    {
        (_start, _end, _ended, _shown) = (0, 0, true, default);
        Release();
    }

    private ReadResult Show()
    {
        _shown = _block is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_block.Memory[_start.._end]);
        return new ReadResult(_shown, isCanceled: false, isCompleted: _ended);
    }

    private int Receive()
    {
        while (true)
        {
            int count;
            if (_client.TryRead(Room(), out count))
                return count;
            if (_end > 0)
            {
                _client.WaitToRead(Timeout.InfiniteTimeSpan);
            }
            else if (!_client.WaitToRead(KeptWhileSilent))
            {
                Release();
                _client.WaitToRead(Timeout.InfiniteTimeSpan);
            }
        }
    }

    private int Decrypt(Stream encrypted)
    {
        if (_end == 0)
        {
            // A read of nothing waits until there is something, and needs no memory meanwhile.
            Release();
            Await(encrypted.ReadAsync(Memory<byte>.Empty));
        }
        int room = Room().Length;
        return Await(encrypted.ReadAsync(_block!.Memory.Slice(_end, room)));
    }

    /// <summary>The stream below reads on this thread, so it has ended by now.</summary>
    private static int Await(ValueTask<int> read) => read.IsCompletedSuccessfully ? read.Result : read.AsTask().GetAwaiter().GetResult();

    private Span<byte> Room()
    {
        _block ??= _lease.TryTake()!;
        Span<byte> all = _block.GetSpan();
        if (MemoryBlock.Bytes - _end < MinRoom && _start > 0)
        {
            all[_start.._end].CopyTo(all);
            (_start, _end) = (0, _end - _start);
        }
        return all[_end..];
    }

    private void Release()
    {
        if (_block is null)
            return;
        _lease.Return(_block);
        _block = null;
    }
}
