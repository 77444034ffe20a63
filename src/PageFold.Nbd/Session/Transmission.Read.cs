using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Reads: the data goes out piece by piece, in structured replies with holes where there is none.</summary>
internal sealed partial class Transmission
{
    // A reply that must not be cut into chunks: its head is out, and the rest follows without any.
    private bool _headSent;

    // Both under the lock of the replies: while such a reply goes out, the replies of slow requests are kept.
    private readonly Stack<SlowRequest> _parked = new(SlowRequests.Most);
    private bool _exclusive;
    private volatile bool _broken;

    private bool InOnePiece => !_structured || (_request.Flags & CommandFlags.DontFragment) != 0;

    private void BeginRead()
    {
        _headSent = false;
        if (_request.Length <= SlowRequest.MostBytes && _disk.IsSlowToRead(_position, _request.Length)
            && _slow.TryTake(_request, _started) is { } slow)
        {
            _slow.Start(slow);
            return;
        }
        // Nothing may come between the parts of a reply that has to be whole.
        if (InOnePiece && _request.Length > PieceBytes)
            BeginExclusive();
        _readLeft = _request.Length;
        ReadPiece();
    }

    /// <summary>Sends the next piece of the data.</summary>
    private void ReadPiece()
    {
        NbdError error;
        try
        {
            error = InOnePiece ? ReadPlain() : ReadChunk();
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            error = NbdError.InputOutput;
            if (_headSent)
            {
                // The client takes what follows for data by now: only a broken connection can tell it otherwise.
                _failed(e);
                _broken = _disconnecting = true;
            }
            else
            {
                _requestFailed(e);
                Answer(error);
            }
            _readLeft = 0;
        }
        if (_readLeft > 0)
            return;
        if (InOnePiece && _request.Length > PieceBytes)
            EndExclusive();
        if (error == NbdError.None)
            _export.Counters.Count(NbdCommand.Read, _request.Length, error, _started);
    }

    private NbdError ReadPlain()
    {
        int count = (int)Math.Min(_readLeft, PieceBytes);
        int head = _headSent ? 0 : _structured ? Replies.DataChunkOverhead : NbdConstants.SimpleReplyLength;
        lock (_replies.Lock)
        {
            Span<byte> reply = _replies.Reserve(head + count);
            // First what may fail.
            _disk.Read(_position, reply.Slice(head, count));
            if (head > 0 && _structured)
                Replies.DataChunk(reply, _request.Cookie, done: true, _position, (int)_request.Length);
            else if (head > 0)
                Replies.Simple(reply, _request.Cookie, NbdError.None);
            _replies.Commit(head + count);
        }
        _headSent = true;
        Advance((uint)count);
        return NbdError.None;
    }

    private NbdError ReadChunk()
    {
        if (_disk.ZerosAt(_position, _readLeft) is var zeros and > 0)
        {
            lock (_replies.Lock)
                _replies.Commit(Replies.HoleChunk(_replies.Reserve(Replies.HoleChunkLength), _request.Cookie, done: zeros == _readLeft, _position, (uint)zeros));
            Advance((uint)zeros);
            return NbdError.None;
        }
        int count = (int)_disk.DataAt(_position, Math.Min(_readLeft, PieceBytes));
        lock (_replies.Lock)
        {
            Span<byte> reply = _replies.Reserve(Replies.DataChunkOverhead + count);
            _disk.Read(_position, reply.Slice(Replies.DataChunkOverhead, count));
            Replies.DataChunk(reply, _request.Cookie, done: count == _readLeft, _position, count);
            _replies.Commit(Replies.DataChunkOverhead + count);
        }
        Advance((uint)count);
        return NbdError.None;
    }

    private void BeginExclusive()
    {
        lock (_replies.Lock)
            _exclusive = true;
    }

    private void EndExclusive()
    {
        lock (_replies.Lock)
        {
            _exclusive = false;
            while (_parked.TryPop(out SlowRequest? slow))
            {
                try
                {
                    Send(slow);
                }
                catch (OutOfMemoryException e)
                {
                    // No reply after one that is missing; the others are given back all the same.
                    _broken = _disconnecting = true;
                    _failed(e);
                }
                _slow.Return(slow);
            }
        }
    }

    private void Advance(uint count)
    {
        _position += count;
        _readLeft -= count;
    }
}
