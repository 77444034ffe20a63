using System.Net.Sockets;
using System.Security.Authentication;
using PageFold.Disks;

namespace PageFold.Nbd.Session;

/// <summary>
/// One client, from its arrival to its end: a handshake, then requests. A failure ends this connection alone. The server's watch ends it
/// when the client is silent for too long.
/// </summary>
internal sealed class Connection : IDisposable
{
    private readonly NbdServerOptions _options;
    private readonly ConnectionMemory _memory;
    private readonly IReadOnlyDictionary<RamDisk, SlowLane> _lanes;
    private readonly ServerLog _log;
    private readonly Socket _socket;
    private readonly ClientStream _client;
    private readonly long _since = Environment.TickCount64;
    private readonly Lock _lock = new();
    private Transmission? _transmission;
    private bool _stopped;
    private string? _reason;

    public Connection(
        Socket socket, NbdServerOptions options, ConnectionMemory memory, IReadOnlyDictionary<RamDisk, SlowLane> lanes, ServerLog log)
    {
        _lanes = lanes;
        _memory = memory;
        _log = log;
        _socket = socket;
        _client = new ClientStream(socket);
        _options = options;
    }

    /// <summary>Serves the client to its end, on the thread that is the connection's own.</summary>
    public void Run()
    {
        Stream stream = _client;
        Negotiation negotiation = new(_options, _client, _memory);
        try
        {
            _client.Open();
            Agreement? agreement;
            try
            {
                agreement = negotiation.RunAsync().GetAwaiter().GetResult();
            }
            finally
            {
                stream = negotiation.Stream;
            }
            if (agreement is null)
                return;
            _client.WritesBlock = false;
            using Transmission transmission = new(
                _client, stream, negotiation.Input, _memory, agreement, _lanes[agreement.Export.Disk], _options, Report, ReportRequest);
            lock (_lock)
            {
                _transmission = transmission;
                if (_stopped)
                    transmission.Stop();
            }
            transmission.Run();
        }
#pragma warning disable CA1031 // One client must not harm others, whatever it does.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Report(e);
        }
        finally
        {
            Close(stream);
            negotiation.Input.Complete();
        }
    }

    /// <summary>Ends the connection: during the handshake at once, later after the requests under way.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
            if (_transmission is not null)
                _transmission.Stop();
            else
                _client.Shut();
        }
    }

    /// <summary>Ends the connection if its client has been silent for longer than it may.</summary>
    public void Watch(long now)
    {
        Transmission? transmission;
        lock (_lock)
            transmission = _transmission;
        transmission?.GiveBackIdle(now);
        (TimeSpan? limit, long since, string where) = transmission switch
        {
            null => (_options.HandshakeTimeout, _since, "in the handshake"),
            { IsMidRequest: true } => (_options.RequestTimeout, transmission.LastProgress, "in the middle of a request"),
            { IsWorking: true } => (null, 0, string.Empty),
            _ => (_options.IdleTimeout, transmission.LastProgress, "between requests"),
        };
        if (limit is { } most && now - since > most.TotalMilliseconds)
            Abort($"silent {where} for more than {most.TotalSeconds:0.#} s");
    }

    /// <summary>Ends the connection at once, and says why.</summary>
    public void Abort(string reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
            Log(reason);
        Transmission? transmission;
        lock (_lock)
            transmission = _transmission;
        if (transmission is not null)
            transmission.Cut();
        else
            _client.Shut();
    }

    public void Dispose()
    {
        _client.Dispose();
        _socket.Dispose();
    }

    private static void Close(Stream stream)
    {
        try
        {
            stream.Dispose();
        }
#pragma warning disable CA1031 // The thread ends with this; whatever a stream says at its end must not end the process.
        catch (Exception)
#pragma warning restore CA1031
        {
            // The client has gone already.
        }
    }

    private void Report(Exception e)
    {
        // An error that follows from an end that was logged already is not logged.
        if (Volatile.Read(ref _reason) is not null)
            return;
        string? reason = e switch
        {
            AuthenticationException => $"encryption failed: {e.InnerException?.Message ?? e.Message}",
            IOException { InnerException: SocketException inner } =>
                inner.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.OperationAborted ? null
                : inner.Message,
            ObjectDisposedException => null,
            PageCorruptException or InvalidDataException or IOException => e.Message,
            _ => $"{e.GetType().Name}: {e.Message}",
        };
        if (reason is not null)
            Log(reason);
    }

    /// <summary>Tells of a request that the disk could not serve; the client is told too, and the connection goes on.</summary>
    private void ReportRequest(Exception e) =>
        _log.Tell($"a request was answered with an input or output error: {e.Message.ReplaceLineEndings(" ")}");

    private void Log(string reason) => _log.Tell($"connection closed: {reason.ReplaceLineEndings(" ")}");
}
