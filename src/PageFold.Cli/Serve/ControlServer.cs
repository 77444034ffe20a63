using System.Net.Sockets;
using System.Text.Json;
using PageFold.Shared;

namespace PageFold.Cli.Serve;

/// <summary>Listens on the control socket, which only its owner may open, and carries out each request on its own thread.</summary>
internal sealed class ControlServer : IDisposable
{
    private const int MaxConnections = 32;
    private const int Backlog = 128;
    private const int MillisecondsAfterFailure = 250;
    private const int MaxRequestBytes = 64 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PatienceWithReaders = TimeSpan.FromSeconds(1);

    private readonly UnixListener _listener;
    private readonly DiskOperations _operations;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cuttingOff = new();
    // One for the server itself, so that it is zero only when all has ended.
    private readonly CountdownEvent _active = new(1);

    private readonly Action<string> _tell;
    private readonly TimeSpan _patience;

    /// <param name="path">Where to listen.</param>
    /// <param name="operations">What can be asked for.</param>
    /// <param name="tell">Is told of clients that may have meant another socket; called from any thread.</param>
    /// <param name="patience">How long a client may take to send its request; ten seconds if left out.</param>
    /// <exception cref="SocketException">The path cannot be listened on.</exception>
    public ControlServer(string path, DiskOperations operations, Action<string> tell, TimeSpan? patience = null)
    {
        (_operations, _tell, _patience) = (operations, tell, patience ?? Patience);
        _listener = UnixListener.Listen(path, Backlog);
    }

    /// <summary>A socket that a killed server has left was in the way and has been replaced.</summary>
    public bool TookOver => _listener.TookOver;

    /// <summary>Answers, also those who have come already: from the moment when there is a server to tell of.</summary>
    public void Start() => _ = AcceptAsync();

    /// <summary>Takes no more requests, cancels those under way and waits for their end. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_stopping.IsCancellationRequested)
            return;
        _stopping.Cancel();
        _listener.Dispose();
        _active.Signal();
        if (_active.Wait(PatienceWithReaders))
            return;
        // Those who do not take what they are told, such as a pager, would never end.
        _cuttingOff.Cancel();
        _active.Wait(Patience);
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Socket socket = await _listener.Socket.AcceptAsync(_stopping.Token);
                if (_active.CurrentCount > MaxConnections || !_active.TryAddCount())
                {
                    socket.Dispose();
                    continue;
                }
                StartServing(socket);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                if (e is not SocketException)
                    return;
                // Out of descriptors, for a while.
                await Task.Delay(MillisecondsAfterFailure);
            }
        }
    }

    /// <summary>
    /// Serves a client on a thread of its own, since it may be slow to take its answer, and other clients must not wait for it.
    /// </summary>
    private void StartServing(Socket socket)
    {
        try
        {
            new Thread(() => Serve(socket)) { IsBackground = true, Name = "control" }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            socket.Dispose();
            _active.Signal();
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            using NetworkStream stream = new(socket, ownsSocket: true);
            using CancellationTokenRegistration cut = _cuttingOff.Token.Register(socket.Dispose);
            Serve(socket, stream);
        }
        catch (ControlTimeoutException e)
        {
            _tell($"a command was left: {e.Message}; it may be run again");
        }
#pragma warning disable CA1031 // Whatever a client does to its connection, the server goes on.
        catch (Exception)
#pragma warning restore CA1031
        {
            // The client has gone; nothing can be reported to it.
        }
        finally
        {
            socket.Dispose();
            _active.Signal();
        }
    }

    private void Serve(Socket socket, NetworkStream stream)
    {
        using CancellationTokenSource gone = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Task watching = Task.CompletedTask;
        try
        {
            ControlReplies replies = new(socket);
            ControlReply last;
            try
            {
                ControlRequest request = Read(socket, gone.Token);
                RefuseOtherVersion(request);
#pragma warning disable CA2025 // It is waited for before either goes.
                watching = WatchAsync(stream, gone);
#pragma warning restore CA2025
                last = _operations.Execute(request, replies, gone.Token);
            }
            catch (UserErrorException e)
            {
                last = new ControlReply { Error = e.Message, ExitCode = ExitCodes.BadInput };
            }
            catch (Exception e) when (e is JsonException or InvalidDataException)
            {
                last = new ControlReply { Error = $"the request is not understood ({e.Message.ReplaceLineEndings(" ")})",
                    ExitCode = ExitCodes.BadInput };
            }
            replies.Tell(last);
        }
        finally
        {
            gone.Cancel();
            watching.GetAwaiter().GetResult();
        }
    }

    /// <summary>
    /// Refuses what another version may mean otherwise: version 1 has the server open a file by the client's name for it.
    /// </summary>
    private static void RefuseOtherVersion(ControlRequest request)
    {
        if (request.Version != ControlRequest.Current)
            throw new UserErrorException(
                $"this command speaks version {request.Version ?? 1} of the control protocol, and the server version "
                + $"{ControlRequest.Current}; use the pagefold that serves.");
    }

    /// <summary>
    /// Reads a request on this thread. The connection of a client that sends none in time is closed, as are all at the end.
    /// </summary>
    private ControlRequest Read(Socket socket, CancellationToken cancellation)
    {
        using CancellationTokenSource timely = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using CancellationTokenRegistration cut = timely.Token.Register(() => StopReading(socket));
        timely.CancelAfter(_patience);
        byte[] buffer = new byte[MaxRequestBytes];
        int length = 0;
        while (true)
        {
            int read = socket.Receive(buffer.AsSpan(length));
            length += read;
            int end = buffer.AsSpan(0, length).IndexOf((byte)'\n');
            if (end >= 0)
                return JsonSerializer.Deserialize(buffer.AsSpan(0, end), ControlJson.Default.ControlRequest)
                    ?? throw new InvalidDataException("it is null");
            // NBD clients wait for a greeting, which does not come here.
            if (length == 0 && timely.IsCancellationRequested && !cancellation.IsCancellationRequested)
                _tell("a client sent nothing to the control socket, as NBD clients do that were given it for the socket of a disk");
            if (read == 0 || length == buffer.Length)
                throw new InvalidDataException(
                    read == 0 ? "it does not end with a new line" : $"it is longer than {MaxRequestBytes} bytes");
        }
    }

    private static void StopReading(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Receive);
        }
        catch (SocketException)
        {
            // The client has gone.
        }
    }

    /// <summary>Cancels the work when the client goes away.</summary>
    private static async Task WatchAsync(Stream stream, CancellationTokenSource gone)
    {
        try
        {
            _ = await stream.ReadAsync(new byte[1], gone.Token);
            await gone.CancelAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The work has ended first.
        }
    }
}
