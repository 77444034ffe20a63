using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using PageFold.Disks;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>
/// Serves the requests of one connection. Requests are read in batches, as many as the client has sent; what memory alone answers is done at once, in order, and the replies of a batch go out together. Work that takes
/// long (a slow codec, a page in the writeback file) goes to other threads, and is answered when it is done, whatever comes in between.
/// </summary>
/// <remarks>
/// <para>
/// Nothing is allocated for a request. The data of a write is taken as it comes and stored page by page, that of a read is sent piece by
/// piece, so that a connection holds its receive buffer and at most <see cref="NbdServerOptions.MaxReplyBytes"/> and a piece of replies,
/// however long requests are, all in blocks of <see cref="ConnectionMemory"/>.
/// </para>
/// <para>The connection's own thread runs the loop; the slow requests' threads meet it only in <see cref="ReplyQueue"/> and in the pool of slow requests.</para>
/// </remarks>
internal sealed partial class Transmission : IDisposable
{
    /// <summary>Data in a piece of a reply.</summary>
    public const int PieceBytes = 64 << 10;

    private readonly ClientStream _client;
    private readonly PipeReader _input;
    private readonly NbdExport _export;
    private readonly RamDisk _disk;
    private readonly bool _structured;
    private readonly MetaContexts _contexts;
    private readonly ReplyQueue _replies;
    private readonly Signal _changed = new();
    private readonly SlowRequests _slow;
    private readonly RefusalRate _refusals;
    private readonly Action<Exception> _failed;
    private readonly Action<Exception> _requestFailed;
    private readonly byte[] _scratch;

    // The request that is under way: a write whose data is coming, or a read whose data is going.
    private NbdRequest _request;
    private NbdError _error;
    private long _started;
    private long _position;
    private uint _payloadLeft;
    private uint _readLeft;
    private SlowRequest? _collecting;
    private volatile bool _disconnecting;
    private volatile bool _stopping;
    private volatile bool _isPaying;

    // Under _waiting: the loop waits for the client, and not for the rest of a request.
    private readonly Lock _waiting = new();
    private bool _isIdle;
    private bool _isMidRequest;
    private long _lastHeard = Environment.TickCount64;

    /// <param name="client">The connection itself.</param>
    /// <param name="stream">What replies are written to: the connection, or the encryption around it.</param>
    /// <param name="input">Where requests are read.</param>
    /// <param name="memory">Where replies and slow requests have their memory.</param>
    /// <param name="agreement">What the handshake has led to.</param>
    /// <param name="lane">Where slow requests of the disk run.</param>
    /// <param name="options">What the server was made with.</param>
    /// <param name="failed">Is told of what ends the connection.</param>
    /// <param name="requestFailed">Is told of what the disk could not do, after which the connection goes on.</param>
    public Transmission(
        ClientStream client,
        Stream stream,
        PipeReader input,
        ConnectionMemory memory,
        Agreement agreement,
        SlowLane lane,
        NbdServerOptions options,
        Action<Exception> failed,
        Action<Exception> requestFailed)
    {
        _client = client;
        _input = input;
        _export = agreement.Export;
        _disk = _export.Disk;
        _structured = agreement.Structured;
        _contexts = agreement.Contexts;
        _failed = failed;
        _requestFailed = requestFailed;
        _replies = new ReplyQueue(stream, memory, options.MaxReplyBytes, _changed, Abort);
        _slow = new SlowRequests(this, _replies, _changed, _disk, lane, _structured);
        _refusals = new RefusalRate(options.RefusalsPerSecond, options.Clock, _changed);
        _scratch = GC.AllocateUninitializedArray<byte>(Math.Max(NbdConstants.RequestLength, _disk.PageSize));
    }

    /// <summary>When the client was last heard of, or took a reply, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastProgress => Math.Max(Volatile.Read(ref _lastHeard), _replies.LastTaken);

    /// <summary>A request has begun to arrive and is not whole yet, and it is the client who keeps it waiting.</summary>
    public bool IsMidRequest => Volatile.Read(ref _isMidRequest);

    /// <summary>
    /// Slow requests or a wait for refusals are under way, and the client may be waiting for them; if it leaves its replies untaken, they
    /// wait for it.
    /// </summary>
    public bool IsWorking => (_slow.IsBusy || _isPaying) && !_replies.IsHeldUp;

    /// <summary>Ends the connection after the requests that are under way; those that come behind them are told that the server shuts down, or not heard any more.</summary>
    public void Stop()
    {
        lock (_waiting)
        {
            _stopping = true;
            if (_isIdle)
                _client.ShutReading();
        }
        _changed.Set();
    }

    /// <summary>Gives memory back that a client does not need who is silent for a while. For any thread.</summary>
    public void GiveBackIdle(long now)
    {
        if (now - LastProgress < ConnectionMemory.MillisecondsKept)
            return;
        lock (_waiting)
        {
            if (_isIdle)
                _replies.GiveBackSpare();
        }
    }

    /// <summary>Serves until the client says that it goes, or is gone.</summary>
    public void Run()
    {
        _export.Counters.Connect();
        Task sending = _replies.SendAsync();
        try
        {
            Receive();
        }
        finally
        {
            _export.Counters.Disconnect();
            _broken |= _headSent && _readLeft > 0;
            EndExclusive();
            if (_collecting is { } unfinished)
                _slow.Return(unfinished);
            _slow.Finish();
            _replies.Flush();
            _replies.Complete();
            sending.GetAwaiter().GetResult();
            _replies.GiveBackSpare();
        }
    }

    /// <summary>Sends a slow request's reply, whole, at once or after the one that is going out piece by piece. Called from its thread.</summary>
    public void Complete(SlowRequest slow)
    {
        lock (_replies.Lock)
        {
            if (_exclusive)
            {
                _parked.Push(slow);
                return;
            }
            Send(slow);
        }
        _replies.Flush();
        _slow.Return(slow);
    }

    /// <summary>Tells of what went wrong with the disk, which the client is told too.</summary>
    public void Report(Exception e) => _requestFailed(e);

    /// <summary>Ends the connection at once.</summary>
    public void Abort(Exception e)
    {
        _failed(e);
        Cut();
    }

    /// <summary>Ends the connection at once, for a reason that was told already.</summary>
    public void Cut()
    {
        _disconnecting = true;
        _client.Shut();
        _changed.Set();
    }

    /// <summary>Frees what <see cref="Run"/> has left; it has ended.</summary>
    public void Dispose() => _refusals.Dispose();

    private void Send(SlowRequest slow)
    {
        // What came behind a reply that broke off would be taken for its data.
        if (_broken)
            return;
        if (_replies.Append(slow.Block!, slow.ReplyLength))
            slow.Block = null;
        _export.Counters.Count(slow.Request.Command, slow.Request.Length, slow.Error, slow.Started);
    }

    private void Receive()
    {
        while (!_disconnecting && TryBeginWait())
        {
            ReadResult result = Read();
            EndWait();
            ReadOnlySequence<byte> rest = result.Buffer;
            while (!Process(ref rest))
            {
                _replies.Flush();
                WaitForRoom();
            }
            _replies.Flush();
            Volatile.Write(ref _isMidRequest, _payloadLeft > 0 || !rest.IsEmpty);
            _input.AdvanceTo(rest.Start, rest.End);
            if (result.IsCompleted)
                break;
        }
    }

    /// <summary>Waits on this thread: the stream below the reader does so too, and has always ended when it returns.</summary>
    private ReadResult Read()
    {
        ValueTask<ReadResult> read = _input.ReadAsync();
        return read.IsCompletedSuccessfully ? read.Result : read.AsTask().GetAwaiter().GetResult();
    }

    private bool TryBeginWait()
    {
        lock (_waiting)
        {
            if (_stopping && !_isMidRequest)
                return false;
            _isIdle = !_isMidRequest;
            return true;
        }
    }

    private void EndWait()
    {
        Volatile.Write(ref _lastHeard, Environment.TickCount64);
        lock (_waiting)
        {
            _isIdle = false;
            // From here on the client may be waiting for this end, or for its own readers; that is no silence.
            Volatile.Write(ref _isMidRequest, false);
        }
    }

    // A reply that goes out in one piece is finished whatever slow requests there are: theirs wait for it.
    private bool IsBlocked => _replies.IsCongested || IsBlockedBySlow;

    private bool IsBlockedBySlow => _slow.IsFull && _readLeft == 0 && _payloadLeft == 0;

    /// <summary>Waits until the client has taken replies, or a slow request has ended.</summary>
    private void WaitForRoom()
    {
        while (true)
        {
            // Looked at once: were it drained between two looks, nobody would give the signal. A slow request that ends gives it by itself.
            bool congested = _replies.IsCongested;
            if (!congested && !IsBlockedBySlow)
                break;
            if (congested)
                _replies.RequestDrainSignal();
            _changed.Wait();
        }
        Volatile.Write(ref _lastHeard, Environment.TickCount64);
    }

    /// <summary>Works on what has arrived; false if it has to stop before the end because too much is under way.</summary>
    private bool Process(ref ReadOnlySequence<byte> arrived)
    {
        while (!_disconnecting)
        {
            _replies.FlushIfMany();
            if (IsBlocked)
                return false;
            if (_readLeft > 0)
            {
                ReadPiece();
                continue;
            }
            if (_payloadLeft > 0)
            {
                if (!TakePayload(ref arrived))
                    return true;
                continue;
            }
            if (arrived.Length < NbdConstants.RequestLength)
                return true;
            Begin(TakeHeader(ref arrived));
        }
        return true;
    }

    private ReadOnlySpan<byte> TakeHeader(ref ReadOnlySequence<byte> arrived)
    {
        ReadOnlySpan<byte> header = arrived.FirstSpan;
        if (header.Length < NbdConstants.RequestLength)
        {
            arrived.Slice(0, NbdConstants.RequestLength).CopyTo(_scratch);
            header = _scratch;
        }
        arrived = arrived.Slice(NbdConstants.RequestLength);
        return header[..NbdConstants.RequestLength];
    }

    private void Begin(ReadOnlySpan<byte> header)
    {
        _started = Stopwatch.GetTimestamp();
        if (!NbdRequest.TryParse(header, out _request))
        {
            _disconnecting = true;
            _failed(new InvalidDataException("a request does not begin as one"));
            return;
        }
        if (_request.Command == NbdCommand.Disconnect)
        {
            _disconnecting = true;
            return;
        }
        if (_request.Command is NbdCommand.Write or NbdCommand.WriteZeroes && !_refusals.IsUnused)
            PayRefusals();
        _error = _stopping ? NbdError.Shutdown : _request.Validate(_disk.Length, _export.ReadOnly, _structured, _contexts != MetaContexts.None, Agreement.MaxLength);
        _position = (long)_request.Offset;
        if (_request.PayloadLength > 0)
            BeginWrite();
        else if (_error != NbdError.None)
            Answer(_error);
        else
            Execute();
    }

    /// <summary>
    /// Waits until another write may be refused, or the connection ends. Nothing is held meanwhile, and all replies are out.
    /// </summary>
    private void PayRefusals()
    {
        while (!_stopping && !_disconnecting && !_refusals.IsPaid())
        {
            _isPaying = true;
            _replies.Flush();
            _changed.Wait();
        }
        if (_isPaying)
            Volatile.Write(ref _lastHeard, Environment.TickCount64);
        _isPaying = false;
    }

    private void Execute()
    {
        switch (_request.Command)
        {
            case NbdCommand.Read:
                BeginRead();
                break;
            case NbdCommand.Trim or NbdCommand.WriteZeroes:
                Answer(Zero());
                break;
            case NbdCommand.Flush:
                _ = _disk.Flush();
                Answer(NbdError.None);
                break;
            case NbdCommand.BlockStatus:
                AnswerStatus();
                break;
            default:
                // A page that is wanted soon is in memory already.
                Answer(NbdError.None);
                break;
        }
    }

    private NbdError Zero()
    {
        try
        {
            if (_request.Command == NbdCommand.Trim)
            {
                _disk.Trim(_position, _request.Length);
                return NbdError.None;
            }
            return _disk.TryZero(_position, _request.Length, punch: (_request.Flags & CommandFlags.NoHole) == 0) ? NbdError.None : OutOfMemory();
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            _requestFailed(e);
            return NbdError.InputOutput;
        }
    }

    /// <summary>Notes that memory is short, and what that is called.</summary>
    internal NbdError OutOfMemory()
    {
        _export.Counters.CountOutOfMemory();
        _refusals.Add();
        return NbdError.NoSpace;
    }

    private void Answer(NbdError error)
    {
        lock (_replies.Lock)
        {
            // An error where a structured reply is due has a form of its own; all else may be told simply.
            bool chunk = _structured && _request.Command is NbdCommand.Read or NbdCommand.BlockStatus;
            Span<byte> reply = _replies.Reserve(Replies.ErrorChunkLength);
            _replies.Commit(chunk ? Replies.ErrorChunk(reply, _request.Cookie, error) : Replies.Simple(reply, _request.Cookie, error));
        }
        _export.Counters.Count(_request.Command, _request.Length, error, _started);
    }

    /// <summary>What reading a damaged or unreachable page throws; anything else is a fault of ours and ends the connection.</summary>
    internal static bool IsOfTheDisk(Exception e) => e is PageCorruptException or IOException;
}
