using System.Buffers;
using System.IO.Pipelines;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Receives the requests of one connection, header by header and payload by payload, and validates them.</summary>
/// <remarks>
/// <para>
/// A call of <see cref="Receive"/> takes what the client has sent, which may be many requests. <see cref="TryTake"/> and <see
/// cref="TryTakePayload"/> hand them on without waiting, so that the caller can flush replies before it waits for the client again.
/// </para>
/// <para>
/// The connection's own thread reads. <see cref="Stop"/>, <see cref="IfIdle"/> and the properties are for any thread: for the server's
/// watch, which ends connections whose clients are silent, and for the end of the server.
/// </para>
/// </remarks>
internal sealed class RequestReader(ClientStream client, ReceiveBuffer input, Agreement agreement)
{
    // Guards the two fields below and the change to stopping: a reader that is about to wait sees the stop, or the stop sees it waiting.
    private readonly Lock _waiting = new();
    private bool _isIdle;
    private bool _isMidRequest;

    private volatile bool _isStopping;
    private long _lastHeard = Environment.TickCount64;

    // What has arrived; the first bytes of it are taken.
    private ReadOnlySequence<byte> _arrived;
    private int _taken;
    private uint _payloadLeft;
    private bool _hasRead;
    private bool _hasEnded;

    /// <summary>When the client last sent something, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastHeard => Volatile.Read(ref _lastHeard);

    /// <summary>True while the reader waits for the rest of a request that has begun to arrive.</summary>
    public bool IsMidRequest => Volatile.Read(ref _isMidRequest);

    /// <summary>True once no more requests are to be carried out.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>Bytes of payload that the last request has and that were not taken yet.</summary>
    public uint PayloadLeft => _payloadLeft;

    // The receive buffer shows what it has in one piece.
    private ReadOnlySpan<byte> Rest => _arrived.FirstSpan[_taken..];

    /// <summary>Takes the next request; false if it has not arrived in full, or if payload of the last one was not taken.</summary>
    /// <exception cref="InvalidDataException">The bytes do not begin as a request; what follows cannot be understood.</exception>
    public bool TryTake(out NbdRequest request)
    {
        ReadOnlySpan<byte> rest = Rest;
        // A client that ends in the middle of a payload leaves some of it here. It is data, whatever it looks like.
        if (_payloadLeft > 0 || rest.Length < NbdConstants.RequestLength)
        {
            request = default;
            return false;
        }
        if (!NbdRequest.TryParse(rest[..NbdConstants.RequestLength], out request))
            throw new InvalidDataException("a request does not begin as one");
        _taken += NbdConstants.RequestLength;
        _payloadLeft = request.PayloadLength;
        return true;
    }

    /// <summary>Validates a request against the export and what was agreed on with the client.</summary>
    public NbdError Validate(in NbdRequest request) => _isStopping ? NbdError.Shutdown : request.Validate(
        agreement.Export.Disk.Length,
        agreement.Export.ReadOnly,
        agreement.Structured,
        agreement.Contexts != MetaContexts.None,
        Agreement.MaxLength);

    /// <summary>Takes a part of the payload of the last request; false if too little of it has arrived.</summary>
    /// <param name="least">The fewest bytes; no more than are left, and no more than half of the receive buffer.</param>
    /// <param name="most">The most bytes.</param>
    /// <param name="data">The bytes, valid until the next <see cref="Receive"/>.</param>
    public bool TryTakePayload(int least, uint most, out ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> rest = Rest;
        if (rest.Length < least)
        {
            data = default;
            return false;
        }
        data = rest[..(int)Math.Min((uint)rest.Length, most)];
        _taken += data.Length;
        _payloadLeft -= (uint)data.Length;
        return true;
    }

    /// <summary>Waits until more arrives; false if the client sends no more, or the reader is to stop before the next request.</summary>
    /// <exception cref="IOException">The connection has failed.</exception>
    public bool Receive()
    {
        bool isMidRequest = _payloadLeft > 0 || Rest.Length > 0;
        // What came with the handshake was read by no call of this.
        if (_hasRead)
            input.AdvanceTo(_arrived.GetPosition(_taken), _arrived.End);
        (_arrived, _taken, _hasRead) = (default, 0, false);
        if (_hasEnded || !TryBeginWait(isMidRequest))
            return false;
        ReadResult result = Read();
        EndWait();
        (_arrived, _hasRead, _hasEnded) = (result.Buffer, true, result.IsCompleted);
        return !_hasEnded;
    }

    /// <summary>Notes that the client had to wait for this end, which is no silence of the client's.</summary>
    public void Touch() => Volatile.Write(ref _lastHeard, Environment.TickCount64);

    /// <summary>
    /// Refuses all requests that come from here on, and ends the reading at the end of what has arrived: at once if no request is under
    /// way.
    /// </summary>
    public void Stop()
    {
        lock (_waiting)
        {
            _isStopping = true;
            if (_isIdle)
                client.ShutReading();
        }
    }

    /// <summary>Calls an action if the reader waits for a request; it goes on waiting until the action has ended.</summary>
    public void IfIdle(Action action)
    {
        lock (_waiting)
        {
            if (_isIdle)
                action();
        }
    }

    /// <summary>Waits on this thread: the stream below the buffer does so too, so the read has ended when it returns.</summary>
    private ReadResult Read()
    {
        ValueTask<ReadResult> read = input.ReadAsync();
        return read.IsCompletedSuccessfully ? read.Result : read.AsTask().GetAwaiter().GetResult();
    }

    private bool TryBeginWait(bool isMidRequest)
    {
        lock (_waiting)
        {
            if (_isStopping && !isMidRequest)
                return false;
            _isIdle = !isMidRequest;
            Volatile.Write(ref _isMidRequest, isMidRequest);
            return true;
        }
    }

    private void EndWait()
    {
        Touch();
        lock (_waiting)
        {
            _isIdle = false;
            // From here on the client may be waiting for this end.
            Volatile.Write(ref _isMidRequest, false);
        }
    }
}
