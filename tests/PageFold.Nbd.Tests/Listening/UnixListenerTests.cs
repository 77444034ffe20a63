using System.Net;
using System.Net.Sockets;
using PageFold.Nbd.Listening;
using PageFold.Shared;

namespace PageFold.Nbd.Tests.Listening;

/// <summary>A socket that a killed server has left behind is taken over; anything else under its path is left alone.</summary>
public sealed class UnixListenerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-listen-");

    private string SocketPath => Path.Combine(_folder.FullName, "s");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_stale_socket_is_taken_over_and_the_log_says_so()
    {
        LeaveStale();
        List<string> log = [];
        using (ListeningSockets sockets = ListeningSockets.Open([new UnixDomainSocketEndPoint(SocketPath)], 5, log.Add))
        {
            Assert.Contains("took over", Assert.Single(log), StringComparison.Ordinal);
            Assert.Contains(SocketPath, log[0], StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
            Assert.True(IsAlive());
        }
        Assert.False(Path.Exists(SocketPath));
    }

    [Fact]
    public void A_live_socket_is_refused_even_if_its_backlog_is_full()
    {
        using Socket alive = New();
        alive.Bind(new UnixDomainSocketEndPoint(SocketPath));
        alive.Listen(0);
        List<Socket> waiting = [];
        for (int i = 0; i < 8; i++)
        {
            waiting.Add(New());
            // Does not wait where the backlog is full.
            Task connecting = waiting[^1].ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
            Assert.True(connecting.IsCompleted);
            _ = connecting.Exception;
        }
        Assert.Equal(SocketError.AddressAlreadyInUse,
            Assert.Throws<SocketException>(() => UnixListener.Listen(SocketPath, 5)).SocketErrorCode);
        Assert.True(Path.Exists(SocketPath));
        waiting.ForEach(socket => socket.Dispose());
    }

    [Theory]
    [InlineData("file")]
    [InlineData("empty file")]
    [InlineData("folder")]
    [InlineData("link to a stale socket")]
    [InlineData("datagram socket")]
    public void What_is_no_stale_socket_is_never_removed(string what)
    {
        using Socket datagrams = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        if (what == "folder")
            Directory.CreateDirectory(SocketPath);
        else if (what == "datagram socket")
            datagrams.Bind(new UnixDomainSocketEndPoint(SocketPath));
        else if (what.StartsWith("link", StringComparison.Ordinal))
            File.CreateSymbolicLink(SocketPath, LeaveStale(Path.Combine(_folder.FullName, "stale")));
        else
            File.WriteAllText(SocketPath, what == "file" ? "content" : string.Empty);
        Assert.Throws<SocketException>(() => UnixListener.Listen(SocketPath, 5));
        Assert.True(Path.Exists(SocketPath));
        Assert.Equal(what == "link to a stale socket" ? 2 : 1, _folder.EnumerateFileSystemInfos().Count());
    }

    [Fact]
    public void Of_several_that_start_at_once_one_takes_over_and_stays_reachable()
    {
        for (int round = 0; round < 20; round++)
        {
            LeaveStale();
            using Barrier barrier = new(8);
            UnixListener?[] listeners = new UnixListener?[8];
            Task.WaitAll([.. Enumerable.Range(0, 8).Select(number => Content.OnItsOwnThread(() =>
            {
                barrier.SignalAndWait();
                try
                {
                    listeners[number] = UnixListener.Listen(SocketPath, 64);
                }
                catch (SocketException e)
                {
                    Assert.Equal(SocketError.AddressAlreadyInUse, e.SocketErrorCode);
                }
            }))]);
            UnixListener only = Assert.Single(listeners, listener => listener is not null)!;
            Assert.True(IsAlive());
            only.Dispose();
            Assert.False(Path.Exists(SocketPath));
        }
    }

    [Fact]
    public void A_listener_that_ends_leaves_the_socket_of_the_one_that_has_come_into_its_place()
    {
        UnixListener first = UnixListener.Listen(SocketPath, 5);
        File.Delete(SocketPath);
        using UnixListener second = UnixListener.Listen(SocketPath, 5);
        first.Dispose();
        Assert.True(IsAlive());
    }

    [Fact]
    public void A_listener_stays_reachable_when_garbage_is_collected()
    {
        using UnixListener listener = UnixListener.Listen(SocketPath, 5);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(IsAlive());
    }

    [Fact]
    public void A_server_takes_over_what_a_killed_one_has_left_and_serves()
    {
        using RamDisk disk = TestDisk.Make();
        LeaveStale();
        NbdServer server = new(
            new NbdServerOptions { Exports = [new NbdExport { Disk = disk }], EndPoints = [new UnixDomainSocketEndPoint(SocketPath)] });
        server.Start();
        using (RawClient client = RawClient.Attach(server.EndPoints[0]))
            Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        server.StopAsync(RawClient.Patience).GetAwaiter().GetResult();
        Assert.False(Path.Exists(SocketPath));
    }

    [Fact]
    public void A_name_stands_for_all_its_addresses_at_one_port()
    {
        using ListeningSockets sockets = ListeningSockets.Open([new DnsEndPoint("localhost", 0)], 5, _ => { });
        Assert.NotEmpty(sockets.EndPoints);
        Assert.Single(sockets.EndPoints.Cast<IPEndPoint>().Select(endPoint => endPoint.Port).Distinct());
        Assert.All(sockets.EndPoints.Cast<IPEndPoint>(), endPoint => Assert.True(IPAddress.IsLoopback(endPoint.Address)));
        foreach (EndPoint endPoint in sockets.EndPoints)
        {
            using Socket client = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(endPoint);
        }
    }

    [Fact]
    public void All_addresses_of_both_families_can_share_a_port()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "IPv6 is switched off here.");
        using ListeningSockets first = ListeningSockets.Open([new IPEndPoint(IPAddress.Loopback, 0)], 5, _ => { });
        int port = ((IPEndPoint)first.EndPoints[0]).Port;
        using ListeningSockets second = ListeningSockets.Open([new IPEndPoint(IPAddress.IPv6Loopback, port)], 5, _ => { });
        Assert.Equal(port, ((IPEndPoint)second.EndPoints[0]).Port);
    }

    [Fact]
    public void A_place_that_is_taken_is_named_and_nothing_listens_then()
    {
        using ListeningSockets taken = ListeningSockets.Open([new IPEndPoint(IPAddress.Loopback, 0)], 5, _ => { });
        int port = ((IPEndPoint)taken.EndPoints[0]).Port;
        AssertRefused(new IPEndPoint(IPAddress.Loopback, port), SocketError.AddressAlreadyInUse, $"127.0.0.1:{port}");
        AssertRefused(new DnsEndPoint("127.0.0.1", port), SocketError.AddressAlreadyInUse, $"127.0.0.1:{port}");
        using Socket alive = New();
        string other = SocketPath + "2";
        alive.Bind(new UnixDomainSocketEndPoint(other));
        alive.Listen(1);
        AssertRefused(new UnixDomainSocketEndPoint(other), SocketError.AddressAlreadyInUse, other);
        string missing = Path.Combine(_folder.FullName, "missing", "s");
        AssertRefused(new UnixDomainSocketEndPoint(missing), null, missing);
    }

    [Fact]
    public void A_name_whose_addresses_this_machine_does_not_have_is_refused_as_such()
    {
        // One of those that are kept for documentation.
        using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.SkipUnless(Record.Exception(() => probe.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0))) is SocketException,
            "This machine lets a process listen at any address.");
        AssertRefused(new DnsEndPoint("192.0.2.1", 7), SocketError.AddressNotAvailable, "192.0.2.1:7");
    }

    private void AssertRefused(EndPoint endPoint, SocketError? error, string name)
    {
        SocketException refused = Assert.Throws<SocketException>(
            () => ListeningSockets.Open([new UnixDomainSocketEndPoint(SocketPath), endPoint], 5, _ => { }));
        Assert.StartsWith($"cannot listen at {name}: ", refused.Message, StringComparison.Ordinal);
        if (error is not null)
            Assert.Equal(error, refused.SocketErrorCode);
        Assert.False(Path.Exists(SocketPath));
    }

    private static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private bool IsAlive()
    {
        using Socket client = New();
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
        return true;
    }

    private string LeaveStale(string? path = null)
    {
        path ??= SocketPath;
        string other = path + "x";
        using (Socket socket = New())
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen();
            // Under another name, so that .NET does not remove it; a killed process has no time to.
            File.Move(path, other);
        }
        File.Move(other, path);
        return path;
    }
}
