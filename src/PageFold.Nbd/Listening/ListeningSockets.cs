using System.Net;
using System.Net.Sockets;
using PageFold.Shared;

namespace PageFold.Nbd.Listening;

/// <summary>
/// The sockets at which a server listens: one for a Unix socket or an address, several for a name that stands for several addresses.
/// </summary>
internal sealed class ListeningSockets : IDisposable
{
    private readonly List<Socket> _sockets = [];
    private readonly List<UnixListener> _unix = [];

    private ListeningSockets()
    {
    }

    public IReadOnlyList<Socket> Sockets => _sockets;

    /// <summary>Where the sockets listen. A TCP port of zero has become the one that the system chose.</summary>
    public IReadOnlyList<EndPoint> EndPoints => [.. _sockets.Select(socket => socket.LocalEndPoint!)];

    /// <summary>Listens at all end points, or at none.</summary>
    /// <param name="endPoints">Addresses, Unix sockets, and names with a port.</param>
    /// <param name="backlog">Connections that wait to be accepted, each.</param>
    /// <param name="tell">Is told of stale sockets that were taken over.</param>
    /// <exception cref="SocketException">One cannot be listened at; the message names it.</exception>
    public static ListeningSockets Open(IEnumerable<EndPoint> endPoints, int backlog, Action<string> tell)
    {
        ListeningSockets open = new();
        try
        {
            foreach (EndPoint endPoint in endPoints)
                open.Add(endPoint, backlog, tell);
            return open;
        }
        catch
        {
            open.Dispose();
            throw;
        }
    }

    /// <summary>Closes all sockets and removes the files of Unix sockets.</summary>
    public void Dispose()
    {
        foreach (UnixListener listener in _unix)
            listener.Dispose();
        foreach (Socket socket in _sockets)
            socket.Dispose();
        _unix.Clear();
        _sockets.Clear();
    }

    private void Add(EndPoint endPoint, int backlog, Action<string> tell)
    {
        try
        {
            if (endPoint is UnixDomainSocketEndPoint)
                AddUnix(endPoint.ToString()!, backlog, tell);
            else if (endPoint is DnsEndPoint name)
                AddAll(name, backlog);
            else
                _sockets.Add(ListenAt(endPoint, backlog));
        }
        catch (SocketException e)
        {
            throw new SocketException((int)e.SocketErrorCode, $"cannot listen at {PrintableText.Of(Show(endPoint))}: {e.Message}");
        }
    }

    private void AddUnix(string path, int backlog, Action<string> tell)
    {
        UnixListener listener = UnixListener.Listen(path, backlog);
        _unix.Add(listener);
        _sockets.Add(listener.Socket);
        if (listener.TookOver)
            tell($"took over {PrintableText.Of(Path.GetFullPath(path))}, which a server that is gone has left behind");
    }

    /// <summary>
    /// Listens at every address of a name that this machine has: where the name stands for IPv4 and IPv6, one of them may be switched
    /// off.
    /// </summary>
    private void AddAll(DnsEndPoint name, int backlog)
    {
        SocketException? refused = null;
        int port = name.Port;
        int before = _sockets.Count;
        foreach (IPAddress address in Dns.GetHostAddresses(name.Host, name.AddressFamily).Distinct())
        {
            try
            {
                Socket socket = ListenAt(new IPEndPoint(address, port), backlog);
                _sockets.Add(socket);
                // The port that the system chose for the first is the port of all.
                port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            }
            catch (SocketException e) when (SocketErrors.IsNotOfThisMachine(e))
            {
                refused = e;
            }
        }
        if (_sockets.Count == before)
            throw refused ?? new SocketException((int)SocketError.HostNotFound);
    }

    private static Socket ListenAt(EndPoint endPoint, int backlog)
    {
        Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // A socket's own path may be a relative one, to be short.
    private static string Show(EndPoint endPoint) => endPoint switch
    {
        DnsEndPoint name => $"{name.Host}:{name.Port}",
        UnixDomainSocketEndPoint => Path.GetFullPath(endPoint.ToString()!),
        _ => endPoint.ToString()!,
    };
}
