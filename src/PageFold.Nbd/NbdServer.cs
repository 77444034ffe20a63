using System.Net;
using System.Net.Sockets;
using System.Text;
using PageFold.Disks;
using PageFold.Nbd.Listening;
using PageFold.Nbd.Protocol;
using PageFold.Nbd.Session;

namespace PageFold.Nbd;

/// <summary>
/// Serves disks over the NBD protocol (fixed newstyle, structured replies, block status, TLS) to any number of clients.
/// </summary>
/// <remarks>
/// Several clients may use one export at once, and each sees what the others have written. A client that misbehaves gets the protocol's
/// errors or loses its connection, and harms no other. Thread-safe.
/// </remarks>
public sealed class NbdServer : IAsyncDisposable
{
    private const int Backlog = 128;
    private const int WatchMilliseconds = 250;

    // Of a connection's thread; what is not used costs addresses only.
    private const int StackBytes = 1 << 20;

    // What the kernel keeps of either direction of a TCP connection; it takes twice as much for its own needs.
    private const int SocketBufferBytes = 256 << 10;

    // What a timer takes; more is as good as no end.
    private static readonly TimeSpan LongestDelay = TimeSpan.FromDays(49);

    private readonly NbdServerOptions _options;
    private readonly HashSet<Connection> _connections = [];
    private readonly List<Task> _accepting = [];
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ServerLog _log;
    private readonly ConnectionMemory _memory;
    private readonly Dictionary<RamDisk, SlowLane> _slowLanes;
    private ListeningSockets? _listeners;
    private Timer? _watch;
    private bool _stopping;

    /// <summary>Takes the options; nothing listens yet.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or two exports have one name; the message says which.</exception>
    public NbdServer(NbdServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Throw.IfNothing(options.Exports, nameof(options.Exports));
        Throw.IfNothing(options.EndPoints, nameof(options.EndPoints));
        foreach (NbdExport export in options.Exports)
        {
            Throw.IfIncomplete(export);
            if (Encoding.UTF8.GetByteCount(export.Name) > NbdConstants.MaxString)
                throw Throw.ExportNameTooLong(export.Name, NbdConstants.MaxString);
            if (options.Exports.Count(other => other.Name == export.Name) > 1)
                throw Throw.ExportNamedTwice(export.Name);
        }
        Throw.IfBelow(options.MaxConnections, 1, nameof(options.MaxConnections));
        Throw.IfBelow(options.MaxReplyBytes, ReplyQueue.BlockBytes, nameof(options.MaxReplyBytes));
        if (options.RefusalsPerSecond is { } refusals)
            Throw.IfBelow(refusals, 1, nameof(options.RefusalsPerSecond));
        Throw.IfNotPositive(options.HandshakeTimeout, nameof(options.HandshakeTimeout));
        Throw.IfNotPositive(options.RequestTimeout, nameof(options.RequestTimeout));
        Throw.IfNotPositive(options.IdleTimeout, nameof(options.IdleTimeout));
        Throw.IfTooLittle(options.ConnectionMemory, options.MaxConnections);
        _memory = new ConnectionMemory(
            options.ConnectionMemory ?? ConnectionMemory.DefaultLimit(options.MaxConnections), options.MaxConnections);
        _options = options;
        _slowLanes = options.Exports.Select(export => export.Disk).Distinct().ToDictionary(disk => disk, _ => new SlowLane());
        _log = new ServerLog(options.Tell, TimeProvider.System);
    }

    /// <summary>Where the server listens; a TCP port of zero has become the one that the system chose.</summary>
    public IReadOnlyList<EndPoint> EndPoints => _listeners?.EndPoints ?? [];

    /// <summary>Connections that were closed at once because there were too many.</summary>
    public long RefusedConnections { get; private set; }

    /// <summary>Bytes that all connections have in hand at the moment, and those kept for a short while for the next request.</summary>
    public long ConnectionBytes => _memory.HeldBytes;

    /// <summary>The most bytes that <see cref="ConnectionBytes"/> has been so far.</summary>
    public long ConnectionPeakBytes => _memory.PeakBytes;

    /// <summary>The most bytes that <see cref="ConnectionBytes"/> can be.</summary>
    public long ConnectionBytesLimit => _memory.LimitBytes;

    /// <summary>
    /// Listens on all end points, or on none. Unix sockets are for their owner alone; one that a killed server has left behind is taken
    /// over, one at which a process listens is not. A name with a port
    /// (<see cref="DnsEndPoint"/>) stands for all its addresses that this machine has.
    /// </summary>
    /// <exception cref="SocketException">An address is in use, or not one of this machine's; the message names it.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory for what <see cref="NbdServerOptions.KeepConnectionMemory"/>
    /// takes.</exception>
    /// <exception cref="InvalidOperationException">
    /// The server was started already. After another exception it may be started again.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The server was stopped; make another.</exception>
    public void Start()
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        Throw.IfStarted(_listeners is not null);
        if (_options.KeepConnectionMemory)
            _memory.Keep();
        _listeners = ListeningSockets.Open(_options.EndPoints, Backlog, _options.Tell);
        _watch = new Timer(_ => Watch(), null, WatchMilliseconds, WatchMilliseconds);
        foreach (Socket listener in _listeners.Sockets)
            _accepting.Add(AcceptAsync(listener));
    }

    /// <summary>Stops the server: takes no new clients, and lets the others finish the requests under way.</summary>
    /// <param name="patience">How long they have; connections that are left are then closed.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative; nothing has changed.</exception>
    public async Task StopAsync(TimeSpan patience)
    {
        Throw.IfNegative(patience, nameof(patience));
        _listeners?.Dispose();
        lock (_connections)
        {
            _stopping = true;
            foreach (Connection connection in _connections)
                connection.Stop();
            if (_connections.Count == 0)
                _empty.TrySetResult();
        }
        await Task.WhenAll(_accepting);
        if (await Task.WhenAny(_empty.Task, Task.Delay(patience < LongestDelay ? patience : Timeout.InfiniteTimeSpan)) != _empty.Task)
        {
            lock (_connections)
            {
                foreach (Connection connection in _connections)
                    connection.Abort("the server ends");
            }
            await _empty.Task;
        }
        if (_watch is not null)
            await _watch.DisposeAsync();
        _memory.Dispose();
        _log.Sum(all: true);
    }

    /// <summary>Ends at once.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (e is ObjectDisposedException || _stopping || ((SocketException)e).SocketErrorCode == SocketError.OperationAborted)
                    return;
                // Out of descriptors, or a client that left before it was taken: others may come.
                _log.Tell($"a connection could not be taken: {e.Message}");
                await Task.Delay(WatchMilliseconds);
                continue;
            }
            Admit(socket);
        }
    }

    private void Admit(Socket socket)
    {
        Connection connection = new(socket, _options, _memory, _slowLanes, _log);
        lock (_connections)
        {
            if (_stopping || _connections.Count >= _options.MaxConnections)
            {
                RefusedConnections++;
                connection.Dispose();
                return;
            }
            _connections.Add(connection);
        }
        try
        {
            Prepare(socket);
            new Thread(() => Serve(connection), StackBytes) { IsBackground = true, Name = "nbd connection" }.Start();
        }
        catch (Exception e) when (e is SocketException or OutOfMemoryException or ThreadStartException)
        {
            // The client has gone already, or there is no thread for it.
            _log.Tell($"a connection could not be served: {e.Message}");
            Remove(connection);
        }
    }

    private static void Prepare(Socket socket)
    {
        if (socket.AddressFamily == AddressFamily.Unix)
            return;
        socket.NoDelay = true;
        // The kernel's buffers would grow to some megabytes by themselves for a client that is slow.
        (socket.SendBufferSize, socket.ReceiveBufferSize) = (SocketBufferBytes, SocketBufferBytes);
    }

    private void Serve(Connection connection)
    {
        try
        {
            connection.Run();
        }
        finally
        {
            Remove(connection);
        }
    }

    private void Remove(Connection connection)
    {
        lock (_connections)
        {
            _connections.Remove(connection);
            if (_stopping && _connections.Count == 0)
                _empty.TrySetResult();
        }
        connection.Dispose();
    }

    private void Watch()
    {
        long now = Environment.TickCount64;
        lock (_connections)
        {
            foreach (Connection connection in _connections)
                connection.Watch(now);
        }
        _memory.Trim(now);
        _log.Sum();
    }
}
