using System.Buffers;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Writes: the data is taken as it comes.</summary>
internal sealed partial class Transmission
{
    private void BeginWrite()
    {
        _payloadLeft = _request.PayloadLength;
        if (_error == NbdError.None && _payloadLeft <= SlowRequest.MostBytes && _disk.IsSlowToWrite)
            _collecting = _slow.TryTake(_request, _started);
    }

    /// <summary>Takes what there is of a write's data; false if more has to come first.</summary>
    private bool TakePayload(ref ReadOnlySequence<byte> arrived)
    {
        if (_error != NbdError.None || _collecting is not null)
            return TakeAny(ref arrived);
        int within = (int)(_position & _disk.PageSize - 1);
        int count = (int)Math.Min(_payloadLeft, (uint)(_disk.PageSize - within));
        if (arrived.Length < count)
            return false;
        ReadOnlySpan<byte> data = arrived.FirstSpan;
        if (data.Length < count)
        {
            arrived.Slice(0, count).CopyTo(_scratch);
            data = _scratch;
        }
        Store(data[..count]);
        Consume(ref arrived, count);
        return true;
    }

    /// <summary>Collects data for a slow write, or passes over that of a write that has failed.</summary>
    private bool TakeAny(ref ReadOnlySequence<byte> arrived)
    {
        if (arrived.IsEmpty)
            return false;
        int count = (int)Math.Min(_payloadLeft, (ulong)arrived.FirstSpan.Length);
        _collecting?.Collect(arrived.FirstSpan[..count]);
        Consume(ref arrived, count);
        return true;
    }

    private void Consume(ref ReadOnlySequence<byte> arrived, int count)
    {
        arrived = arrived.Slice(count);
        _position += count;
        _payloadLeft -= (uint)count;
        if (_payloadLeft > 0)
            return;
        if (_collecting is { } slow)
        {
            _collecting = null;
            _slow.Start(slow);
        }
        else
        {
            Answer(_error);
        }
    }

    private void Store(ReadOnlySpan<byte> data)
    {
        try
        {
            if (!_disk.TryWrite(_position, data))
                _error = OutOfMemory();
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            _requestFailed(e);
            _error = NbdError.InputOutput;
        }
    }
}
