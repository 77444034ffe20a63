using System.Diagnostics;
using PageFold.Disks;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Serves the requests of one connection: receives, validates, carries out and answers one after the other.</summary>
/// <remarks>
/// <para>
/// Requests arrive in batches, as many as the client has sent. The loop answers what memory alone can answer at once and in order, and the
/// replies of a batch go out together. Slow work (a slow codec, a page in the writeback file) goes to other threads, whose replies follow
/// when they are done, whatever comes in between.
/// </para>
/// <para>
/// A request allocates nothing. The disk stores the data of a write page by page as it arrives, and the data of a read goes out piece by
/// piece. So a connection holds its receive buffer and at most <see cref="NbdServerOptions.MaxReplyBytes"/> and a piece of replies,
/// however long requests are, all in blocks of <see cref="ConnectionMemory"/>.
/// </para>
/// <para>
/// The connection's own thread runs the loop, and waits in it for its client. The threads of slow requests meet it only in <see
/// cref="ReplySequencer"/> and <see cref="SlowRequests"/>.
/// </para>
/// </remarks>
internal sealed class Transmission : IDisposable
{
    private readonly ClientStream _client;
    private readonly NbdExport _export;
    private readonly RamDisk _disk;
    private readonly MetaContexts _contexts;
    private readonly RequestReader _requests;
    private readonly DiskCommands _commands;
    private readonly ReplySequencer _replies;
    private readonly ReadReplies _reads;
    private readonly SlowRequests _slow;
    private readonly RefusalRate _refusals;
    private readonly Signal _changed = new();
    private readonly Action<Exception> _failed;
    private volatile bool _isEnding;
    private volatile bool _isPaying;

    /// <param name="client">The connection itself.</param>
    /// <param name="stream">Receives replies: the connection, or the encryption around it.</param>
    /// <param name="input">Receives requests.</param>
    /// <param name="memory">The memory of replies and slow requests.</param>
    /// <param name="agreement">The result of the handshake.</param>
    /// <param name="lane">Runs slow requests of the disk.</param>
    /// <param name="options">Options of the server.</param>
    /// <param name="failed">Receives what ends the connection.</param>
    /// <param name="requestFailed">Receives what the disk could not do, after which the connection goes on.</param>
    public Transmission(
        ClientStream client,
        Stream stream,
        ReceiveBuffer input,
        ConnectionMemory memory,
        Agreement agreement,
        SlowLane lane,
        NbdServerOptions options,
        Action<Exception> failed,
        Action<Exception> requestFailed)
    {
        (_client, _failed) = (client, failed);
        _export = agreement.Export;
        _disk = _export.Disk;
        _contexts = agreement.Contexts;
        _refusals = new RefusalRate(options.RefusalsPerSecond, options.Clock, _changed);
        _requests = new RequestReader(client, input, agreement);
        _commands = new DiskCommands(_export, _refusals, requestFailed);
        ReplyQueue queue = new(stream, memory, options.MaxReplyBytes, _changed, Abort);
        _replies = new ReplySequencer(queue, _export.Counters, agreement.Structured, Abort);
        _reads = new ReadReplies(_disk, _commands, _replies, agreement.Structured);
        _slow = new SlowRequests(_replies, _commands, lane, _changed, agreement.Structured, Abort);
    }

    /// <summary>When the client last sent something or took a reply, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastProgress => Math.Max(_requests.LastHeard, _replies.LastTaken);

    /// <summary>True while the client keeps a request waiting that has begun to arrive.</summary>
    public bool IsMidRequest => _requests.IsMidRequest;

    /// <summary>
    /// True while the client may be waiting for slow requests, or for the rate of refusals; not if it leaves replies untaken, for which
    /// they wait.
    /// </summary>
    public bool IsWorking => (_slow.IsBusy || _isPaying) && !_replies.IsHeldUp;

    /// <summary>
    /// Ends the connection after the requests that are under way; later ones are answered that the server shuts down, or not received any
    /// more.
    /// </summary>
    public void Stop()
    {
        _requests.Stop();
        _changed.Set();
    }

    /// <summary>Gives memory back that a client does not need which is silent for a while. For any thread.</summary>
    public void GiveBackIdle(long now)
    {
        if (now - LastProgress >= ConnectionMemory.MillisecondsKept)
            _requests.IfIdle(_replies.GiveBackSpare);
    }

    /// <summary>Ends the connection at once.</summary>
    public void Abort(Exception e)
    {
        _failed(e);
        Cut();
    }

    /// <summary>Ends the connection at once, for a reason that was reported already.</summary>
    public void Cut()
    {
        _isEnding = true;
        _client.Shut();
        _changed.Set();
    }

    /// <summary>Frees what <see cref="Run"/> has left; it has ended.</summary>
    public void Dispose() => _refusals.Dispose();

    /// <summary>Serves until the client disconnects, or is gone.</summary>
    public void Run()
    {
        _export.Counters.Connect();
        _replies.Start();
        try
        {
            while (TryReceive(out ReceivedRequest request))
                Handle(request);
        }
        finally
        {
            _export.Counters.Disconnect();
            _slow.Finish();
            _replies.Finish();
        }
    }

    /// <summary>Takes the next request; false at the end of the connection.</summary>
    private bool TryReceive(out ReceivedRequest request)
    {
        request = default;
        while (!_isEnding)
        {
            AwaitRoom();
            if (_requests.TryTake(out NbdRequest header))
            {
                long started = Stopwatch.GetTimestamp();
                if (header.Command == NbdCommand.Disconnect)
                    return false;
                if (header.Command is NbdCommand.Write or NbdCommand.WriteZeroes && !_refusals.IsUnused)
                    PayRefusals();
                request = new ReceivedRequest(header, _requests.Validate(header), started);
                return true;
            }
            if (!ReceiveMore())
                return false;
        }
        return false;
    }

    private void Handle(in ReceivedRequest request)
    {
        switch (request.Command)
        {
            case NbdCommand.Write:
                // Its payload arrives whatever is wrong with it.
                Write(request);
                break;
            case var _ when request.Error != NbdError.None:
                _replies.Answer(request, request.Error);
                break;
            case NbdCommand.Read:
                Read(request);
                break;
            case NbdCommand.BlockStatus:
                using (ReplyRoom reply = _replies.Reserve(BlockStatus.MaxLength))
                    reply.Commit(BlockStatus.Write(reply.Span, request, _disk, _contexts));
                _replies.Count(request, NbdError.None);
                break;
            default:
                _replies.Answer(request, _commands.Execute(request));
                break;
        }
    }

    private void Read(in ReceivedRequest request)
    {
        if (request.Length <= SlowRequest.MaxBytes && _disk.IsSlowToRead(request.Offset, request.Length)
            && _slow.TryTake(request) is { } slow)
            slow.Start();
        else
            _reads.Send(request);
    }

    /// <summary>Stores the payload of a write page by page as it arrives, or passes over it after an error.</summary>
    private void Write(in ReceivedRequest request)
    {
        if (request.Error == NbdError.None && request.Length <= SlowRequest.MaxBytes && _disk.IsSlowToWrite
            && _slow.TryTake(request) is { } slow)
        {
            WriteSlowly(slow);
            return;
        }
        NbdError error = request.Error;
        long position = request.Offset;
        while (_requests.PayloadLeft > 0)
        {
            bool isPassed = error != NbdError.None;
            uint most = isPassed ? _requests.PayloadLeft
                : Math.Min(_requests.PayloadLeft, (uint)(_disk.PageSize - (int)(position & _disk.PageSize - 1)));
            if (!TryTakePayload(isPassed ? 1 : (int)most, most, out ReadOnlySpan<byte> data))
                return;
            if (!isPassed)
                error = _commands.Write(position, data);
            position += data.Length;
        }
        _replies.Answer(request, error);
    }

    private void WriteSlowly(SlowRequest slow)
    {
        bool isWhole = false;
        try
        {
            while (_requests.PayloadLeft > 0)
            {
                if (!TryTakePayload(1, _requests.PayloadLeft, out ReadOnlySpan<byte> data))
                    return;
                slow.Collect(data);
            }
            isWhole = true;
        }
        finally
        {
            if (!isWhole)
                slow.Release();
        }
        slow.Start();
    }

    /// <summary>Takes some payload, and waits for it; false at the end of the connection.</summary>
    private bool TryTakePayload(int least, uint most, out ReadOnlySpan<byte> data)
    {
        data = default;
        while (!_isEnding)
        {
            if (_requests.TryTakePayload(least, most, out data))
                return true;
            if (!ReceiveMore())
                return false;
        }
        return false;
    }

    /// <summary>Waits for the client, with all replies on their way to it.</summary>
    private bool ReceiveMore()
    {
        _replies.Flush();
        return _requests.Receive();
    }

    /// <summary>Waits until the client has taken replies, and one more request may be slow.</summary>
    private void AwaitRoom()
    {
        _replies.AwaitRoom();
        if (!_slow.IsFull)
            return;
        _replies.Flush();
        _slow.AwaitRoom();
        _requests.Touch();
    }

    /// <summary>Waits until another write may be refused, or the connection ends. All replies are on their way meanwhile.</summary>
    private void PayRefusals()
    {
        while (!_requests.IsStopping && !_isEnding && !_refusals.IsPaid())
        {
            _isPaying = true;
            _replies.Flush();
            _changed.Wait();
        }
        if (_isPaying)
            _requests.Touch();
        _isPaying = false;
    }
}
